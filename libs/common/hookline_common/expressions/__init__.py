"""The `${…}` language of definitions (specs/engine.md section 3): parse once, evaluate often."""

from hookline_common.expressions.checks import references, syntax_errors
from hookline_common.expressions.evaluation import evaluate, unresolved
from hookline_common.expressions.scopes import KEEP, Keep, MappingScope, Scope
from hookline_common.expressions.secrets import names_secrets, reveal
from hookline_common.expressions.templates import (
    TemplateTooDeep,
    has_placeholder,
    is_placeholder,
)

__all__ = [
    "KEEP",
    "Keep",
    "MappingScope",
    "Scope",
    "TemplateTooDeep",
    "evaluate",
    "has_placeholder",
    "is_placeholder",
    "names_secrets",
    "references",
    "reveal",
    "syntax_errors",
    "unresolved",
]
