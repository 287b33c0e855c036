"""Topics, group offsets and the cluster's fitness, over Kafka's administration requests."""

# aiokafka carries no types: this module relaxes the checker for itself only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorForGroupError,
    TopicAlreadyExistsError,
    for_code,
)

from hookline_common.adapters.kafka.records import translated
from hookline_common.errors import Conflict
from hookline_common.eventlog import Position
from hookline_common.topics import Topic

_WANTED_REPLICAS = 3
_COORDINATOR_TRIES = 20
_COORDINATOR_PAUSE_SECONDS = 0.25
_ALREADY_EXISTS = TopicAlreadyExistsError.errno
_MEMBERS = 5
"""Where the members are in a group's description, in every version of DescribeGroups."""


class Administration:
    """Asks and changes the cluster; connects at the first use."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._client: Any = None
        self._starting = asyncio.Lock()

    async def _open(self) -> Any:
        async with self._starting:
            if self._client is None:
                client = AIOKafkaAdminClient(bootstrap_servers=self._servers)
                try:
                    await client.start()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    async def create_topics(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Create those that are missing, replicated as far as the cluster allows."""
        with translated():
            client = await self._open()
            present = set(await client.list_topics())
            missing = [topic for topic in topics if topic.name not in present]
            if not missing:
                return []
            replicas = min(_WANTED_REPLICAS, await self._brokers())
            made = await client.create_topics([_new_topic(topic, replicas) for topic in missing])
            for name, code, *message in made.topic_errors:
                if code not in (0, _ALREADY_EXISTS):
                    raise for_code(code)(f"{name}: {message}")
        return [name for name, code, *_ in made.topic_errors if code == 0]

    async def _brokers(self) -> int:
        client = await self._open()
        return len((await client.describe_cluster())["brokers"])

    async def committed(self, group: str) -> Mapping[tuple[str, int], int]:
        """The committed offsets of a group, by (topic, partition)."""
        with translated():
            found = await self._group_offsets(group)
        return {
            (at.topic, at.partition): value.offset
            for at, value in found.items()
            if value.offset >= 0
        }

    async def _group_offsets(self, group: str) -> Any:
        client = await self._open()
        return await _asked_of_coordinator(lambda: client.list_consumer_group_offsets(group))

    async def members(self, group: str) -> int:
        """How many consumers are in the group; none in one that the cluster does not know."""
        with translated():
            client = await self._open()
            (answer,) = await _asked_of_coordinator(
                lambda: client.describe_consumer_groups([group])
            )
        return sum(len(described[_MEMBERS]) for described in answer.groups)

    async def set_committed(self, group: str, positions: Sequence[Position]) -> None:
        """Commit as nobody in particular: the cluster refuses that while the group has members."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers, group_id=group, enable_auto_commit=False
        )
        offsets = {TopicPartition(at.topic, at.partition): at.offset for at in positions}
        with translated():
            try:
                await consumer.start()
                consumer.assign(list(offsets))
                await consumer.commit(offsets)
            except CommitFailedError as error:
                raise Conflict(f"the group {group} has members: stop its service first") from error
            finally:
                await consumer.stop()

    async def problems(self, topics: Sequence[str]) -> Sequence[str]:
        """Which of these topics are missing or not replicated enough to be durable."""
        with translated():
            client = await self._open()
            brokers = await self._brokers()
            described = await client.describe_topics(list(topics)) if topics else []
        found = [
            f"topic {topic['topic']} is missing: create the topics first"
            for topic in described
            if topic["error_code"]
        ]
        if brokers >= _WANTED_REPLICAS:
            found += [problem for topic in described if (problem := _thin(topic))]
        return found

    async def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.close()
            except KafkaError:
                return  # the cluster is gone; there is nothing to give back


async def _asked_of_coordinator(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Just after a cluster's start no group has a coordinator yet: ask again for a while."""
    for _ in range(_COORDINATOR_TRIES - 1):
        try:
            return await ask()
        except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
            await asyncio.sleep(_COORDINATOR_PAUSE_SECONDS)
    return await ask()


def _thin(described: Mapping[str, Any]) -> str | None:
    if described["error_code"]:
        return None
    fewest = min((len(part["replicas"]) for part in described["partitions"]), default=0)
    if fewest >= _WANTED_REPLICAS:
        return None
    return f"topic {described['topic']} has {fewest} replicas, wants {_WANTED_REPLICAS}"


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    settings = {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(topic.max_message_bytes + 64 * 1024),
        "min.insync.replicas": str(max(1, replicas - 1)),
    }
    if topic.flush_every_message and replicas == 1:
        settings["flush.messages"] = "1"
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=replicas,
        topic_configs=settings,
    )
