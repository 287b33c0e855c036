"""The catalogue of topics: who writes and reads each, how it is partitioned and kept.

Deployments create their topics from this list, and a test compares it with the compose file.
Read from top to bottom it is the way of an event (DESIGN.md section 1); the consumer groups that
read the topics stand at the end.
"""

from typing import Literal

import msgspec

MEBIBYTE = 1024 * 1024
DAY_MS = 24 * 60 * 60 * 1000
DEAD_SUFFIX = ".dead"


class Topic(msgspec.Struct, frozen=True):
    """One topic; sizes in bytes, times in milliseconds."""

    name: str
    key: str
    message: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    retention_ms: int
    partitions: int = 6
    cleanup: Literal["delete", "compact"] = "delete"
    max_message_bytes: int = MEBIBYTE
    flush_every_message: bool = False

    @property
    def dead(self) -> str:
        """The name of the dead-letter topic of this one."""
        return self.name + DEAD_SUFFIX


RECEIVED = Topic(
    name="webhooks.received",
    key="event id; webhook id if challenge-based; else the declared ordering key",
    message="RawEvent",
    writers=("ingest", "engine"),
    readers=("verifier",),
    retention_ms=30 * DAY_MS,
    max_message_bytes=10 * MEBIBYTE,
    flush_every_message=True,
)
VERIFIED = Topic(
    name="webhooks.verified",
    key="as received",
    message="VerifiedEvent",
    writers=("verifier",),
    readers=("matcher",),
    retention_ms=7 * DAY_MS,
    max_message_bytes=10 * MEBIBYTE,
)
REJECTED = Topic(
    name="webhooks.rejected",
    key="as received",
    message="RejectedEvent",
    writers=("verifier",),
    readers=("matcher",),
    retention_ms=7 * DAY_MS,
    max_message_bytes=10 * MEBIBYTE,
)
OUTCOMES = Topic(
    name="webhooks.outcomes",
    key="event id",
    message="Outcome",
    writers=("engine", "verifier", "matcher"),
    readers=("matcher",),
    retention_ms=7 * DAY_MS,
)
CONFIG = Topic(
    name="webhooks.config",
    key="webhook id",
    message="ConfigRecord",
    writers=("engine",),
    readers=("ingest", "verifier", "matcher"),
    retention_ms=-1,
    partitions=1,
    cleanup="compact",
)
WAITS = Topic(
    name="workflow.waits",
    key="workflow id",
    message="WaitRecord",
    writers=("engine",),
    readers=("matcher",),
    retention_ms=7 * DAY_MS,
)
COMMANDS = Topic(
    name="workflow.commands",
    key="workflow id",
    message="Command",
    writers=("matcher", "engine"),
    readers=("engine",),
    retention_ms=7 * DAY_MS,
)
EVENTS = Topic(
    name="workflow.events",
    key="workflow id",
    message="WorkflowEvent",
    writers=("engine",),
    readers=(),
    retention_ms=7 * DAY_MS,
)

PIPELINE: tuple[Topic, ...] = (
    RECEIVED,
    VERIFIED,
    REJECTED,
    OUTCOMES,
    CONFIG,
    WAITS,
    COMMANDS,
    EVENTS,
)


def _dead(source: Topic) -> Topic:
    return Topic(
        name=source.dead,
        key="as the source",
        message=source.message,
        writers=source.readers,
        readers=("engine",),
        retention_ms=30 * DAY_MS,
        partitions=1,
        max_message_bytes=source.max_message_bytes + 64 * 1024,
    )


CATALOGUE: tuple[Topic, ...] = PIPELINE + tuple(
    _dead(topic) for topic in PIPELINE if topic.readers and topic.cleanup == "delete"
)
BY_NAME: dict[str, Topic] = {topic.name: topic for topic in CATALOGUE}


class Group(msgspec.Struct, frozen=True):
    """A consumer group: its members are processes of `service`."""

    name: str
    service: str
    topics: tuple[Topic, ...]

    @property
    def topic_names(self) -> tuple[str, ...]:
        """The names of the topics that it reads."""
        return tuple(topic.name for topic in self.topics)


VERIFIER = Group("verifier", "verifier", (RECEIVED,))
MATCHER = Group("matcher", "matcher", (WAITS, VERIFIED, REJECTED, OUTCOMES))
ENGINE = Group("engine", "engine", (COMMANDS,))
DEAD_LETTERS = Group(
    "dead-letters",
    "engine",
    tuple(topic for topic in CATALOGUE if topic.name.endswith(DEAD_SUFFIX)),
)

GROUPS: tuple[Group, ...] = (VERIFIER, MATCHER, ENGINE, DEAD_LETTERS)
"""In the order in which an event passes them; `webhooks.config`, which all read whole, has none."""
