"""Webhooks whose seals do not open (the key was changed): shown and changed without a 500."""

from pathlib import Path
from typing import Any

from hookline_common.sealing import Sealer, SealKey
from tests.engine.rest_surface import open_stores, open_surface

WEBHOOK = "/api/metadata/webhook"


def custom(**more: Any) -> dict[str, Any]:
    return {
        "id": "w1",
        "name": "c",
        "sourcePlatform": "Custom",
        "headers": {"X-Token": "a value that is long"},
        "receiverWorkflowNamesToVersions": {"w": 1},
        **more,
    }


async def test_without_the_seal_key_values_are_marks_and_tests_say_why(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(log, documents) as surface:
            await surface.call("POST", WEBHOOK, custom())
        other = Sealer([SealKey("other", b"o" * 32)])
        async with open_surface(log, documents, sealer=other) as surface:
            shown = await surface.call("GET", f"{WEBHOOK}/w1")
            assert shown["headers"] == {"X-Token": "***"}
            refused = await surface.refused(
                "POST", f"{WEBHOOK}/w1/test", {"event": "order.created"}
            )
            assert refused[:2] == (503, "seal_broken")
            kept = await surface.call("PUT", f"{WEBHOOK}/w1", shown)
            assert kept["headers"] == {"X-Token": "***"}
            new = {"X-Token": "another value, also long"}
            changed = await surface.call("PUT", f"{WEBHOOK}/w1", {**shown, "headers": new})
            assert changed["headers"] == new


async def test_a_secret_that_does_not_open_cannot_be_kept_for_another_platform(
    tmp_path: Path,
) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(log, documents) as surface:
            github = {"sourcePlatform": "GitHub", "secretValue": "s", "headers": None}
            await surface.call("POST", WEBHOOK, custom(**github))
        other = Sealer([SealKey("other", b"o" * 32)])
        async with open_surface(log, documents, sealer=other) as surface:
            stripe = custom(sourcePlatform="Stripe", headers=None)
            refused = await surface.refused("PUT", f"{WEBHOOK}/w1", stripe)
            assert refused == (400, "seal_broken", "/secrets/0/value")
            new = await surface.call("PUT", f"{WEBHOOK}/w1", {**stripe, "secretValue": "whsec_n"})
            assert new["verifier"] == "STRIPE"
