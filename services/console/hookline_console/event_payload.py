"""The payload of an event as lines to read: bounded, and marked where a clause looked."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from markupsafe import Markup

from hookline_console.json_lines import text_lines

MOST_LINES = 600
MOST_CHARACTERS = 64_000
_LONGEST_LINE = 2_000
_LONGEST_IN_CURL = 8_000

Path = tuple[str | int, ...]

_STEP = re.compile(
    r"""\[(\d+)\]|\[\s*'([^']*)'\s*\]|\[\s*"([^"]*)"\s*\]|(?:^|\.)([A-Za-z_][\w-]*)"""
)
_OF_THE_TRANSPORT = frozenset(
    {"host", "content-length", "accept-encoding", "connection", "transfer-encoding"}
)


class Shown(msgspec.Struct, frozen=True):
    """Lines of a payload; `cut` says that there are more, or longer ones."""

    lines: Markup
    cut: bool
    marked: bool


def shown(payload: Any, marked: Sequence[str] = (), *, whole: bool = False) -> Shown:
    """The payload with the lines of these paths marked; all of it with `whole`."""
    paths = {path for text in marked if (path := path_of(text)) is not None}
    parts: list[Markup] = []
    size, cut, any_marked = 0, False, False
    for path, line in _lines(payload):
        if not whole and (len(parts) >= MOST_LINES or size > MOST_CHARACTERS):
            cut = True
            break
        if not whole and len(line) > _LONGEST_LINE:
            cut = True
        at = path is not None and path in paths
        any_marked |= at
        text = line if whole or len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
        size += len(text)
        parts.append(_plain(text) if whole else text_lines([text], lambda _, at=at: at))
    return Shown(Markup("").join(parts), cut, any_marked)


def path_of(text: str) -> Path | None:
    """The steps of a plain path such as `$.a['b'][0]`; None for anything that may mean more."""
    rest, steps = text.removeprefix("$"), list[str | int]()
    while rest:
        found = _STEP.match(rest)
        if not found:
            return None
        index, *names = found.groups()
        steps.append(int(index) if index else next(name for name in names if name is not None))
        rest = rest[found.end() :]
    return tuple(steps)


def curl(event: Mapping[str, Any]) -> str:
    """The request as a command; what is redacted stays so, and a body that was not JSON or is
    long is read from the downloaded file.
    """
    headers = [
        f"-H {shlex.quote(f'{name}: {value}')}"
        for name, value in event.get("headers", ())
        if name.lower() not in _OF_THE_TRANSPORT
    ]
    first = f"curl -X {shlex.quote(str(event.get('method', 'POST')))}"
    return " \\\n  ".join(
        [f"{first} {shlex.quote(str(event.get('url', '')))}", *headers, _body(event)]
    )


def _body(event: Mapping[str, Any]) -> str:
    text = json.dumps(event.get("payload"), ensure_ascii=False)
    kinds = [value for name, value in event.get("headers", ()) if name.lower() == "content-type"]
    if not kinds or "json" not in kinds[0].lower() or len(text) > _LONGEST_IN_CURL:
        return f"--data-binary @{event['id']}"
    return f"--data-binary {shlex.quote(text)}"


def _plain(line: str) -> Markup:
    return Markup('<span class="l">{}</span>').format(line)


def _lines(
    value: Any, path: Path = (), head: str = "", tail: str = ""
) -> Iterator[tuple[Path | None, str]]:
    """As `json.dumps` with an indent of two; each line with the path of what begins there."""
    indent = "  " * len(path)
    if isinstance(value, dict) and value:
        entries = list(cast(Mapping[str, Any], value).items())
        yield path, f"{indent}{head}{{"
        for at, (name, one) in enumerate(entries):
            key = json.dumps(name, ensure_ascii=False) + ": "
            yield from _lines(one, (*path, name), key, _comma(at, len(entries)))
        yield None, f"{indent}}}{tail}"
    elif isinstance(value, list) and value:
        items = cast(Sequence[Any], value)
        yield path, f"{indent}{head}["
        for at, one in enumerate(items):
            yield from _lines(one, (*path, at), "", _comma(at, len(items)))
        yield None, f"{indent}]{tail}"
    else:
        yield path, f"{indent}{head}{json.dumps(value, ensure_ascii=False)}{tail}"


def _comma(at: int, count: int) -> str:
    return "," if at < count - 1 else ""
