"""Webhooks over the API: the resource, what is kept, what the services see."""

import json
from pathlib import Path

import pytest

from hookline_common.collections import NAMES, URL_STATUS, WEBHOOKS
from hookline_common.documents import Document
from hookline_common.sealing import header_check_context, secret_context
from hookline_common.web import ApiKeys
from hookline_common.webhooks import WebhookConfig, WebhookDeleted
from tests.engine.rest_surface import PUBLIC, SEALER, Surface, open_stores, open_surface
from tests.engine.webhook_samples import CUSTOMERS_EXAMPLE, SENDGRID_KEY, WEBHOOK, github


async def test_the_customers_example_works_verbatim_and_reads_back_the_same(
    surface: Surface,
) -> None:
    text = json.dumps(CUSTOMERS_EXAMPLE, indent=1)
    created = await surface.http.post(WEBHOOK, content=text)
    assert created.status_code == 200
    read = await surface.call("GET", f"{WEBHOOK}/{CUSTOMERS_EXAMPLE['id']}")
    assert {name: read[name] for name in CUSTOMERS_EXAMPLE} == CUSTOMERS_EXAMPLE
    assert read["url"] == f"{PUBLIC}/webhook/{CUSTOMERS_EXAMPLE['id']}"
    assert created.json() == {**read, "warnings": created.json()["warnings"]}
    again = await surface.call("PUT", f"{WEBHOOK}/{read['id']}", read)
    assert {name: again[name] for name in CUSTOMERS_EXAMPLE} == CUSTOMERS_EXAMPLE


