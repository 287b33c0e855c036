"""What is a secret itself is never stored in the clear (protocols.md D4), and keys of records."""

from typing import Any

import pytest

from hookline_common.opened_webhooks import open_webhook
from hookline_common.sealed_events import open_event, without_sealed
from tests.ingest.gateway_at_hand import AtHand

VISIBLE = {"x-other": "visible"}


async def test_authorization_cookie_and_checked_headers_are_sealed(gateway: AtHand) -> None:
    await gateway.saved("custom", secret=None, headers={"X-Api-Key": "the-key"})
    sent = {"authorization": "Bearer abc", "cookie": "c=1", "x-api-key": "the-key", **VISIBLE}
    async with gateway.client() as client:
        await client.post("/webhook/w1", headers=sent)
    (record,) = await gateway.records()
    stored = b"".join(value for _, value in record.headers)
    for secret in (b"the-key", b"Bearer abc", b"c=1"):
        assert secret not in stored
    assert b"visible" in stored
    (event,) = await gateway.events()
    assert event.sealed == ("authorization", "cookie", "x-api-key")
    opened = dict(open_event(event, gateway.sealer).headers)
    assert {name: opened[name] for name in sent} == sent
    left = {name for name, _ in without_sealed(event).headers}
    assert "x-other" in left
    assert not left & set(event.sealed)


async def test_a_token_in_the_query_is_sealed_in_query_and_url(gateway: AtHand) -> None:
    verification = {"alg": "token", "sig": "query:token"}
    config = await gateway.saved("custom", secret="s%cr&t", verification=verification)
    assert open_webhook(config, gateway.sealer).sealed_query == {"token"}
    async with gateway.client() as client:
        await client.post("/webhook/w1?a=1&token=s%25cr%26t&b=2")
    (event,) = await gateway.events()
    assert event.sealed == ("query:token",)
    assert "s%25cr" not in event.query + event.url
    opened = open_event(event, gateway.sealer)
    assert opened.query == "a=1&token=s%25cr%26t&b=2"
    assert opened.url == "http://gateway.example/webhook/w1?a=1&token=s%25cr%26t&b=2"
    assert without_sealed(event).query == "a=1&b=2"
    assert without_sealed(event).url == "http://gateway.example/webhook/w1?a=1&b=2"


@pytest.mark.parametrize(
    ("platform", "option", "key"),
    [
        ("github", None, None),
        ("github", "header:X-Order", "o-7"),
        ("github", "query:order", "q-7"),
        ("github", "header:X-Absent", None),
        ("github", "$.order", "w1"),
        ("slack", None, "w1"),
        ("slack", "header:X-Order", "w1"),
    ],
)
async def test_the_key_keeps_in_order_what_must_be(
    gateway: AtHand, platform: str, option: str | None, key: str | None
) -> None:
    options: dict[str, Any] = {} if option is None else {"ordering_key": option}
    await gateway.saved(platform, options=options)
    async with gateway.client() as client:
        await client.post("/webhook/w1?order=q-7", headers={"x-order": "o-7"}, content=b"{}")
    (record,) = await gateway.records()
    (event,) = await gateway.events()
    assert record.key == (key or event.id)
