"""At which line of its JSON text a member of a definition stands."""

import json
import re
from typing import Any, cast

from hookline_console.json_lines import json_text
from hookline_console.pointers import unescaped


def line_of(definition: Any, pointer: str) -> int:
    """The line (from 1) of `json_text(definition)` at which the value of a JSON Pointer begins.

    A pointer that leads nowhere gives the line of the last member that is there.
    """
    line, value = 1, definition
    for step in pointer.split("/")[1:]:
        name = unescaped(step)
        if isinstance(value, dict):
            members = list(cast(dict[str, Any], value).items())
            at = next((n for n, (key, _) in enumerate(members) if key == name), None)
            parts = [member for _, member in members]
        elif isinstance(value, list):
            parts = cast(list[Any], value)
            at = int(name) if name.isdecimal() and int(name) < len(parts) else None
        else:
            return line
        if at is None:
            return line
        line += 1 + sum(_height(part) for part in parts[:at])
        value = parts[at]
    return line


def _height(value: Any) -> int:
    return json_text(value).count("\n") + 1


def parsed_object(text: str) -> tuple[dict[str, Any], int, str]:
    """The object of a JSON text; else an empty one with the line of the fault and what it is."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return {}, error.lineno, re.sub(r"\s+", " ", error.msg)
    except RecursionError:
        return {}, 1, "nested too deep"
    if not isinstance(value, dict):
        return {}, 1, "a JSON object is needed"
    return cast(dict[str, Any], value), 0, ""
