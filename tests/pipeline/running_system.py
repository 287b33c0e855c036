"""The whole system in the test's own process and event loop, seen through its HTTP ports only."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from hookline_cli.up import SERVICES
from hookline_common.collections import WAITERS
from hookline_common.ids import random_id
from hookline_common.running import Build, Parts, Service, Surface, app_for, open_parts
from hookline_common.serving import Door, Listener, open_door
from hookline_common.settings import load_settings

T = TypeVar("T")

DEADLINE_SECONDS = 30.0
ENDED = ("COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED")


async def eventually(look: Callable[[], Awaitable[T]], what: object) -> T:
    """What `look` finds as soon as it finds something; fails after the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECONDS
    while not (found := await look()):
        assert loop.time() < deadline, f"not within {DEADLINE_SECONDS:g} s: {what}"
        await asyncio.sleep(0.01)
    return found


class Sent(msgspec.Struct, frozen=True):
    """What the gateway answered to an event."""

    status: int
    event_id: str
    body: bytes
    headers: Mapping[str, str]


def wait_task(ref: str, matches: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A WAIT_FOR_WEBHOOK task."""
    return task(ref, "WAIT_FOR_WEBHOOK", {"matches": matches, **more})


def task(ref: str, kind: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> Any:
    """A node of a workflow definition whose name is its reference."""
    named = {"name": ref, "taskReferenceName": ref, "type": kind}
    return {**named, "inputParameters": dict(inputs or {}), **more}


class System:
    """Calls of the API and the gateway, each with what is expected of it."""

    def __init__(self, backend: str, parts: Parts, services: Sequence[Service], api: str) -> None:
        self.backend = backend
        self.parts = parts
        self.services = services
        self.http = _client(f"{api}/api")
        self.gateway = _client()
        self.address = api

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()
        await self.gateway.aclose()

    # --- the API ---

    async def call(self, method: str, path: str, expected: int = 200, **options: Any) -> Any:
        """The decoded answer of a call that must be answered with this status."""
        answer = await self.http.request(method, path, **options)
        assert answer.status_code == expected, (
            f"{method} {path}: {answer.status_code} {answer.text}"
        )
        if answer.headers.get("content-type", "").startswith("application/json"):
            return answer.json()
        return answer.text

    async def get(self, path: str, expected: int = 200, **options: Any) -> Any:
        """GET."""
        return await self.call("GET", path, expected, **options)

    async def post(self, path: str, json: Any = None, expected: int = 200, **options: Any) -> Any:
        """POST."""
        return await self.call("POST", path, expected, json=json, **options)

    async def put(self, path: str, json: Any = None, expected: int = 200, **options: Any) -> Any:
        """PUT."""
        return await self.call("PUT", path, expected, json=json, **options)

    async def delete(self, path: str, expected: int = 200, **options: Any) -> Any:
        """DELETE."""
        return await self.call("DELETE", path, expected, **options)

    # --- definitions and webhooks ---

    async def define(self, *tasks: Any, name: str = "", **more: Any) -> str:
        """Save a workflow definition; its name, which is its own unless given."""
        name = name or fresh("flow")
        definition = {"name": name, "version": 1, "schemaVersion": 2, "tasks": tasks, **more}
        await self.put("/metadata/workflow", [definition])
        return name

    async def webhook(self, **fields: Any) -> dict[str, Any]:
        """Save a webhook, by default a Custom one with a header check."""
        fields.setdefault("name", fresh("hook"))
        if "sourcePlatform" not in fields and "verifier" not in fields:
            fields["sourcePlatform"] = "Custom"
            fields.setdefault("headers", CHECK)
        return await self.post("/metadata/webhook", fields)

    async def pair(self, *tasks: Any, **fields: Any) -> tuple[str, dict[str, Any]]:
        """A workflow of these tasks, and a webhook whose events its waits take."""
        flow = await self.define(*tasks)
        fields.setdefault("receiverWorkflowNamesToVersions", {flow: 1})
        return flow, await self.webhook(**fields)

    async def verified(self, webhook: Mapping[str, Any]) -> bool:
        """Whether the webhook's URL counts as verified."""
        return (await self.get(f"/metadata/webhook/{webhook['id']}"))["urlVerified"]

    # --- executions ---

    async def start(self, name: str, given: Any = None, **more: Any) -> str:
        """Start a workflow; its id."""
        return await self.post("/workflow", {"name": name, "input": given or {}, **more})

    async def execution(self, workflow_id: str) -> dict[str, Any]:
        """The execution as the API shows it."""
        return await self.get(f"/workflow/{workflow_id}")

    async def ended(self, workflow_id: str, status: str = "COMPLETED") -> dict[str, Any]:
        """The execution once it has ended, which must be with this status."""

        async def look() -> dict[str, Any] | None:
            found = await self.execution(workflow_id)
            return found if found["status"] in ENDED else None

        found = await eventually(look, f"the end of {workflow_id}")
        assert found["status"] == status, found.get("reasonForIncompletion")
        return found

    async def task_in(self, workflow_id: str, ref: str, *statuses: str) -> dict[str, Any]:
        """The newest attempt of a task once it has one of these states."""

        async def look() -> dict[str, Any] | None:
            lines = (await self.execution(workflow_id))["tasks"]
            mine = [line for line in lines if line["referenceTaskName"] == ref]
            return mine[-1] if mine and mine[-1]["status"] in statuses else None

        return await eventually(look, f"{ref} of {workflow_id} being {statuses}")

    async def executions_of(self, name: str) -> list[dict[str, Any]]:
        """Summaries of all executions of a workflow."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"query": f"workflowType = '{name}'", "size": 1000, "start": len(found)}
            page = await self.get("/workflow/search", params=query)
            found += page["results"]
            if len(found) >= page["totalHits"]:
                return found

    async def poll(self, kind: str, worker: str = "w1") -> dict[str, Any]:
        """Take a task as a worker does."""
        path, query = f"/tasks/poll/batch/{kind}", {"workerid": worker, "timeout": 200}

        async def look() -> list[dict[str, Any]]:
            return await self.get(path, params=query)

        return (await eventually(look, f"a task of {kind}"))[0]

    async def update(self, polled: Mapping[str, Any], status: str, **more: Any) -> None:
        """Say what became of a task."""
        ids = {"workflowInstanceId": polled["workflowInstanceId"], "taskId": polled["taskId"]}
        await self.post("/tasks", {**ids, "status": status, **more})

    # --- events ---

    async def send(
        self,
        webhook: Mapping[str, Any],
        body: Any = None,
        headers: Any = None,
        *,
        method: str = "POST",
        query: str = "",
        expected: int = 200,
    ) -> Sent:
        """Send a request to the webhook's address; `body` that is no bytes goes as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        url = f"{webhook['url']}?{query}" if query else webhook["url"]
        given = CHECK if headers is None else headers
        answer = await self.gateway.request(method, url, content=content, headers=given)
        assert answer.status_code == expected, f"{answer.status_code} {answer.text}"
        return Sent(
            answer.status_code,
            answer.headers.get("hookline-event-id", ""),
            answer.content,
            answer.headers,
        )

    async def event(self, event_id: str, *verdicts: str) -> dict[str, Any]:
        """The record of an event once its verdict is final, or one of these."""
        assert event_id, "the gateway gave no event id"

        seen: list[Any] = []  # what a failure shows

        async def look() -> dict[str, Any] | None:
            answer = await self.http.get(f"/webhook-events/{event_id}")
            if answer.status_code == 404:
                return None
            assert answer.status_code == 200, answer.text
            found = answer.json()
            seen[:] = [found]
            verdict = found["verdict"]
            return found if verdict in verdicts or not (verdicts or verdict == "pending") else None

        return await eventually(look, (f"event {event_id} being {verdicts or 'final'}", seen))

    async def verdict(self, sent: Sent) -> str:
        """The final verdict of an event."""
        return (await self.event(sent.event_id))["verdict"]

    async def resumed(self, sent: Sent) -> None:
        """Return once the event has resumed something; a wait that opens a moment after it takes it
        as an early one, which is unmatched until then.
        """
        await self.event(sent.event_id, "resumed")

    async def closed(self, task_id: str) -> None:
        """Return once the matcher knows that the task waits no more; an event that comes a moment
        before still meets the wait, and is refused by the engine.
        """

        async def look() -> bool:
            found = await self.parts.documents.get(WAITERS, [task_id])
            return task_id in found and found[task_id].fields["state"] == "closed"

        await eventually(look, f"the wait of {task_id} being closed")

    # --- health ---

    async def problems(self) -> list[str]:
        """What the services say of themselves, and what was put aside as unexpected."""
        found = [*await self.parts.log.problems(), *await self.parts.documents.problems()]
        for service in self.services:
            found.extend(await service.problems())
        for metric in self.parts.metrics.dead_letters.collect():
            found += [
                f"dead letter: {sample.labels}"
                for sample in metric.samples
                if sample.name.endswith("_total") and sample.labels["reason"] != "poison"
            ]
        return found


def _client(base_url: str = "") -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, timeout=DEADLINE_SECONDS, trust_env=False)


