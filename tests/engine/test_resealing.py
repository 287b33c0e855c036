"""A new seal key: what is stored is sealed anew with it, and a wrong one stops the start."""

from pathlib import Path
from typing import Any

import pytest

from hookline_common.documents import Documents
from hookline_common.errors import Misconfigured
from hookline_common.opened_webhooks import open_webhook
from hookline_common.seal_checks import check_seals
from hookline_common.sealing import Sealer, SealKey
from hookline_common.webhooks import WebhookConfig
from tests.engine.rest_surface import Surface, open_stores, open_surface

RESEAL = "/api/seal-keys/reseal"
OLD, NEW = SealKey("old", b"o" * 32), SealKey("new", b"n" * 32)
BOTH = Sealer([NEW, OLD])
CHECKS = {"X-Token": "a value that is long"}
WEBHOOKS = (
    {"id": "w1", "name": "c", "sourcePlatform": "Custom", "headers": CHECKS},
    {"id": "w2", "name": "g", "sourcePlatform": "GitHub", "secretValue": "shared secret"},
)


async def save(surface: Surface) -> None:
    for webhook in WEBHOOKS:
        body = {**webhook, "receiverWorkflowNamesToVersions": {"w": 1}}
        await surface.call("POST", "/api/metadata/webhook", body)
    put = await surface.http.put("/api/secrets/token", content="t0ken")
    assert put.status_code == 200, put.text


async def reseal(surface: Surface, limit: int = 1) -> list[dict[str, Any]]:
    """All pages."""
    pages: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        pages.append(await surface.call("POST", RESEAL, params=query))
        cursor = pages[-1].get("cursor")
    return pages


async def opens(surface: Surface, sealer: Sealer) -> None:
    """Everything opens with these keys: as stored, and as the other services see it."""
    await check_seals(surface.documents, sealer)
    view = await surface.config()
    for config in [view.webhook(webhook_id) for webhook_id in ("w1", "w2")]:
        assert isinstance(config, WebhookConfig)
        open_webhook(config, sealer)


async def test_everything_is_sealed_anew_and_the_old_key_is_not_needed(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(log, documents, sealer=Sealer([OLD])) as surface:
            await save(surface)
        async with open_surface(log, documents, sealer=BOTH) as surface:
            pages = await reseal(surface)
            assert sum(page["resealed"] for page in pages) == 3
            assert {page["key"] for page in pages} == {"new"}
            assert {page["total"] for page in pages} == {3}
            assert sum(page["resealed"] for page in await reseal(surface)) == 0
        async with open_surface(log, documents, sealer=Sealer([NEW])) as surface:
            await opens(surface, Sealer([NEW]))
            shown = await surface.call("GET", "/api/metadata/webhook/w1")
            assert shown["headers"] == CHECKS
            assert (await surface.http.get("/api/secrets/token")).text == "t0ken"


async def test_what_was_broken_off_in_the_middle_goes_on(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(log, documents, sealer=Sealer([OLD])) as surface:
            await save(surface)
        async with open_surface(log, documents, sealer=BOTH) as surface:
            assert (await surface.call("POST", RESEAL, params={"limit": 1}))["resealed"] == 1
            await opens(surface, BOTH)
            assert sum(page["resealed"] for page in await reseal(surface, 100)) == 2


async def test_what_does_not_open_is_named_and_stays(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        async with open_surface(log, documents, sealer=Sealer([OLD])) as surface:
            await save(surface)
        async with open_surface(log, documents, sealer=Sealer([NEW])) as surface:
            pages = await reseal(surface)
            named = [name for page in pages for name in page["broken"]]
            assert sorted(named) == ["secret token", "webhook w1", "webhook w2"]
            await opens(surface, Sealer([OLD]))


async def test_a_cursor_of_something_else_is_refused(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as surface:
        refused = await surface.refused("POST", RESEAL, params={"cursor": "executions:x"})
        assert refused[:2] == (400, "bad_cursor")


async def test_a_key_that_opens_nothing_stored_stops_the_start(tmp_path: Path) -> None:
    async with open_stores(tmp_path) as (log, documents):
        await check_seals(documents, Sealer([NEW]))  # nothing is stored yet
        async with open_surface(log, documents, sealer=Sealer([OLD])) as surface:
            await save(surface)
        await check_seals(documents, BOTH)
        await refused(documents, Sealer([NEW]), "webhook c, webhook g, secret token", "'old'")
        await refused(documents, Sealer([SealKey("old", b"x" * 32)]), "'old'")


async def refused(documents: Documents, sealer: Sealer, *named: str) -> None:
    with pytest.raises(Misconfigured) as found:
        await check_seals(documents, sealer)
    for text in ("HOOKLINE_SEAL_KEY", "NEW,OLD", "HOOKLINE_SEAL_KEY_LOST=1", *named):
        assert text in str(found.value)
