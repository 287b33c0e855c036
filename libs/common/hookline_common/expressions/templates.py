"""A text with placeholders, taken apart: literal pieces and `${…}` up to the balanced brace."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

from hookline_common.errors import HooklineError
from hookline_common.jsonpath import Path, PathSyntaxError, is_array, is_object

DEEPEST_TEMPLATE = 200
_DEEPEST_PLACEHOLDER = 20
_OPEN = "${"
ESCAPED_OPEN = "$${"
SECRETS = "workflow.secrets."
ENVIRONMENT = "workflow.env."


class TemplateTooDeep(HooklineError):
    """The parameters are nested more than 200 levels deep."""


class Placeholder:
    """One `${…}`. `parts` is what stands between the braces.

    `path` is the compiled path of a placeholder without inner ones; `error` says why there is
    none. `secret`: it names a secret of the store, whatever an inner placeholder adds.
    """

    __slots__ = ("error", "parts", "path", "secret", "source")

    def __init__(self, source: str, parts: "tuple[Part, ...]") -> None:
        self.source = source
        self.parts = parts
        first = parts[0] if parts else ""
        self.secret = isinstance(first, str) and first.startswith(SECRETS)
        self.path: Path | None = None
        self.error: PathSyntaxError | None = None
        if self.is_static and not self.is_blank:
            self._compile()

    def _compile(self) -> None:
        try:
            self.path = Path(self.inside)
        except PathSyntaxError as error:
            self.error = error

    @property
    def inside(self) -> str:
        """The text between the braces."""
        return self.source[2:-1]

    @property
    def is_static(self) -> bool:
        """Whether the path is known without evaluating inner placeholders."""
        return all(isinstance(part, str) for part in self.parts)

    @property
    def is_blank(self) -> bool:
        """`${}` and `${ }` stand for the empty text."""
        return not self.inside.strip()

    def sample(self, filling: str) -> str:
        """The path with `filling` in place of every inner placeholder."""
        return "".join(part if isinstance(part, str) else filling for part in self.parts)


Part: TypeAlias = str | Placeholder


class Template:
    """A text, taken apart; `whole` is set if it is exactly one placeholder."""

    __slots__ = ("parts", "placeholders", "whole")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.placeholders = tuple(part for part in parts if isinstance(part, Placeholder))
        self.whole = parts[0] if len(parts) == 1 and isinstance(parts[0], Placeholder) else None


@lru_cache(maxsize=8192)
def parse_template(text: str) -> Template:
    """The text taken apart; every text is a template."""
    return Template(tuple(_parts(text, _closing_braces(text), 0, len(text), 0)))


def is_placeholder(value: Any) -> bool:
    """Whether the value is a text that is exactly one placeholder."""
    return isinstance(value, str) and _OPEN in value and parse_template(value).whole is not None


def has_placeholder(value: Any) -> bool:
    """Whether there is a placeholder anywhere in the value."""
    return any(parse_template(text).placeholders for _, text in texts_in(value))


def texts_in(template: Any, pointer: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text that may hold a placeholder, with its JSON Pointer; keys are never templates."""
    if isinstance(template, str):
        if _OPEN in template:
            yield pointer, template
        return
    if depth > DEEPEST_TEMPLATE:
        raise TemplateTooDeep
    if is_object(template):
        for name, value in template.items():
            yield from texts_in(value, f"{pointer}/{escape_pointer(name)}", depth + 1)
    elif is_array(template):
        for index, value in enumerate(template):
            yield from texts_in(value, f"{pointer}/{index}", depth + 1)


def escape_pointer(name: str) -> str:
    """A name as one segment of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _closing_braces(text: str) -> dict[int, int]:
    """The place of each opening brace's balanced partner, found in one pass."""
    partners: dict[int, int] = {}
    waiting: list[int] = []
    for place, character in enumerate(text):
        if character == "{":
            waiting.append(place)
        elif character == "}" and waiting:
            partners[waiting.pop()] = place
    return partners


def _parts(text: str, partners: dict[int, int], start: int, end: int, depth: int) -> Iterator[Part]:
    literal_from = place = start
    while (place := text.find(_OPEN, place, end)) >= 0:
        closing = partners.get(place + 1)
        if closing is None or closing >= end:
            place += len(_OPEN)
            continue
        if text[place - 1 : place] == "$":
            place = closing + 1
            continue
        if place > literal_from:
            yield text[literal_from:place]
        yield _placeholder(text, partners, (place, closing), depth + 1)
        literal_from = place = closing + 1
    if literal_from < end:
        yield text[literal_from:end]


def _placeholder(
    text: str, partners: dict[int, int], span: tuple[int, int], depth: int
) -> Placeholder:
    place, closing = span
    source = text[place : closing + 1]
    if depth > _DEEPEST_PLACEHOLDER:
        return Placeholder(source, (source[2:-1],))
    return Placeholder(source, tuple(_parts(text, partners, place + 2, closing, depth)))
