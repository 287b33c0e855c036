"""What decide takes beside the command and what it gives back."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from hookline_common.errors import ApiError, BadRequest, Conflict, HooklineError, NotFound
from hookline_engine.core.effects import AnyEffect
from hookline_engine.core.model import Head, TaskLine
from hookline_engine.misfits import Misfit


class Unmappable(HooklineError):
    """What a node asks for cannot be done: its task fails terminally with this reason (D32)."""


class Evaluator(Protocol):
    """Runs a JavaScript expression in a sandbox. Deterministic for the same arguments."""

    def evaluate(self, script: str, value: Any, now_ms: int, seed: str) -> Any:
        """The value of the last statement with `$` = a copy of `value`; raises ScriptError."""
        ...


class SchemaChecker(Protocol):
    """Checks values against JSON schemas. Pure."""

    def misfits(self, schema: Mapping[str, Any], value: Any) -> Sequence[Misfit]:
        """What does not fit; empty if all does."""
        ...


class CachedOutput(msgspec.Struct, frozen=True):
    """A kept output of a task, and when that task completed."""

    output: Any
    completed_at: int


class Limits(msgspec.Struct, frozen=True):
    """Bounds on what one execution may do."""

    variables_bytes: int = 256 * 1024
    payload_bytes: int = 10 * 1024 * 1024
    rounds: int = 500
    iterations: int = 100_000


class Context(msgspec.Struct, frozen=True):
    """What surrounds a decision.

    `now_ms` is max(clock, head.updated_at) (C3). `seed` is fresh per attempt to apply a command (12
    or more hex digits from the shell): new bodies are named with it. `active_domains`: task type ->
    domains polled in the last 10 s (only read for executions with taskToDomain). `cached`: kept
    outputs by key, None where there is none. `environment` None: not looked up. `secrets`: by name,
    None where there is none. What is missing is asked for with MissingLookups.
    """

    now_ms: int
    seed: str
    evaluator: Evaluator
    schemas: SchemaChecker
    active_domains: Mapping[str, frozenset[str]] = {}
    cached: Mapping[str, CachedOutput | None] = {}
    environment: Mapping[str, str] | None = None
    secrets: Mapping[str, str | None] = {}
    limits: Limits = Limits()


class NewBody(msgspec.Struct, frozen=True):
    """A document for `bodies`, to be inserted before the head is saved. `value` may be Raw JSON."""

    id: str
    value: Any


class NewPage(msgspec.Struct, frozen=True):
    """A page of finished lines for `task_pages`, to be inserted before the head is saved."""

    id: str
    lines: tuple[TaskLine, ...]


class Refusal(msgspec.Struct, frozen=True):
    """The command did nothing. `status` is the HTTP status: 400, 404 or 409."""

    status: int
    code: str
    message: str

    def error(self) -> ApiError:
        """The refusal as a caller of the API sees it."""
        kinds = {400: BadRequest, 404: NotFound, 409: Conflict}
        return kinds[self.status](self.message, code=self.code)


class Decision(msgspec.Struct, frozen=True):
    """What to do.

    `head` None: nothing changed and nothing is to be saved; `effects` are then emitted directly.
    Otherwise all of `effects` are also in `head.outbox`. `line` is the task that the command was
    about, as it is afterwards. `refusal`: why the command did nothing, if that is an error.
    """

    head: Head | None
    bodies: tuple[NewBody, ...] = ()
    pages: tuple[NewPage, ...] = ()
    effects: tuple[AnyEffect, ...] = ()
    line: TaskLine | None = None
    refusal: Refusal | None = None


class MissingBodies(HooklineError):
    """The decision needs these bodies or pages."""

    def __init__(self, bodies: frozenset[str], pages: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.bodies = bodies
        self.pages = pages


class MissingLookups(HooklineError):
    """The decision needs to know more of the world than it was given (Context says what is what):
    domains of task types, kept outputs by key, secrets by name, the environment.
    """

    def __init__(
        self,
        task_types: frozenset[str] = frozenset(),
        *,
        cached: frozenset[str] = frozenset(),
        secrets: frozenset[str] = frozenset(),
        environment: bool = False,
    ) -> None:
        super().__init__()
        self.task_types = task_types
        self.cached = cached
        self.secrets = secrets
        self.environment = environment
