"""Dead letters: a message that cannot be processed, with its error and where it came from."""

import traceback
from hashlib import blake2b

import msgspec

from hookline_common.cloudevents import raw_position
from hookline_common.eventlog import Delivered, Record
from hookline_common.messages import OUTCOMES_CODEC, EventDeadLettered
from hookline_common.topics import DEAD_SUFFIX, OUTCOMES

_PREFIX = "hookline-"
REDRIVE_OF = f"{_PREFIX}redrive-of"
"""On a message that was taken back to its topic: the id of its dead letter."""

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
    headers = tuple((_PREFIX + name, value.encode()) for name, value in added.items())
    return Record(source.topic + DEAD_SUFFIX, source.key, source.value, source.headers + headers)


class Cause(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a dead letter tells of its failure; "" or 0 where it does not. Times in epoch ms."""

    reason: str = ""
    error: str = ""
    message: str = ""
    stack: str = ""
    attempts: int = 0
    topic: str
    partition: int = 0
    offset: int = 0
    first_at: int = 0
    last_at: int = 0
    service: str = ""
    group: str = ""
    redrive_of: str = ""


def cause_of(delivered: Delivered) -> Cause:
    """The failure in a record of `<topic>.dead`. Never raises, whoever wrote the record.

    One without coordinates of its source has its own.
    """
    found = {
        name.removeprefix(_PREFIX): value.decode("utf-8", "replace")
        for name, value in delivered.record.headers
        if name.startswith(_PREFIX)
    }
    position = delivered.position
    return Cause(
        reason=found.get("reason", ""),
        error=found.get("error", ""),
        message=found.get("message", ""),
        stack=found.get("stack", ""),
        attempts=_number(found.get("attempts"), 0),
        topic=found.get("topic", position.topic.removesuffix(DEAD_SUFFIX)),
        partition=_number(found.get("partition"), position.partition),
        offset=_number(found.get("offset"), position.offset),
        first_at=_number(found.get("first-at"), delivered.timestamp_ms),
        last_at=_number(found.get("last-at"), delivered.timestamp_ms),
        service=found.get("service", ""),
        group=found.get("group", ""),
        redrive_of=found.get("redrive-of", ""),
    )


def source_record(record: Record, topic: str, letter_id: str) -> Record:
    """The message that became this dead letter, to be appended to its topic once more."""
    kept = tuple(header for header in record.headers if not header[0].startswith(_PREFIX))
    mark = (REDRIVE_OF, letter_id.encode())
    return Record(topic, record.key, record.value, (*kept, mark))


def _number(text: str | None, default: int) -> int:
    known = text is not None and text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if known and text is not None else default


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
        position=raw_position(delivered),
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
