"""The catalogue of dead letters: what was put aside, why, and what an operator did about it.

The message itself stays in the log, in `<topic>.dead`; its place is kept here.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from hookline_common.cloudevents import event_and_webhook
from hookline_common.collections import DEAD_LETTERS
from hookline_common.dead_letters import Cause, cause_of
from hookline_common.documents import Document, Documents
from hookline_common.errors import HooklineError
from hookline_common.eventlog import Delivered, Record
from hookline_common.ids import digest
from hookline_common.messages import COMMANDS_CODEC, OUTCOMES_CODEC, CompleteTask, StartWorkflow
from hookline_common.topics import BY_NAME, COMMANDS, DAY_MS, OUTCOMES
from hookline_engine.record_views import preview_of

State = Literal["waiting", "redriven", "dropped", "expired"]
"""`expired`: it was to be redriven, and the log had let go of it."""

_DEFAULT_RETENTION_MS = 30 * DAY_MS


class DeadLetter(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A message that was put aside. `position` is where it lies: [topic, partition, offset]."""

    id: str
    cause: Cause
    position: tuple[str, int, int]
    key: str
    size_bytes: int
    preview: str = ""
    event_id: str | None = None
    webhook_id: str | None = None
    state: State = "waiting"
    changed_at: int = 0


letter_of = msgspec.json.Decoder(DeadLetter).decode
"""The dead letter in the body of a document."""


class DeadLetterHandler:
    """The consumer's handler of all dead-letter topics. It takes whatever lies there: a record
    that it refused would have nowhere to go.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        """Note the letters. One that is known stays as it is: its source was only read again."""
        found = {letter.id: letter for letter in map(_letter, batch)}
        expiry = {_letter_id(cause_of(each)): _expiry(each) for each in batch}
        await self._documents.insert(
            DEAD_LETTERS,
            [document_of(letter, expiry[letter.id]) for letter in found.values()],
        )
        return ()

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        """Nobody is told: whoever put it aside has said so."""
        del delivered


def document_of(letter: DeadLetter, expires_at_ms: int | None, rev: int = 0) -> Document:
    """The document of a dead letter."""
    cause = letter.cause
    return Document(
        id=letter.id,
        body=msgspec.json.encode(letter),
        fields={
            "letter_id": letter.id,
            "topic": cause.topic,
            "error": cause.error,
            "reason": cause.reason,
            "service": cause.service,
            "state": letter.state,
            "event_id": letter.event_id,
            "webhook_id": letter.webhook_id,
            "at": cause.last_at,
        },
        rev=rev,
        expires_at_ms=expires_at_ms,
    )


def _letter(delivered: Delivered) -> DeadLetter:
    record, position = delivered.record, delivered.position
    cause = cause_of(delivered)
    event_id, webhook_id = _subject(record, cause.topic) or (None, None)
    return DeadLetter(
        id=_letter_id(cause),
        cause=cause,
        position=(position.topic, position.partition, position.offset),
        key=record.key,
        size_bytes=len(record.value or b""),
        preview=preview_of(record.value),
        event_id=event_id or None,
        webhook_id=webhook_id or None,
    )


def _letter_id(cause: Cause) -> str:
    """The same for a message that was put aside twice, as after a crash before the commit."""
    return digest("dead letter", cause.topic, str(cause.partition), str(cause.offset))


def _expiry(delivered: Delivered) -> int:
    topic = BY_NAME.get(delivered.position.topic)
    retention_ms = _DEFAULT_RETENTION_MS if topic is None else topic.retention_ms
    return delivered.timestamp_ms + retention_ms


def _subject(record: Record, topic: str) -> tuple[str, str] | None:
    """The event and the webhook that the message is about."""
    named = event_and_webhook(record)
    if named is not None:
        return named
    try:
        if topic == COMMANDS.name:
            command = COMMANDS_CODEC.decode(record.value)
            if isinstance(command, CompleteTask | StartWorkflow):
                return command.event.event_id, command.event.webhook_id
        elif topic == OUTCOMES.name:
            return OUTCOMES_CODEC.decode(record.value).event_id, ""
    except HooklineError:
        return None
    return None
