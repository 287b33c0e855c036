"""What every page shows around its content: whether services are ready, and what waits for you."""

from typing import Any

import msgspec

from hookline_common.clock import Clock
from hookline_common.errors import HooklineError
from hookline_console.api import Api

_KEPT_MS = 3_000


class ShellFacts(msgspec.Struct, frozen=True):
    """The state of the system in a few words."""

    ready: bool = True
    problems: tuple[str, ...] = ()
    version: str = ""
    dead_letters: int = 0


class Shell:
    """Asks the API at most every few seconds, for all pages and people together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._facts = ShellFacts()
        self._until = 0

    async def facts(self, api: Api) -> ShellFacts:
        """The facts; what cannot be asked now is said as a problem."""
        if self._clock.now_ms() >= self._until:
            self._until = self._clock.now_ms() + _KEPT_MS
            try:
                self._facts = await _ask(api)
            except HooklineError as error:
                self._facts = ShellFacts(ready=False, problems=(str(error),))
                self._until = 0
        return self._facts


async def _ask(api: Api) -> ShellFacts:
    services = (await api.get("/services"))["services"]
    letters = await api.get("/dead-letters", limit=100)
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
