"""Between the port's records and aiokafka's, and between aiokafka's errors and ours."""

# aiokafka carries no types: this module relaxes the checker for itself only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import contextlib
from collections.abc import Generator
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
)

from hookline_common.errors import AssignmentLost, LogUnavailable, Poison
from hookline_common.eventlog import Delivered, Position, Record

_TOO_LARGE = (MessageSizeTooLargeError, RecordTooLargeError)
_LOST = (CommitFailedError, IllegalStateError)


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Turn aiokafka's errors into the port's."""
    try:
        yield
    except _TOO_LARGE as error:
        raise Poison(f"larger than its topic allows: {error}") from error
    except _LOST as error:
        raise AssignmentLost(str(error)) from error
    except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
        raise LogUnavailable(f"Kafka: {type(error).__name__}: {error}") from error


def delivered(message: Any) -> Delivered:
    """aiokafka's ConsumerRecord as the port's."""
    record = Record(
        topic=message.topic,
        key=(message.key or b"").decode("utf-8", "replace"),
        value=message.value,
        headers=tuple((name, value or b"") for name, value in message.headers),
    )
    position = Position(message.topic, message.partition, message.offset)
    return Delivered(record, position, message.timestamp)


def partition(position: Position) -> TopicPartition:
    """The partition of a position."""
    return TopicPartition(position.topic, position.partition)
