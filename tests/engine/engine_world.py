"""A whole engine on embedded adapters for tests: its API over ASGI, its consumer, its timers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from hookline_common.clock import Clock, SystemClock
from hookline_common.documents import Documents
from hookline_common.eventlog import EventLog
from hookline_common.running import Parts, Surface, app_for
from hookline_common.sealing import Sealer
from hookline_common.settings import load_settings
from hookline_engine.service import EngineService, build
from tests.engine.rest_surface import SEALER, open_stores

BASE = "http://127.0.0.1:8080"


class World:
    """A client of the API and the engine behind it."""

    def __init__(self, http: httpx.AsyncClient, engine: EngineService, parts: Parts) -> None:
        self.http = http
        self.engine = engine
        self.shell = engine.shell
        self.parts = parts
        self.documents = parts.documents
        self.log = parts.log

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer of a call that succeeds: its JSON, its text, or None."""
        answer = await self.http.request(method, f"/api{path}", json=body, params=query)
        assert answer.status_code in (200, 204), answer.text
        if answer.headers.get("content-type", "").startswith("application/json"):
            return answer.json()
        return answer.text or None

    async def refused(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """`(status, code)` of a call that fails in the shape of all errors."""
        answer = await self.http.request(method, f"/api{path}", json=body, params=query)
        error = answer.json()
        assert error["status"] == answer.status_code >= 400, answer.text
        assert error["message"]
        return answer.status_code, error["code"]

    async def define(self, name: str, *tasks: dict[str, Any], **fields: Any) -> None:
        """Register a workflow."""
        body = {"name": name, "version": 1, "tasks": list(tasks), **fields}
        await self.call("POST", "/metadata/workflow", body, overwrite="true")

    async def start(self, name: str, given: Any = None, **request: Any) -> str:
        """Start a workflow; its id."""
        body = {"name": name, "input": given or {}, **request}
        return await self.call("POST", "/workflow", body)

    async def workflow(self, workflow_id: str) -> dict[str, Any]:
        """The execution as the API shows it."""
        return await self.call("GET", f"/workflow/{workflow_id}")

    async def poll(self, task_type: str, **query: Any) -> Any:
        """One task, or None."""
        return await self.call("GET", f"/tasks/poll/{task_type}", **query)

    async def finish(self, task: Any, status: str = "COMPLETED", **output: Any) -> None:
        """Report a result."""
        body = {
            "taskId": task["taskId"],
            "workflowInstanceId": task["workflowInstanceId"],
            "status": status,
            "outputData": output,
        }
        await self.call("POST", "/tasks", body)

    async def until_status(self, workflow_id: str, status: str) -> dict[str, Any]:
        """The execution once it has the status."""
        return await self.until_shown(workflow_id, lambda found: found["status"] == status)

    async def until_status_or_absent(self, workflow_id: str, status: str) -> dict[str, Any]:
        """As `until_status`, for an execution that may not be there yet."""

        async def there() -> bool:
            return (await self.http.get(f"/api/workflow/{workflow_id}")).status_code == 200

        await eventually(there)
        return await self.until_status(workflow_id, status)

    async def until_shown(
        self, workflow_id: str, holds: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """The execution once it is as wanted."""
        found: dict[str, Any] = {}

        async def as_wanted() -> bool:
            found.update(await self.workflow(workflow_id))
            return holds(found)

        await eventually(as_wanted)
        return found


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; fail after the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not await holds():
        assert loop.time() < deadline, "the condition did not come to hold in time"
        await asyncio.sleep(0.01)


def simple(name: str, **fields: Any) -> dict[str, Any]:
    """A SIMPLE node whose reference is its name."""
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE", **fields}


def node(kind: str, ref: str, **fields: Any) -> dict[str, Any]:
    """A node of a system type."""
    return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}


@asynccontextmanager
async def engine_on(
    log: EventLog, documents: Documents, clock: Clock | None = None, sealer: Sealer = SEALER
) -> AsyncIterator[World]:
    """A started engine over the stores."""
    parts = Parts(
        settings=load_settings({}),
        log=log,
        documents=documents,
        clock=clock or SystemClock(),
        sealer=sealer,
    )
    engine = build(parts)
    transport = httpx.ASGITransport(app_for(parts, [engine], Surface.API))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        await engine.start()
        try:
            yield World(http, engine, parts)
        finally:
            await engine.stop()


@asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[World]:
    """An engine on a fresh embedded file."""
    async with (
        open_stores(folder, SystemClock()) as (log, documents),
        engine_on(log, documents) as world,
    ):
        yield world
