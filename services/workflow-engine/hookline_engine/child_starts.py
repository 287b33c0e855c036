"""Starts sub-workflows and failure workflows, whose ids are derived from what asked for them."""

from typing import Any, cast

import msgspec
import structlog

from hookline_common.errors import ApiError, Conflict
from hookline_common.messages import StartChild, StartFailureWorkflow
from hookline_engine.core.commands import Start
from hookline_engine.core.model import Head
from hookline_engine.definitions.snapshots import Snapshot
from hookline_engine.definitions.validation import parse_workflow_def
from hookline_engine.drafts import Order
from hookline_engine.execution_reader import ExecutionReader
from hookline_engine.execution_store import BodyMissing, ExecutionStore
from hookline_engine.limited_runs import LimitedRuns
from hookline_engine.snapshot_source import SnapshotSource
from hookline_engine.start_inputs import StartInputs
from hookline_engine.start_keys import Key, Promise, StartKeys

_log = structlog.get_logger()


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    """What the core asks for (core/effects.py, StartChild and StartFailureWorkflow)."""

    name: str = ""
    version: int | None = None
    workflow_def: Any = None
    input_token: str = ""
    task_to_domain: dict[str, str] = {}
    correlation_id: str | None = None
    priority: int = 0
    idempotency_key: str | None = None
    idempotency_strategy: str | None = None
    reason: str | None = None
    failure_status: str | None = None
    failure_task_id: str | None = None


class ChildStarts:
    """Orders for executions that other executions ask for."""

    def __init__(
        self,
        store: ExecutionStore,
        reader: ExecutionReader,
        source: SnapshotSource,
        inputs: StartInputs,
        keys: StartKeys,
        runs: LimitedRuns,
    ) -> None:
        self._store = store
        self._reader = reader
        self._source = source
        self._inputs = inputs
        self._keys = keys
        self._runs = runs

    async def order(self, command: StartChild) -> Order:
        """The order to start a sub-workflow; raises ApiError with what to tell the parent."""
        request = msgspec.convert(command.request, _Request, strict=False)
        snapshot = await self._snapshot(request)
        given = await self._input(request.input_token)
        await self._inputs.check(snapshot, given)
        await self._claim_key(command, request, snapshot)
        start = Start(
            workflow_id=command.workflow_id,
            input=given,
            correlation_id=request.correlation_id,
            priority=request.priority,
            task_to_domain=request.task_to_domain,
            idempotency_key=request.idempotency_key,
            parent_workflow_id=command.parent_workflow_id,
            parent_task_id=command.parent_task_id,
            parent_run=command.parent_run,
        )
        return Order(command.workflow_id, await self._runs.prepared(start, snapshot), snapshot)

    async def _snapshot(self, request: _Request) -> Snapshot:
        if request.workflow_def is None:
            return await self._source.registered(request.name, request.version)
        definition = parse_workflow_def(request.workflow_def, "startWorkflow", 0)
        return await self._source.of(definition)

    async def _claim_key(self, command: StartChild, request: _Request, snapshot: Snapshot) -> None:
        """A key that another execution has fails the task: a child belongs to one task (D8)."""
        if request.idempotency_key is None:
            return
        key = Key(
            snapshot.definition.name,
            request.idempotency_key,
            "FAIL_ON_RUNNING" if request.idempotency_strategy == "FAIL_ON_RUNNING" else "FAIL",
        )
        claimed = await self._keys.claim(key, Promise(command.workflow_id, command.workflow_id))
        if claimed.workflow_id != command.workflow_id:
            raise Conflict(f"workflow {claimed.workflow_id} has the idempotency key already")

    async def _input(self, token: str) -> dict[str, Any]:
        if not token:
            return {}
        try:
            raw = (await self._store.bodies([token]))[token]
        except BodyMissing:
            raise Conflict("the input of the sub-workflow is gone with its parent") from None
        return cast("dict[str, Any]", msgspec.json.decode(raw))

    async def failure_workflow(self, command: StartFailureWorkflow) -> Order | None:
        """The order to start a failure workflow; None when it cannot be, which the log says."""
        failed = await self._store.head(command.failed_workflow_id)
        if failed is None:
            return None
        request = msgspec.convert(command.request, _Request, strict=False)
        try:
            snapshot = await self._source.registered(request.name, request.version)
            given = await self._failure_input(failed, request)
            await self._inputs.check(snapshot, given)
            start = Start(
                workflow_id=command.workflow_id,
                input=given,
                correlation_id=request.correlation_id,
                task_to_domain=request.task_to_domain,
            )
            start = await self._runs.prepared(start, snapshot)
        except ApiError as error:
            _log.warning(
                "failure_workflow_not_started",
                workflow_id=failed.workflow_id,
                name=request.name,
                error=str(error),
            )
            return None
        return Order(command.workflow_id, start, snapshot)

    async def _failure_input(self, failed: Head, request: _Request) -> dict[str, Any]:
        """The input of the failed execution and what failed (engine.md 2.8)."""
        facts: dict[str, Any] = {
            **await self._input(failed.input),
            "workflowId": failed.workflow_id,
            "reason": request.reason,
            "failureStatus": request.failure_status,
            "failedWorkflow": await self._reader.plain(failed),
        }
        if request.failure_task_id is not None:
            facts["failureTaskId"] = request.failure_task_id
        return facts
