"""Dead letters: a message that cannot be processed, with its error and where it came from."""

import traceback
from hashlib import blake2b

import msgspec

from hookline_common.eventlog import Delivered, Record
from hookline_common.messages import OUTCOMES_CODEC, EventDeadLettered
from hookline_common.topics import DEAD_SUFFIX, OUTCOMES

LONGEST_MESSAGE = 2048
"""Characters of an error's message that are kept: a dead letter has 64 KiB for its headers (A5)."""


class Origin(msgspec.Struct, frozen=True):
    """Who put a message aside."""

    service: str
    group: str


class Failure(msgspec.Struct, frozen=True):
    """Why a message was put aside: `reason` is poison, stuck or unexpected; times in epoch ms."""

    reason: str
    error: BaseException
    attempts: int
    first_at: int
    last_at: int


def dead_letter(delivered: Delivered, failure: Failure, origin: Origin) -> Record:
    """The record for `<topic>.dead`: value and headers of the source, plus `hookline-…` headers."""
    position, source = delivered.position, delivered.record
    added = {
        "reason": failure.reason,
        "error": type(failure.error).__name__,
        "message": error_text(failure.error),
        "stack": stack_digest(failure.error),
        "attempts": str(failure.attempts),
        "topic": position.topic,
        "partition": str(position.partition),
        "offset": str(position.offset),
        "first-at": str(failure.first_at),
        "last-at": str(failure.last_at),
        "service": origin.service,
        "group": origin.group,
    }
    headers = tuple((f"hookline-{name}", value.encode()) for name, value in added.items())
    return Record(source.topic + DEAD_SUFFIX, source.key, source.value, source.headers + headers)


def dead_letter_outcome(
    delivered: Delivered, failure: Failure, origin: Origin, subject: tuple[str, str] | None
) -> Record | None:
    """What the matcher is told of the event (F5); None if the message is about no event.

    A message of `webhooks.outcomes` itself says nothing: it would come back to the same reader.
    """
    if subject is None or delivered.position.topic == OUTCOMES.name:
        return None
    event_id, webhook_id = subject
    said = EventDeadLettered(
        event_id=event_id,
        webhook_id=webhook_id,
        at=failure.last_at,
        service=origin.service,
        topic=delivered.position.topic,
        error=type(failure.error).__name__,
        reason=error_text(failure.error),
        attempt=failure.attempts,
    )
    return Record(OUTCOMES.name, event_id, OUTCOMES_CODEC.encode(said))


def error_text(error: BaseException) -> str:
    """The error's message, cut, in text that can be encoded."""
    return str(error)[:LONGEST_MESSAGE].encode("utf-8", "replace").decode()


def stack_digest(error: BaseException) -> str:
    """The same 12 digits for errors that were raised in the same place, whatever they say."""
    frames = traceback.extract_tb(error.__traceback__)
    place = "\n".join(f"{frame.name}:{frame.lineno}" for frame in frames)
    return blake2b(f"{type(error).__qualname__}\n{place}".encode(), digest_size=6).hexdigest()
