"""Starts executions: which definition, under which id, and what an idempotency key makes of it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookline_common.ids import digest, random_id
from hookline_common.webhooks import IdempotencyStrategy
from hookline_engine.core.commands import Start
from hookline_engine.definitions.model import WorkflowDef
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.executions import Executions
from hookline_engine.limited_runs import LimitedRuns
from hookline_engine.snapshot_source import SnapshotSource
from hookline_engine.start_inputs import StartInputs
from hookline_engine.start_keys import Key, Promise, StartKeys


class StartRequest(msgspec.Struct, frozen=True):
    """What a caller of the API asks for. `definition`: an inline one, used instead of a stored;
    `input_pointer`: where the input stands in the request.
    """

    name: str
    version: int | None = None
    input: Mapping[str, Any] = {}
    definition: WorkflowDef | None = None
    correlation_id: str | None = None
    priority: int = 0
    task_to_domain: Mapping[str, str] = {}
    created_by: str | None = None
    idempotency_key: str | None = None
    idempotency_strategy: IdempotencyStrategy = "FAIL"
    input_pointer: str = "/input"


class Starts:
    """Starts on behalf of the API; those that events and parents ask for are in handler.py."""

    def __init__(
        self,
        source: SnapshotSource,
        inputs: StartInputs,
        keys: StartKeys,
        runs: LimitedRuns,
        executions: Executions,
    ) -> None:
        self._source = source
        self._inputs = inputs
        self._keys = keys
        self._runs = runs
        self._executions = executions

    async def start(self, request: StartRequest) -> str:
        """The id of the execution, which is on disk; raises NotFound, BadRequest, Conflict,
        TooManyRequests.
        """
        if request.definition is not None:
            snapshot = await self._source.of(request.definition)
        else:
            snapshot = await self._source.registered(request.name, request.version)
        await self._inputs.check(snapshot, request.input, request.input_pointer)
        if request.idempotency_key is None:
            workflow_id = random_id()
            await self._run(_command(request, workflow_id), snapshot)
            return workflow_id
        return await self._start_once(request, request.idempotency_key, snapshot)

    async def _start_once(self, request: StartRequest, text: str, snapshot: Snapshot) -> str:
        key = Key(snapshot.definition.name, text, request.idempotency_strategy)
        workflow_id = random_id()
        async with self._keys.held(key):
            claimed = await self._keys.claim(key, Promise(workflow_id, digest(workflow_id)))
            if not claimed.existing:
                await self._run(_command(request, claimed.workflow_id), snapshot)
        return claimed.workflow_id

    async def _run(self, command: Start, snapshot: Snapshot) -> None:
        command = await self._runs.prepared(command, snapshot)
        await self._executions.run(command.workflow_id, command, snapshot)


def _command(request: StartRequest, workflow_id: str) -> Start:
    return Start(
        workflow_id=workflow_id,
        input=dict(request.input),
        correlation_id=request.correlation_id,
        priority=request.priority,
        task_to_domain=dict(request.task_to_domain),
        created_by=request.created_by,
        idempotency_key=request.idempotency_key,
    )
