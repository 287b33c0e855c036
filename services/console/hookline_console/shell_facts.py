"""What every page shows around its content: whether services are ready, and what waits for you."""

from typing import Any

import msgspec

from hookline_common.clock import Clock
from hookline_console.api import Api, ApiRefusal, ApiUnreachable

_KEPT_MS = 3_000
_TOKENS = 1_000


class ShellFacts(msgspec.Struct, frozen=True):
    """The state of the system in a few words."""

    ready: bool = True
    problems: tuple[str, ...] = ()
    version: str = ""
    dead_letters: int = 0


class Shell:
    """Asks the API at most every few seconds for each token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[int, ShellFacts]] = {}

    async def facts(self, api: Api) -> ShellFacts:
        """The facts; that the API does not answer is one, and who may not know them gets none."""
        now = self._clock.now_ms()
        until, facts = self._known.get(api.token, (0, ShellFacts()))
        if now < until:
            return facts
        try:
            facts = await _ask(api)
        except ApiRefusal:
            return ShellFacts()
        except ApiUnreachable as error:
            return ShellFacts(ready=False, problems=(str(error),))
        if len(self._known) >= _TOKENS:
            self._known.clear()
        self._known[api.token] = (now + _KEPT_MS, facts)
        return facts


async def _ask(api: Api) -> ShellFacts:
    services = (await api.get("/services"))["services"]
    letters = await api.get("/dead-letters", state="waiting", limit=100)
    instances = [one for service in services for one in service["instances"]]
    return ShellFacts(
        ready=all(service["ready"] for service in services),
        problems=tuple(_problems(services)),
        version=instances[0]["version"] if instances else "",
        dead_letters=len(letters["deadLetters"]),
    )


def _problems(services: list[dict[str, Any]]) -> list[str]:
    return [
        f"{service['service']}: {problem}"
        for service in services
        if not service["ready"]
        for problem in service.get("problems")
        or [text for one in service["instances"] for text in one["problems"]]
        or ["not ready"]
    ]
