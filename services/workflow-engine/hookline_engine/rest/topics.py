"""The topics over HTTP (specs/rest.md 2.10a): what there is, how far each group is, and records."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import BadRequest, NotFound
from hookline_common.eventlog import EventLog, GroupLag
from hookline_common.topics import BY_NAME, CATALOGUE, GROUPS, Group, Topic
from hookline_common.web import json_answer
from hookline_engine.log_tail import TailPage, after, newest, since
from hookline_engine.record_views import show_record
from hookline_engine.rest.requests import Parameters, parameters

MOST_RECORDS = 500


def topics_routes(log: EventLog) -> list[BaseRoute]:
    """The endpoints of topics."""
    topics = _Topics(log)
    return [
        Route("/api/topics", topics.all),
        Route("/api/topics/{name}", topics.one),
        Route("/api/topics/{name}/records", topics.records),
    ]


class _Topics:
    """The endpoints; they only read."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def all(self, request: Request) -> Response:
        """GET: every topic, in the order in which events pass them."""
        del request
        return json_answer({"topics": await self._shown(CATALOGUE)})

    async def one(self, request: Request) -> Response:
        """GET: one topic."""
        return json_answer((await self._shown([_topic(request)]))[0])

    async def records(self, request: Request) -> Response:
        """GET: the newest records, those `from` a time on, or those after a `cursor`."""
        topic, query = _topic(request), parameters(request)
        limit = query.integer("limit", 20, least=1, most=MOST_RECORDS)
        page = await self._tail(topic.name, query, limit)
        return json_answer(
            {
                "records": [show_record(delivered) for delivered in page.records],
                "cursor": ".".join(map(str, page.offsets)),
                "atEnd": page.at_end,
            }
        )

    async def _tail(self, topic: str, query: Parameters, limit: int) -> TailPage:
        cursor, begin = query.text("cursor"), query.moment("from")
        if cursor is not None:
            offsets = _offsets(cursor, await self._log.partitions(topic))
            return await after(self._log, topic, offsets, limit)
        if begin is not None:
            return await since(self._log, topic, begin, limit)
        return await newest(self._log, topic, limit)

    async def _shown(self, wanted: Sequence[Topic]) -> list[dict[str, Any]]:
        names = {topic.name for topic in wanted}
        lags: dict[str, Sequence[GroupLag]] = {}
        members: dict[str, int] = {}
        for group in GROUPS:
            read = [name for name in group.topic_names if name in names]
            if read:
                lags[group.name] = await self._log.lag(group.name, read)
                members[group.name] = await self._log.members(group.name)
        unread = names - {lag.topic for found in lags.values() for lag in found}
        ends = await self._log.lag(GROUPS[0].name, sorted(unread)) if unread else ()
        everything = [*ends, *(lag for found in lags.values() for lag in found)]
        return [_show(topic, everything, lags, members) for topic in wanted]


def _show(
    topic: Topic,
    everything: Iterable[GroupLag],
    lags: Mapping[str, Sequence[GroupLag]],
    members: Mapping[str, int],
) -> dict[str, Any]:
    ends = {lag.partition: lag.end for lag in everything if lag.topic == topic.name}
    return {
        "name": topic.name,
        "key": topic.key,
        "message": topic.message,
        "writers": topic.writers,
        "readers": topic.readers,
        "cleanup": topic.cleanup,
        "retentionMs": topic.retention_ms,
        "maxMessageBytes": topic.max_message_bytes,
        "partitions": [{"partition": number, "end": end} for number, end in sorted(ends.items())],
        "groups": [
            _show_group(group, members[group.name], _of(topic, lags[group.name]))
            for group in GROUPS
            if group.name in lags and topic.name in group.topic_names
        ],
    }


def _of(topic: Topic, lags: Sequence[GroupLag]) -> list[GroupLag]:
    return [lag for lag in lags if lag.topic == topic.name]


def _show_group(group: Group, members: int, lags: Sequence[GroupLag]) -> dict[str, Any]:
    partitions = [
        {
            "partition": lag.partition,
            "committed": lag.committed,
            "end": lag.end,
            "lag": max(lag.end - lag.committed, 0),
        }
        for lag in lags
    ]
    return {
        "group": group.name,
        "service": group.service,
        "members": members,
        "lag": sum(one["lag"] for one in partitions),
        "partitions": partitions,
    }


def _topic(request: Request) -> Topic:
    name: str = request.path_params["name"]
    found = BY_NAME.get(name)
    if found is None:
        known = ", ".join(BY_NAME)
        raise NotFound(f"There is no topic {name[:100]!r}; known are {known}.", code="no_topic")
    return found


def _offsets(cursor: str, partitions: int) -> list[int]:
    parts = cursor.split(".")
    numbers = all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts)
    if not numbers or len(parts) != partitions:
        message = f"{cursor[:60]!r} is not a cursor of this topic."
        raise BadRequest(message, code="invalid_parameter", field="/query/cursor")
    return [int(part) for part in parts]
