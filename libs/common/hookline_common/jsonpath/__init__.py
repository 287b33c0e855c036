"""JSONPath as Conductor's definitions use it (specs/engine.md 3.4): compile once, read often."""

from hookline_common.jsonpath.cursor import PathSyntaxError
from hookline_common.jsonpath.nodes import (
    MISSING,
    Missing,
    compact_json,
    is_array,
    is_number,
    is_object,
    text_of,
)
from hookline_common.jsonpath.paths import ANY, Path, compile_path

__all__ = [
    "ANY",
    "MISSING",
    "Missing",
    "Path",
    "PathSyntaxError",
    "compact_json",
    "compile_path",
    "is_array",
    "is_number",
    "is_object",
    "text_of",
]
