"""Evaluation of templates against a scope, in a single pass: data never becomes an expression."""

from typing import Any

import msgspec

from hookline_common.expressions.scopes import KEEP, Keep, Scope
from hookline_common.expressions.templates import (
    DEEPEST_TEMPLATE,
    ENVIRONMENT,
    ESCAPED_OPEN,
    Placeholder,
    Template,
    TemplateTooDeep,
    parse_template,
    texts_in,
)
from hookline_common.jsonpath import (
    ANY,
    MISSING,
    Missing,
    Path,
    PathSyntaxError,
    is_array,
    is_object,
    text_of,
)


def evaluate(template: Any, scope: Scope) -> Any:
    """The template with every placeholder of its texts replaced; keys stay as they are.

    The objects and lists of the template are always new; a value that a whole-text placeholder
    reads is shared with its source, not copied. So treat JSON values as immutable everywhere:
    whoever wants to change one makes a copy first (engine.md D47). `${workflow.secrets.…}` stays
    as it is (see secrets.reveal). Raises TemplateTooDeep beyond 200 levels, nothing else.
    """
    return _evaluate(template, scope, 0)


def _evaluate(template: Any, scope: Scope, depth: int) -> Any:
    if isinstance(template, str):
        return _evaluate_text(template, scope) if "${" in template else template
    if is_object(template):
        _check_depth(depth)
        return {name: _evaluate(value, scope, depth + 1) for name, value in template.items()}
    if is_array(template):
        _check_depth(depth)
        return [_evaluate(value, scope, depth + 1) for value in template]
    return template


def _check_depth(depth: int) -> None:
    if depth > DEEPEST_TEMPLATE:
        raise TemplateTooDeep


def unresolved(template: Any, scope: Scope) -> list[tuple[str, str]]:
    """The placeholders that lead to nothing or to null: (JSON Pointer of the text, placeholder)."""
    return [
        (pointer, placeholder.source)
        for pointer, text in texts_in(template)
        for placeholder in parse_template(text).placeholders
        if value_of(placeholder, scope) is None
    ]


def _evaluate_text(text: str, scope: Scope) -> Any:
    template = parse_template(text)
    if template.whole:
        value = value_of(template.whole, scope)
        return template.whole.source if value is KEEP else value
    if any(placeholder.secret for placeholder in template.placeholders):
        return _text_with_secrets(template, scope)
    pieces = [part if isinstance(part, str) else _text_for(part, scope) for part in template.parts]
    return "".join(pieces).replace(ESCAPED_OPEN, "${")


def _text_with_secrets(template: Template, scope: Scope) -> str:
    """A text that reveal() will read again: `${` that comes in with a value is escaped, so that
    data cannot name a secret."""
    pieces: list[str] = []
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
        elif part.secret:
            pieces.append(_secret_text(part, scope))
        else:
            pieces.append(_text_for(part, scope).replace("${", ESCAPED_OPEN))
    return "".join(pieces)


def _text_for(placeholder: Placeholder, scope: Scope) -> str:
    value = value_of(placeholder, scope)
    return placeholder.source if value is KEEP else text_of(value)


def value_of(placeholder: Placeholder, scope: Scope) -> Any:
    """The value of one placeholder: None where there is none, KEEP to leave it as written."""
    if placeholder.secret:
        return _secret_text(placeholder, scope)
    if placeholder.is_blank:
        return ""
    if placeholder.path:
        return _read(placeholder.path, scope)
    return None if placeholder.error else _read_composed(_inner_text(placeholder, scope), scope)


def _secret_text(placeholder: Placeholder, scope: Scope) -> str:
    if placeholder.is_static:
        return placeholder.source
    name = _inner_text(placeholder, scope)
    return "${" + ("workflow.secrets." if {"{", "}"} & set(name) else name) + "}"


def _inner_text(placeholder: Placeholder, scope: Scope) -> str:
    return "".join(
        part if isinstance(part, str) else _text_for(part, scope) for part in placeholder.parts
    )


def _read_composed(text: str, scope: Scope) -> Any:
    """A path that inner placeholders have completed; not cached, there is no end to them."""
    if not text.strip():
        return ""
    try:
        path = Path(text)
    except PathSyntaxError:
        return None
    return _read(path, scope)


def _read(path: Path, scope: Scope) -> Any:
    if path.text.startswith(ENVIRONMENT):
        return _read_environment(path.text, scope)
    root = _documents(path, scope)
    if root is KEEP:
        return KEEP
    value = path.read(root)
    return None if value is MISSING else value


def _documents(path: Path, scope: Scope) -> dict[str, Any] | Keep:
    """The part of the scope that the path reads."""
    heads = {head for head, _ in path.reads}
    root: dict[str, Any] = {}
    for head in scope.heads() if ANY in heads else heads:
        document = scope.lookup(head)
        if document is KEEP:
            return KEEP
        if document is not MISSING:
            root[head] = document
    return root


def _read_environment(text: str, scope: Scope) -> Any:
    workflow = scope.lookup("workflow")
    values = workflow.get("env") if is_object(workflow) else None
    name, _, rest = text.removeprefix(ENVIRONMENT).partition(".")
    stored = values.get(name) if is_object(values) else None
    value = read_stored(stored, rest)
    return None if value is MISSING else value


def read_stored(stored: Any, rest: str) -> Any | Missing:
    """A value of the environment or secret store, or what `rest` reads in its JSON."""
    if not rest or stored is None:
        return MISSING if stored is None else stored
    try:
        return Path(rest).read(msgspec.json.decode(stored) if isinstance(stored, str) else stored)
    except (PathSyntaxError, msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return MISSING
