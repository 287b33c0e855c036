"""Secrets in evaluated input: put in only for the copy that leaves for a worker or an executor."""

from collections.abc import Callable
from typing import Any

from hookline_common.expressions.evaluation import read_stored
from hookline_common.expressions.templates import (
    ESCAPED_OPEN,
    SECRETS,
    Placeholder,
    parse_template,
    texts_in,
)
from hookline_common.jsonpath import MISSING, is_array, is_object, text_of

LookUpSecret = Callable[[str], str | None]


def names_secrets(template: Any) -> bool:
    """Whether the template names a secret anywhere; raises TemplateTooDeep."""
    return any(
        placeholder.secret
        for _, text in texts_in(template)
        for placeholder in parse_template(text).placeholders
    )


def reveal(value: Any, template: Any, look_up: LookUpSecret) -> Any:
    """A copy of the evaluated `value` with the secrets that its `template` names.

    Only places where the template itself names a secret are looked at, so a value that merely
    looks like `${workflow.secrets.x}` stays text. `look_up` gives None for an unknown name.
    """
    if isinstance(template, str):
        return _reveal_text(value, template, look_up) if "${" in template else value
    if is_object(template) and is_object(value):
        return {name: reveal(item, template.get(name), look_up) for name, item in value.items()}
    if is_array(template) and is_array(value) and len(template) == len(value):
        return [reveal(*pair, look_up) for pair in zip(value, template, strict=True)]
    return value


def _reveal_text(value: Any, text: str, look_up: LookUpSecret) -> Any:
    template = parse_template(text)
    named = any(placeholder.secret for placeholder in template.placeholders)
    if not named or not isinstance(value, str):
        return value
    if template.whole:
        secret = _secret(value[2:-1], look_up)
        return None if secret is MISSING else secret
    pieces = [
        part if isinstance(part, str) else _shown(part, look_up)
        for part in parse_template(value).parts
    ]
    return "".join(pieces).replace(ESCAPED_OPEN, "${")


def _shown(placeholder: Placeholder, look_up: LookUpSecret) -> str:
    if not placeholder.secret:
        return placeholder.source
    secret = _secret(placeholder.inside, look_up)
    return "" if secret is MISSING or secret is None else text_of(secret)


def _secret(path: str, look_up: LookUpSecret) -> Any:
    name, _, rest = path.removeprefix(SECRETS).partition(".")
    return read_stored(look_up(name), rest)
