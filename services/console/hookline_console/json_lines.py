"""A JSON value as lines of marked-up text: keys, texts, numbers and words apart."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup, escape

_TOKENS = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null)|(?P<sign>[{}\[\],:])"
)
_CLASSES = {"key": "k", "text": "s", "number": "n", "word": "b", "sign": "p"}


def json_text(value: Any) -> str:
    """JSON with two blanks a level, characters beyond ASCII as they are."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def json_lines(value: Any, is_marked: Callable[[str], bool] = lambda _: False) -> Markup:
    """The lines of a value, each a `span.l`; those for which `is_marked(text)` holds also `.at`."""
    return text_lines(json_text(value).split("\n"), is_marked)


def text_lines(lines: Iterable[str], is_marked: Callable[[str], bool] = lambda _: False) -> Markup:
    """The lines of a JSON text."""
    return Markup("").join(
        Markup('<span class="{}">{}</span>').format("l at" if is_marked(line) else "l", _line(line))
        for line in lines
    )


def _line(line: str) -> Markup:
    parts, end = list[Markup](), 0
    for found in _TOKENS.finditer(line):
        parts.append(escape(line[end : found.start()]))
        kind = _CLASSES[found.lastgroup or "sign"]
        parts.append(Markup('<span class="{}">{}</span>').format(kind, found.group()))
        end = found.end()
    return Markup("").join([*parts, escape(line[end:])])
