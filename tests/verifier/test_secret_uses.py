"""Which secret proved an event, and when, is kept for the operator."""

from msgspec.structs import replace

from hookline_common import collections
from hookline_common.documents import Document
from hookline_verifier.secret_uses import WRITTEN_EVERY_MS
from tests.verifier.judging import AT, Judging

PUSH = b'{"action":"opened"}'


async def used(judging: Judging, key: str = "w1:1:s1") -> Document | None:
    return (await judging.documents.get(collections.SECRET_USES, [key])).get(key)


async def test_the_secret_that_fitted_is_noted_with_the_time_of_arrival(judging: Judging) -> None:
    await judging.saved("github")
    await judging.one(replace(judging.event(PUSH), body=b"forged"))
    assert await used(judging) is None
    event = judging.event(PUSH)
    await judging.judged(event, replace(event, id="another", received_at=AT + 5))
    found = await used(judging)
    assert found is not None
    assert found.body == b'{"lastUsedAt":%d}' % (AT + 5)


async def test_it_is_written_once_a_minute(judging: Judging) -> None:
    await judging.saved("github")
    event = judging.event(PUSH)
    await judging.one(event)
    judging.clock.at += WRITTEN_EVERY_MS - 1
    await judging.one(replace(event, received_at=AT + WRITTEN_EVERY_MS - 1))
    found = await used(judging)
    assert found is not None
    assert (found.rev, found.body) == (1, b'{"lastUsedAt":%d}' % AT)
    judging.clock.at += 1
    await judging.one(replace(event, received_at=AT + 7))
    found = await used(judging)
    assert found is not None
    assert (found.rev, found.body) == (2, b'{"lastUsedAt":%d}' % (AT + WRITTEN_EVERY_MS - 1))


async def test_a_replay_of_the_past_does_not_turn_it_back(judging: Judging) -> None:
    await judging.saved("github")
    event = judging.event(PUSH)
    await judging.one(event)
    judging.verifier = judging.another_verifier()
    await judging.one(replace(event, received_at=AT - 1000))
    found = await used(judging)
    assert found is not None
    assert found.body == b'{"lastUsedAt":%d}' % AT


async def test_a_header_check_uses_no_secret(judging: Judging) -> None:
    await judging.saved("custom", secret=None, headers={"X-Key": "the-key"})
    assert (await judging.one(judging.event(PUSH))).verdict == "verified"
    assert await judging.documents.count(collections.SECRET_USES) == 0
