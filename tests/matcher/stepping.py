"""A store that tells of each step, so that tests can act between two of them, or crash there."""

from collections.abc import Awaitable, Callable
from typing import Any

from hookline_common.documents import Documents

Hook = Callable[[str, str], Awaitable[None]]


class Crash(Exception):
    """The process died here."""


async def _nothing(method: str, collection: str) -> None:
    return None


class SteppingDocuments:
    """Passes every call on; `before` and `after` are told method and collection of each."""

    def __init__(self, inner: Documents) -> None:
        self.inner = inner
        self.steps: list[tuple[str, str]] = []
        self.before: Hook = _nothing
        self.after: Hook = _nothing

    def __getattr__(self, method: str) -> Any:
        call = getattr(self.inner, method)

        async def step(*args: Any, **kwargs: Any) -> Any:
            collection = args[0].name if args and hasattr(args[0], "name") else ""
            self.steps.append((method, collection))
            await self.before(method, collection)
            answer = await call(*args, **kwargs)
            await self.after(method, collection)
            return answer

        return step

    def crash_at(self, number: int, *, after: bool = False) -> None:
        """Die before (or right after) the call of that number, counted from here on from 1."""
        left = number

        async def count(method: str, collection: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash(f"{method} {collection}")

        if after:
            self.after = count
        else:
            self.before = count

    def once(self, method: str, collection: str, act: Callable[[], Awaitable[Any]]) -> None:
        """Do something once, right before the next such call."""

        async def look(called: str, on: str) -> None:
            if (called, on) == (method, collection):
                self.before = _nothing
                await act()

        self.before = look

    def once_after(self, method: str, collection: str, act: Callable[[], Awaitable[Any]]) -> None:
        """Do something once, right after the next such call."""

        async def look(called: str, on: str) -> None:
            if (called, on) == (method, collection):
                self.after = _nothing
                await act()

        self.after = look

    def heal(self) -> None:
        """No more crashes and interruptions."""
        self.before = self.after = _nothing
