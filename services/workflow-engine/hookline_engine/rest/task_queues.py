"""Queues of tasks and who polls them, over HTTP (rest.md 2.4)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.web import json_answer, without_nulls
from hookline_engine.poll_data import PollData
from hookline_engine.rest.requests import parameters
from hookline_engine.shell import Shell
from hookline_engine.task_queue import worker_queue

PREFIX = "/api/tasks/queue"


def routes(shell: Shell) -> list[BaseRoute]:
    """The endpoints of queues."""
    queues = TaskQueues(shell)
    return [
        Route(f"{PREFIX}/sizes", queues.sizes, methods=["GET"]),
        Route(f"{PREFIX}/size", queues.size, methods=["GET"]),
        Route(f"{PREFIX}/all", queues.all, methods=["GET"]),
        Route(f"{PREFIX}/all/verbose", queues.verbose, methods=["GET"]),
        Route(f"{PREFIX}/polldata", queues.poll_data, methods=["GET"]),
        Route(f"{PREFIX}/polldata/all", queues.all_poll_data, methods=["GET"]),
    ]


class TaskQueues:
    """Sizes count the tasks that wait to be handed out."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def sizes(self, request: Request) -> Response:
        """GET /tasks/queue/sizes: each type asked for is a key; without types, all queues."""
        types = parameters(request).texts("taskType")
        if not types:
            return json_answer(await self._shell.queue.sizes())
        queue = self._shell.queue
        return json_answer({one: await queue.size(worker_queue(one)) for one in types})

    async def size(self, request: Request) -> Response:
        """GET /tasks/queue/size of a type and perhaps a domain."""
        query = parameters(request)
        name = worker_queue(query.required("taskType"), query.text("domain"))
        return json_answer(await self._shell.queue.size(name))

    async def all(self, _: Request) -> Response:
        """GET /tasks/queue/all, sorted by name."""
        return json_answer(dict(sorted((await self._shell.queue.sizes()).items())))

    async def verbose(self, _: Request) -> Response:
        """GET /tasks/queue/all/verbose: all entries are in one shard."""
        sizes = sorted((await self._shell.queue.sizes()).items())
        return json_answer({name: {"a": {"size": size, "uacked": 0}} for name, size in sizes})

    async def poll_data(self, request: Request) -> Response:
        """GET /tasks/queue/polldata of a type, one per domain."""
        found = await self._shell.polls.of_type(parameters(request).required("taskType"))
        return json_answer([_shown(one) for one in found])

    async def all_poll_data(self, _: Request) -> Response:
        """GET /tasks/queue/polldata/all."""
        return json_answer([_shown(one) for one in await self._shell.polls.everything()])


def _shown(data: PollData) -> dict[str, object]:
    return without_nulls(
        {
            "queueName": data.queue_name,
            "domain": data.domain,
            "workerId": data.worker_id,
            "lastPollTime": data.last_poll_time,
        }
    )
