"""Every error code that the sources name, found by reading them, and the statuses of each."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from hookline_common import errors

ROOT = Path(__file__).parents[2]
BY_POSITION = {"error": 2, "_bad": 2, "_warning": 0, "Refusal": 1}
"""Calls that take a code by position, and where."""
BAD_REQUESTS = frozenset({"error", "_bad"})
"""The helpers among them that make a BadRequest."""
OWN = {"NeedsPrivateKey": "Conflict"}
"""Errors that are declared elsewhere, and what they are."""


def codes_in_the_sources() -> Mapping[str, frozenset[int]]:
    """Code -> the statuses that it is raised with, as far as the place tells."""
    found: dict[str, set[int]] = {}
    for part in ("services", "libs"):
        for path in sorted((ROOT / part).glob("**/hookline_*/**/*.py")):
            for code, statuses in _codes(ast.parse(path.read_text())):
                found.setdefault(code, set()).update(statuses)
    return {code: frozenset(statuses) for code, statuses in found.items()}


def _codes(tree: ast.AST) -> Iterator[tuple[str, list[int]]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                yield from _in_call(node)
            case ast.FunctionDef(args=arguments):
                named = arguments.args[len(arguments.args) - len(arguments.defaults) :]
                for argument, default in zip(named, arguments.defaults, strict=True):
                    if argument.arg == "code":
                        yield from _texts(default, [])
            case ast.ClassDef(name=name):
                for line in node.body:
                    if isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
                        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
                        if any(isinstance(t, ast.Name) and t.id == "default_code" for t in targets):
                            yield from _texts(line.value, _statuses(name))
            case _:
                pass


def _in_call(call: ast.Call) -> Iterator[tuple[str, list[int]]]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    for keyword in call.keywords:
        if keyword.arg == "code":
            yield from _texts(keyword.value, _statuses(name))
    place = BY_POSITION.get(name)
    if place is not None and len(call.args) > place:
        yield from _texts(call.args[place], _statuses(name, call))


def _statuses(name: str, call: ast.Call | None = None) -> list[int]:
    if name == "Refusal" and call is not None and isinstance(call.args[0], ast.Constant):
        return [int(str(call.args[0].value))]
    if name in BAD_REQUESTS:
        return [errors.BadRequest.status]
    raised = getattr(errors, OWN.get(name, name), None)
    if isinstance(raised, type) and issubclass(raised, errors.ApiError):
        return [raised.status]
    return []


def _texts(expression: ast.expr, statuses: list[int]) -> Iterator[tuple[str, list[int]]]:
    """The constant; of a choice, both."""
    match expression:
        case ast.Constant(value=str() as text) if text:
            yield text, statuses
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body, statuses)
            yield from _texts(orelse, statuses)
        case _:
            pass