@pytest.mark.parametrize(
    ("platform", "secret", "verifier"),
    [
        ("GitHub", "s3cret", "SIGNATURE_BASED"),
        ("Slack", "8f742231b10e8888abcd99yyyzzz85a5", "SLACK_BASED"),
        ("Stripe", "whsec_test_secret", "STRIPE"),
        ("Microsoft Teams", "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=", "HMAC_BASED"),
        (
            "SendGrid",
            SENDGRID_KEY,
            "SENDGRID",
        ),
        ("Standard Webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "CATALOGUE"),
    ],
)
async def test_each_platform_implies_its_verifier_and_the_secret_is_sealed(
    surface: Surface, platform: str, secret: str, verifier: str
) -> None:
    body = github(sourcePlatform=platform, secretValue=secret)
    created = await surface.call("POST", WEBHOOK, body)
    assert (created["verifier"], created["sourcePlatform"]) == (verifier, platform)
    assert created["secretValue"] == "***"
    assert created["urlVerified"] is False
    assert secret not in json.dumps(created)
    config = (await surface.config()).webhook(created["id"])
    assert isinstance(config, WebhookConfig)
    context = secret_context(config.id, config.incarnation, config.secrets[0].id)
    assert SEALER.open(config.secrets[0].sealed, context) == secret
    stored = (await surface.documents.get(WEBHOOKS, [config.id]))[config.id]
    assert secret.encode() not in stored.body


async def test_a_saved_webhook_is_published_before_the_answer_and_each_change_again(
    surface: Surface,
) -> None:
    created = await surface.call("POST", WEBHOOK, github(id="w1"))
    first = (await surface.config()).webhook("w1")
    await surface.call("PUT", f"{WEBHOOK}/w1", {**created, "name": "renamed"})
    second = (await surface.config()).webhook("w1")
    assert isinstance(first, WebhookConfig)
    assert isinstance(second, WebhookConfig)
    assert (first.name, second.name) == ("gh", "renamed")
    assert (second.incarnation, second.revision) == (first.incarnation, first.revision + 1)


async def test_a_deleted_webhook_is_gone_and_its_id_continues_under_a_new_incarnation(
    surface: Surface,
) -> None:
    await surface.call("POST", WEBHOOK, github(id="w1"))
    first = (await surface.config()).webhook("w1")
    assert await surface.call("DELETE", f"{WEBHOOK}/w1") is None
    gone = (await surface.config()).webhook("w1")
    assert isinstance(gone, WebhookDeleted)
    assert await surface.refused("GET", f"{WEBHOOK}/w1") == (404, "webhook_not_found", None)
    assert await surface.call("GET", WEBHOOK) == []
    await surface.call("POST", WEBHOOK, github(id="w1"))
    again = (await surface.config()).webhook("w1")
    assert isinstance(first, WebhookConfig)
    assert isinstance(again, WebhookConfig)
    assert again.incarnation > gone.incarnation == first.incarnation
    assert again.revision > gone.revision > first.revision


async def test_id_and_name_are_unique(surface: Surface) -> None:
    await surface.call("POST", WEBHOOK, github(id="w1"))
    assert await surface.refused("POST", WEBHOOK, github(id="w1", name="other")) == (
        409,
        "id_taken",
        "/id",
    )
    assert await surface.refused("POST", WEBHOOK, github(id="w2")) == (409, "name_taken", "/name")
    other = await surface.call("POST", WEBHOOK, github(id="w2", name="other"))
    taken = await surface.refused("PUT", f"{WEBHOOK}/w2", {**other, "name": "gh"})
    assert taken == (409, "name_taken", "/name")


async def test_a_name_is_free_again_after_a_rename_and_after_a_deletion(surface: Surface) -> None:
    created = await surface.call("POST", WEBHOOK, github(id="w1"))
    await surface.call("PUT", f"{WEBHOOK}/w1", {**created, "name": "renamed"})
    await surface.call("POST", WEBHOOK, github(id="w2"))
    await surface.call("DELETE", f"{WEBHOOK}/w2")
    await surface.call("POST", WEBHOOK, github(id="w3"))
    names = [webhook["name"] for webhook in await surface.call("GET", WEBHOOK)]
    assert names == ["gh", "renamed"]


async def test_a_name_left_behind_by_a_crash_is_free_after_a_minute(surface: Surface) -> None:
    claim = json.dumps({"id": "lost", "at": surface.clock.ms}).encode()
    await surface.documents.insert(NAMES, [Document("webhook:gh", claim)])
    assert (await surface.refused("POST", WEBHOOK, github()))[0] == 409
    surface.clock.ms += 60_001
    await surface.call("POST", WEBHOOK, github())


class TestChanges:
    async def test_put_keeps_what_a_client_cannot_send_back(self, surface: Surface) -> None:
        tags = [{"key": "team", "value": "a"}]
        body = github(id="w1", urlVerified=True, createdBy="ann", tags=tags)
        await surface.call("POST", WEBHOOK, {**body, "options": {"dedupeSeconds": 60}})
        before = (await surface.config()).webhook("w1")
        for secret in ({"secretValue": "***"}, {}):
            change = {**github(urlVerified=False, createdBy="eve", updatedBy="bob"), **secret}
            if not secret:
                del change["secretValue"]
            changed = await surface.call("PUT", f"{WEBHOOK}/w1", change)
        after = (await surface.config()).webhook("w1")
        assert isinstance(before, WebhookConfig)
        assert isinstance(after, WebhookConfig)
        assert after.secrets == before.secrets
        assert (changed["urlVerified"], changed["createdBy"]) == (True, "ann")
        assert changed["updatedBy"] == "bob"
        assert changed["createTime"] == before.create_time
        assert changed["updateTime"] == surface.clock.ms
        assert changed["tags"] == tags
        assert changed["options"]["dedupeSeconds"] == 60

    async def test_a_new_secret_value_replaces_the_first_secret_under_a_new_id(
        self, surface: Surface
    ) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        await surface.call("POST", f"{WEBHOOK}/w1/secrets", {"value": "second", "label": "next"})
        before = (await surface.call("GET", f"{WEBHOOK}/w1"))["secrets"]
        changed = await surface.call("PUT", f"{WEBHOOK}/w1", github(secretValue="third"))
        after = changed["secrets"]
        assert [secret["value"] for secret in after] == ["***", "***"]
        assert after[0]["id"] != before[0]["id"]
        assert after[1] == before[1]

    async def test_header_values_are_shown_kept_by_their_mark_and_replaced(
        self, surface: Surface
    ) -> None:
        await surface.call("POST", WEBHOOK, CUSTOMERS_EXAMPLE)
        path = f"{WEBHOOK}/{CUSTOMERS_EXAMPLE['id']}"
        changed = await surface.call(
            "PUT", path, {**CUSTOMERS_EXAMPLE, "headers": {"appname": "***", "X-New": "v"}}
        )
        assert changed["headers"] == {"appname": "demoApp", "X-New": "v"}
        config = (await surface.config()).webhook(CUSTOMERS_EXAMPLE["id"])
        assert isinstance(config, WebhookConfig)
        context = header_check_context(config.id, config.incarnation, "appname")
        assert SEALER.open(config.header_checks["appname"], context) == "demoApp"

    async def test_an_unknown_webhook_is_404(self, surface: Surface) -> None:
        for method, path in (
            ("GET", "x"),
            ("DELETE", "x"),
            ("GET", "x/tags"),
            ("GET", "x/secrets"),
        ):
            assert (await surface.refused(method, f"{WEBHOOK}/{path}"))[:2] == (
                404,
                "webhook_not_found",
            )
        assert (await surface.refused("PUT", f"{WEBHOOK}/x", github()))[0] == 404

    async def test_the_id_of_body_and_path_must_agree(self, surface: Surface) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        refused = await surface.refused("PUT", f"{WEBHOOK}/w1", github(id="w2"))
        assert refused == (400, "id_mismatch", "/id")

    async def test_the_url_is_verified_when_the_verifier_says_so(self, surface: Surface) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        config = (await surface.config()).webhook("w1")
        assert config is not None
        status = Document(f"w1:{config.incarnation}", b'{"verified":true,"at":1,"eventId":"e"}')
        await surface.documents.insert(URL_STATUS, [status])
        assert (await surface.call("GET", f"{WEBHOOK}/w1"))["urlVerified"] is True
        assert (await surface.call("GET", WEBHOOK))[0]["urlVerified"] is True


async def test_with_keys_on_the_key_is_the_author(tmp_path: Path) -> None:
    keys = ApiKeys({"ann": "s"})
    headers = {"X-Authorization": keys.issue("ann", "s")}
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents, keys=keys) as surface,
    ):
        body = github(createdBy="eve")
        created = await surface.call("POST", WEBHOOK, body, headers=headers)
        assert created["createdBy"] == "ann"
        assert (await surface.http.get(WEBHOOK)).status_code == 401
        assert (await surface.http.get("/api/health")).status_code == 200
