"""What a template needs before it can be evaluated, and what is wrong with it."""

from collections.abc import Collection, Iterator
from typing import Any

from hookline_common.expressions.templates import (
    Placeholder,
    TemplateTooDeep,
    parse_template,
    texts_in,
)
from hookline_common.jsonpath import ANY, Path, PathSyntaxError

SYSTEM_HEADS = frozenset({"workflow", "CPEWF_TASK_ID"})
_EVERYTHING = (ANY, ANY)


def references(template: Any) -> frozenset[tuple[str, str]]:
    """The (first, second) segments of everything that the template reads.

    `("task_a", "output")` for `${task_a.output.x}`; the second is "*" where the path does not
    name it, `("*", "*")` where not even the first is known before evaluation. Raises
    TemplateTooDeep.
    """
    return frozenset(
        read
        for _, text in texts_in(template)
        for placeholder in parse_template(text).placeholders
        for read in _reads(placeholder)
    )


def _reads(placeholder: Placeholder) -> Iterator[tuple[str, str]]:
    for part in placeholder.parts:
        if isinstance(part, Placeholder):
            yield from _reads(part)
    if placeholder.secret or placeholder.is_blank or placeholder.error:
        return
    if placeholder.path:
        yield from placeholder.path.reads
    else:
        yield from _composed_reads(placeholder)


def _composed_reads(placeholder: Placeholder) -> Iterator[tuple[str, str]]:
    """Segments that change with the inner value are not known yet."""
    try:
        one, other = (Path(placeholder.sample(filling)) for filling in ("0", "1"))
    except PathSyntaxError:
        yield _EVERYTHING
        return
    yield from one.reads & other.reads
    if one.reads != other.reads:
        known = {head for head, _ in one.reads} & {head for head, _ in other.reads}
        if len(known) < len({head for head, _ in one.reads}):
            yield _EVERYTHING
        yield from ((head, ANY) for head in known)


def syntax_errors(template: Any, known_heads: Collection[str]) -> list[tuple[str, str]]:
    """What is wrong with the placeholders of a template: (JSON Pointer, message) pairs.

    `known_heads` are the task references of the definition; `workflow` and the system variables
    are always known.
    """
    try:
        texts = list(texts_in(template))
    except TemplateTooDeep as error:
        return [("", str(error))]
    return [
        (pointer, message)
        for pointer, text in texts
        for placeholder in parse_template(text).placeholders
        for message in _complaints(placeholder, known_heads)
    ]


def _complaints(placeholder: Placeholder, known_heads: Collection[str]) -> Iterator[str]:
    for part in placeholder.parts:
        if isinstance(part, Placeholder):
            yield from _complaints(part, known_heads)
    if placeholder.is_blank:
        yield f"{placeholder.source}: the expression is empty"
        return
    try:
        Path(placeholder.sample("0"))
    except PathSyntaxError as error:
        yield f"{placeholder.source}: {error}"
        return
    head = _head(placeholder)
    if head is not None and head not in SYSTEM_HEADS and head not in known_heads:
        yield (
            f"{placeholder.source}: {head!r} is neither 'workflow', nor the reference name of a"
            " task, nor a system variable"
        )


def _head(placeholder: Placeholder) -> str | None:
    """What the path begins with, as it is written; None where an inner placeholder decides."""
    first = placeholder.parts[0]
    if not isinstance(first, str):
        return None
    ends = [place for mark in ".[" if (place := first.find(mark)) >= 0]
    if not ends:
        return first if placeholder.is_static else None
    return first[: min(ends)]
