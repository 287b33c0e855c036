"""The verdict on every kind of event, and the state of the URL (specs/webhooks.md section 3)."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from hookline_common.collections import URL_STATUS
from hookline_common.errors import SealBroken, Undecodable
from hookline_common.eventlog import Delivered, Position, Record
from hookline_common.rawevents import Replay
from tests.saved_webhooks import SECRET, config_record
from tests.verifier.judging import AT, Judging, answered, url_verification

PUSH = b'{"action":"opened","number":7}'
GITHUB_HEADERS = {"x-github-event": "pull_request", "x-github-delivery": "d-1"}
CHALLENGED = b'{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}'


async def test_a_good_signature_is_verified_with_its_facts(judging: Judging) -> None:
    await judging.saved("github")
    event = judging.event(PUSH, headers=GITHUB_HEADERS)
    found = await judging.one(event)
    assert found.verdict == "verified"
    assert (found.delivery_id, found.type) == ("d-1", "pull_request.opened")
    assert (found.webhook_name, found.incarnation) == ("name of w1", 1)
    assert found.verified_at == judging.clock.at
    assert found.verification is not None
    assert found.verification.secret_id == "s1"
    assert found.raw.body == PUSH
    assert found.raw.id == event.id
    assert found.reason is None


@dataclass
class Bad:
    reason: str
    body: bytes = PUSH
    signature: str | None = None
    platform: str = "github"
    signed_at: int = AT


@pytest.mark.parametrize(
    "bad",
    [
        Bad("signature_mismatch", body=PUSH + b" "),
        Bad("signature_malformed", signature="md5=00"),
        Bad("signature_mismatch", signature="sha256=" + "0" * 64),
        Bad("timestamp_too_old", platform="stripe", signed_at=AT - 301_000),
    ],
    ids=lambda bad: bad.reason,
)
async def test_a_bad_request_is_rejected_with_its_reason(judging: Judging, bad: Bad) -> None:
    await judging.saved(bad.platform)
    event = replace(judging.event(PUSH, signed_at=bad.signed_at), body=bad.body)
    if bad.signature is not None:
        event = replace(event, headers=(("x-hub-signature-256", bad.signature),))
    (record,) = await judging.records(event)
    assert record.topic == "webhooks.rejected"
    found = await judging.one(event)
    assert (found.verdict, found.reason) == ("rejected", bad.reason)
    assert found.detail
    assert SECRET not in str(found)


async def test_the_time_of_arrival_is_the_clock_of_the_check(judging: Judging) -> None:
    """Accident prevented: a verifier that lags calls good events too old (invariant 6)."""
    await judging.saved("stripe")
    judging.clock.at = AT + 30 * 24 * 60 * 60 * 1000
    assert (await judging.one(judging.event(PUSH))).verdict == "verified"


async def test_headers_must_be_there_once_with_their_value(judging: Judging) -> None:
    await judging.saved("custom", secret=None, headers={"X-Key": "v", "X-Two": "2"})
    good = judging.event(PUSH)
    missing = replace(good, headers=good.headers[:1])
    twice = replace(good, headers=(*good.headers, good.headers[0]))
    other = replace(good, headers=(("x-key", "other"), good.headers[1]))
    found = await judging.judged(missing, twice, other, good)
    assert [judged.reason for judged in found] == [
        "header_missing",
        "header_repeated",
        "header_mismatch",
        None,
    ]


async def test_sealed_headers_are_checked_and_then_gone(judging: Judging) -> None:
    await judging.saved("custom", secret=None, headers={"X-Key": "the-key"})
    found = await judging.one(judging.event(PUSH, headers={"cookie": "c=1", "x-more": "m"}))
    assert found.verdict == "verified"
    assert [name for name, _ in found.raw.headers] == ["x-more"]
    assert found.raw.sealed == ()


async def test_the_first_good_event_verifies_the_url_once(judging: Judging) -> None:
    config = await judging.saved("github")
    bad = replace(judging.event(PUSH), body=b"other")
    await judging.one(bad)
    assert await judging.documents.count(URL_STATUS) == 0
    first = judging.event(PUSH)
    await judging.judged(first, judging.event(PUSH))
    stored = await judging.documents.get(URL_STATUS, [f"w1:{config.incarnation}"])
    (document,) = stored.values()
    assert first.id.encode() in document.body
    await judging.one(judging.event(PUSH))
    again = await judging.documents.get(URL_STATUS, ["w1:1"])
    assert again["w1:1"].rev == document.rev


async def test_until_the_challenge_everything_is_ignored(judging: Judging) -> None:
    await judging.saved("slack")
    found = await judging.one(judging.event(CHALLENGED))
    assert (found.verdict, found.reason) == ("rejected", "url_not_verified")


async def test_the_challenge_verifies_what_comes_behind_it_in_the_same_batch(
    judging: Judging,
) -> None:
    await judging.saved("slack")
    before, challenge, after = await judging.judged(
        judging.event(CHALLENGED),
        answered(judging.event(url_verification())),
        judging.event(CHALLENGED),
    )
    assert [before.verdict, challenge.verdict, after.verdict] == [
        "rejected",
        "handshake",
        "verified",
    ]
    assert (after.delivery_id, after.type) == ("Ev1", "message")


async def test_the_state_of_the_url_outlives_the_process(judging: Judging) -> None:
    await judging.saved("slack")
    await judging.one(answered(judging.event(url_verification())))
    await judging.view.close()
    judging.verifier = judging.another_verifier()
    assert (await judging.one(judging.event(CHALLENGED))).verdict == "verified"


async def test_a_rewind_judges_what_came_before_the_challenge_as_it_did_then(
    judging: Judging,
) -> None:
    """Accident prevented: a rewound group gives effects to events that were to be ignored."""
    await judging.saved("slack")
    events = [
        judging.event(CHALLENGED),
        answered(judging.event(url_verification())),
        judging.event(CHALLENGED),
    ]
    verdicts = ["rejected", "handshake", "verified"]
    assert [found.verdict for found in await judging.judged(*events)] == verdicts
    await judging.view.close()
    judging.verifier = judging.another_verifier()
    assert [found.verdict for found in await judging.judged(*events)] == verdicts
    later = replace(events[0], id="in a log that was made anew", received_at=AT + 1)
    assert (await judging.one(later)).verdict == "verified"


async def test_a_webhook_may_be_registered_as_verified(judging: Judging) -> None:
    await judging.saved("slack", url_verified=True)
    assert (await judging.one(judging.event(CHALLENGED))).verdict == "verified"


async def test_a_webhook_made_anew_starts_unverified(judging: Judging) -> None:
    """Accident prevented: the trust in a deleted webhook goes over to its successor (D1)."""
    await judging.saved("slack")
    await judging.one(answered(judging.event(url_verification())))
    await judging.saved("slack", incarnation=2, revision=5, create_time=AT + 1)
    old_handshake = answered(judging.event(url_verification()))
    handshake, event = await judging.judged(old_handshake, judging.event(CHALLENGED))
    assert handshake.verdict == "handshake"
    assert event.reason == "url_not_verified"


async def test_a_handshake_nobody_has_answered_is_no_handshake(judging: Judging) -> None:
    await judging.saved("slack")
    found = await judging.one(judging.event(url_verification()))
    assert found.verdict == "rejected"


async def test_a_handshake_that_proves_nothing_verifies_nothing(judging: Judging) -> None:
    await judging.saved("slack")
    check = answered(judging.unsigned(b"", method="GET", query="ssl_check=1"))
    found, event = await judging.judged(check, judging.event(CHALLENGED))
    assert found.verdict == "handshake"
    assert event.reason == "url_not_verified"


async def test_a_paused_webhook_has_no_effects(judging: Judging) -> None:
    await judging.saved("github", options={"paused": True})
    (record,) = await judging.records(judging.event(PUSH))
    assert record.topic == "webhooks.rejected"
    assert (await judging.one(judging.event(PUSH))).verdict == "paused"
    assert await judging.documents.count(URL_STATUS) == 0


async def test_what_was_just_saved_holds_for_the_next_event(judging: Judging) -> None:
    """Accident prevented: a revoked secret is good for some more events (D2)."""
    await judging.saved("github")
    event = judging.event(PUSH)
    assert (await judging.one(event)).verdict == "verified"
    await judging.saved("github", revision=2, secret="another")
    assert (await judging.one(event)).reason == "signature_mismatch"


async def test_an_unknown_or_deleted_webhook_rejects(judging: Judging) -> None:
    config = await judging.saved("github")
    event = judging.event(PUSH, headers={"authorization": "Bearer x"})
    await judging.deleted(config)
    stranger = replace(event, id="e2", webhook_id="nobody", headers=())
    gone, unknown = await judging.judged(event, stranger)
    assert gone.reason == unknown.reason == "webhook_deleted"
    assert gone.incarnation == 1
    assert "authorization" not in dict(gone.raw.headers)


async def test_a_401_is_final_except_in_a_replay(judging: Judging) -> None:
    """E3: the sender was told, so the event must not take effect behind its back."""
    await judging.saved("github")
    refused = replace(judging.event(PUSH), answer="unauthorized")
    found = await judging.one(refused)
    assert (found.verdict, found.reason) == ("rejected", "answered_unauthorized")
    replayed = replace(refused, id="e2", replay=Replay("r1", refused.id))
    assert (await judging.one(replayed)).verdict == "verified"


async def test_a_401_keeps_the_reason_it_was_given_for(judging: Judging) -> None:
    await judging.saved("github")
    refused = replace(judging.event(PUSH), answer="unauthorized", body=b"forged")
    assert (await judging.one(refused)).reason == "signature_mismatch"


@pytest.mark.parametrize(
    ("option", "key"),
    [(None, None), ("$.number", "7"), ("header:X-Order", "o"), ("$.absent", None)],
)
async def test_keys_from_the_body_apply_to_judged_events(
    judging: Judging, option: str | None, key: str | None
) -> None:
    await judging.saved("github", options={"ordering_key": option})
    event = judging.event(PUSH, headers={"x-order": "o"})
    (record,) = await judging.records(event)
    assert record.key == (key or event.id)


async def test_an_unreadable_body_is_verified_all_the_same(judging: Judging) -> None:
    await judging.saved("github")
    found = await judging.one(judging.event(b'{"a":1,"a":2}', headers=GITHUB_HEADERS))
    assert found.verdict == "verified"
    assert found.delivery_id == "d-1"


async def test_the_same_batch_gives_the_same_judgements(judging: Judging) -> None:
    await judging.saved("github")
    events = [judging.event(PUSH), replace(judging.event(PUSH), body=b"x"), judging.event(PUSH)]
    assert await judging.records(*events) == await judging.records(*events)


async def test_a_record_that_is_no_event_is_poison(judging: Judging) -> None:
    record = Record(
        "webhooks.received", "k", b"", (("ce_id", b"e1"), ("ce_source", b"/webhooks/w"))
    )
    delivered = Delivered(record, Position("webhooks.received", 0, 0), AT)
    with pytest.raises(Undecodable):
        await judging.verifier.handle([delivered])
    assert judging.verifier.subject(delivered) == ("e1", "w")


async def test_a_secret_that_cannot_be_opened_is_poison(judging: Judging) -> None:
    """It can be replayed when the key is back; until then it must not stop the partition."""
    config = await judging.saved("github")
    event = judging.event(PUSH)
    other = await judging.saved("github", webhook_id="w2")
    broken = replace(config, revision=9, secrets=other.secrets)
    await judging.log.append([config_record(broken)])
    with pytest.raises(SealBroken):
        await judging.records(event)
