"""A consumer group that is rewound by time reads everything again and changes nothing.

Compared are executions, waits, takes, claims, counts, and the records of events but for `steps`,
which tells how often something was done, and the times at which it was done last.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hookline_cli.rewinding import moves_to_time, rewind
from hookline_common import adapters, collections, topics
from hookline_common.documents import Collection, Documents, Query
from hookline_common.eventlog import EventLog
from hookline_common.settings import load_settings
from hookline_common.topics import ENGINE, MATCHER, VERIFIER, Group
from tests.pipeline.backends import BACKENDS, settings_on
from tests.pipeline.platform_senders import GITHUB, SLACK
from tests.pipeline.running_system import System, eventually, running_system, task, wait_task

BY_ORDER = {"$.order": "${workflow.input.order}"}
REDONE = ("steps", "matchedAt")
STATE = (
    collections.WAITERS,
    collections.TAKES,
    collections.DELIVERIES,
    collections.EVENT_COUNTS,
    collections.URL_STATUS,
)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("group", [VERIFIER, MATCHER], ids=lambda group: group.name)
async def test_a_rewound_group_changes_nothing(
    group: Group, backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    environ = settings_on(backend, tmp_path, request, "own_kafka")
    began = int(time.time() * 1000)
    async with running_system(backend, environ) as system:
        executions = await _a_day_at_work(system)
        await _quiet(system.parts.log)
        before = await _state(system, executions)
        committed = await _committed(system.parts.log, group)
    await _rewind(environ, group, began)
    async with running_system(backend, environ) as system:
        await _quiet(system.parts.log)
        assert await _committed(system.parts.log, group) >= committed
        after = await _state(system, executions)
        assert await system.problems() == []
    assert after == before


async def _a_day_at_work(system: System) -> list[str]:
    """Events with every outcome; the ids of all executions."""
    one, two = [await system.define(wait_task("event", BY_ORDER)) for _ in range(2)]
    started = await system.define(task("note", "SET_VARIABLE", {"seen": True}))
    looping = await system.define(_three_times(), name="looping")
    hook = await system.webhook(
        **GITHUB.fields,
        receiverWorkflowNamesToVersions={one: 1, two: 1, looping: 1},
        workflowsToStart={started: 1},
    )
    waiting = [await system.start(flow, {"order": "1"}) for flow in (one, two) for _ in range(2)]
    waiting.append(await system.start(looping, {"order": "loop"}))
    request = GITHUB.request("1")
    sent = [await system.send(hook, *request) for _ in range(2)]  # fan-out, and its duplicate
    sent += [await system.send(hook, *GITHUB.forged("1"))]
    sent += [await system.send(hook, *GITHUB.request("loop")) for _ in range(3)]
    quiet = await system.webhook(**GITHUB.fields, receiverWorkflowNamesToVersions={one: 1})
    late = await system.start(one, {"order": "never"})
    sent += [await system.send(quiet, *GITHUB.request(f"{number}")) for number in range(5, 8)]
    sent += await _with_a_challenge(system, one)
    for answer in sent:
        await system.event(answer.event_id)
    for workflow_id in waiting:
        await system.ended(workflow_id)
    early = await system.start(one, {"order": "5"}, correlationId="afterwards")
    return [*waiting, late, early, *[found["workflowId"] for found in await _all(system, started)]]


async def _with_a_challenge(system: System, flow: str) -> list[Any]:
    """An event before the URL was verified, and one after."""
    hook = await system.webhook(**SLACK.fields, receiverWorkflowNamesToVersions={flow: 1})
    ignored = await system.send(hook, *SLACK.request("5"))
    await system.event(ignored.event_id, "rejected")
    body = {"type": "url_verification", "challenge": "c", "token": "t"}
    content = msgspec.json.encode(body)
    asked = await system.send(hook, content, SLACK.sign(SLACK.key, content))
    await system.event(asked.event_id, "handshake")
    heeded = await system.send(hook, *SLACK.request("6"))
    await system.event(heeded.event_id, "unmatched")
    return [ignored, asked, heeded]


def _three_times() -> dict[str, Any]:
    body = [wait_task("event", BY_ORDER)]
    condition = "$.loop['iteration'] < 3"
    return task("loop", "DO_WHILE", {}, loopCondition=condition, loopOver=body)


async def _all(system: System, name: str) -> list[dict[str, Any]]:
    return await system.executions_of(name)


# --- before and after -----------------------------------------------------------------------------


async def _state(system: System, executions: list[str]) -> Mapping[str, Any]:
    documents = system.parts.documents
    state: dict[str, Any] = {one.name: await _contents(documents, one) for one in STATE}
    records = await _contents(documents, collections.WEBHOOK_EVENTS)
    for record, _ in records.values():
        for name in REDONE:
            record.pop(name, None)
    state["events"] = records
    state["executions"] = {one: await system.execution(one) for one in executions}
    state["how many"] = await documents.count(collections.EXECUTIONS)
    return state


async def _contents(documents: Documents, collection: Collection) -> dict[str, Any]:
    """Bodies and index fields by id."""
    found: dict[str, Any] = {}
    query = Query(limit=500)
    while True:
        page = await documents.find(collection, query)
        for one in page.documents:
            found[one.id] = (msgspec.json.decode(one.body), dict(one.fields))
        if page.cursor is None:
            return found
        query = msgspec.structs.replace(query, after=page.cursor)


async def _quiet(log: EventLog) -> None:
    """Return when every group has done everything that is in its topics."""

    async def idle() -> bool:
        lags = [
            lag
            for group in (VERIFIER, MATCHER, ENGINE)
            for lag in await log.lag(group.name, group.topic_names)
        ]
        return all(lag.committed >= lag.end for lag in lags)

    await eventually(idle, "no lag")


async def _committed(log: EventLog, group: Group) -> list[int]:
    return [lag.committed for lag in await log.lag(group.name, group.topic_names)]


async def _rewind(environ: Mapping[str, str], group: Group, to_ms: int) -> None:
    """As `hookline topics rewind --group … --to TIME` does it, while nothing runs."""
    settings = load_settings(environ)
    log, documents = await adapters.open_both(settings.log, settings.store)
    try:
        await log.create_topics(topics.CATALOGUE)
        moves = await moves_to_time(log, group, to_ms)
        assert any(move.again for move in moves)
        await rewind(log, group, moves)
    finally:
        await log.close()
        await documents.close()