CHECK = {"x-check": "a value that is hard to guess"}
"""The header check of a webhook that a test did not describe."""


def fresh(stem: str) -> str:
    """A name that no other test uses."""
    return f"{stem}_{random_id()[:10]}"


@contextlib.asynccontextmanager
async def running_system(
    backend: str, environ: Mapping[str, str], builds: Sequence[Build] = SERVICES
) -> AsyncIterator[System]:
    """All services on real ports of 127.0.0.1 until the block ends; then they drain in order."""
    api = Listener.bind("127.0.0.1", 0, "HOOKLINE_PORT")
    gateway = Listener.bind("127.0.0.1", 0, "HOOKLINE_GATEWAY_PORT")
    settings = load_settings(environ, port=api.port, gateway_port=gateway.port)
    async with contextlib.AsyncExitStack() as open_things:
        open_things.callback(api.socket.close)
        open_things.callback(gateway.socket.close)
        parts = await open_things.enter_async_context(open_parts(settings))
        services = [build(parts) for build in builds]
        for service in services:
            open_things.push_async_callback(service.stop)
            await service.start()
        outside = [service for service in services if service.name == "ingest"]
        for app, listener in (
            (app_for(parts, services, Surface.API), api),
            (app_for(parts, outside, Surface.GATEWAY), gateway),
        ):
            door = await open_door(Door(app, listener), parts.shutdown.request)
            open_things.push_async_callback(door.close)
        system = System(backend, parts, services, api.address)
        open_things.push_async_callback(system.close)
        yield system
        assert not parts.shutdown.requested, parts.shutdown.reason
