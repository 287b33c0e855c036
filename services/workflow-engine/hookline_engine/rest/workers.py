"""Who works, over HTTP (rest.md 2.10a): each task type with its pollers and what waits for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.clock import Clock
from hookline_common.web import json_answer, without_nulls
from hookline_engine.poll_data import ACTIVE_MS, PollData
from hookline_engine.shell import Shell


def routes(shell: Shell, clock: Clock) -> list[BaseRoute]:
    """The endpoint."""
    return [Route("/api/workers", Workers(shell, clock).show)]


class Workers:
    """What polls and queues say; it only reads."""

    def __init__(self, shell: Shell, clock: Clock) -> None:
        self._shell = shell
        self._clock = clock

    async def show(self, _: Request) -> Response:
        """GET: task types by name, those that nobody polls but somebody waits for among them."""
        polls = await self._shell.polls.everything()
        sizes = await self._shell.queue.sizes(of_workers=True)
        return json_answer({"workers": workers(polls, sizes, self._clock.now_ms())})


def workers(
    polls: Sequence[PollData], sizes: Mapping[str, int], now_ms: int
) -> list[dict[str, Any]]:
    """By task type. `unattended`: tasks wait in a queue that nobody has polled lately. Pure."""
    pollers: dict[str, list[PollData]] = {}
    for poll in polls:
        pollers.setdefault(poll.queue_name, []).append(poll)
    waiting: dict[str, dict[str | None, int]] = {}
    for queue, size in sizes.items():
        domain, _, task_type = queue.rpartition(":")
        waiting.setdefault(task_type, {})[domain or None] = size
    shown: list[dict[str, Any]] = []
    for name in sorted({*pollers, *waiting}):
        mine, queues = pollers.get(name, []), waiting.get(name, {})
        active = {one.domain for one in mine if now_ms - one.last_poll_time <= ACTIVE_MS}
        shown.append(
            {
                "taskType": name,
                "queueSize": sum(queues.values()),
                "unattended": any(domain not in active for domain in queues),
                "pollers": [
                    without_nulls(
                        {
                            "workerId": one.worker_id,
                            "domain": one.domain,
                            "lastPollTime": one.last_poll_time,
                            "active": one.domain in active,
                        }
                    )
                    for one in mine
                ],
            }
        )
    return shown
