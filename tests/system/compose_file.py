"""Reads docker-compose.yml as compose does: merged, and with its variables filled in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
HOOKLINE_SERVICES = ("ingest", "verifier", "matcher", "engine")
"""Those on log and store, in the order an event travels."""
PARTS = (*HOOKLINE_SERVICES, "console")
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:?[-?])([^}]*))?\})")


class Unset(ValueError):
    """A variable that compose insists on is not set."""


def read_compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """The file with merges done and `${…}` filled in from `environ`; raises Unset."""
    loaded = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return _filled(loaded, environ)


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(member, environ) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(element, environ) for element in value]
    return interpolated(value, environ) if isinstance(value, str) else value


def interpolated(text: str, environ: Mapping[str, str]) -> str:
    """Compose's own: `${A}`, `${A:-default}`, `${A-default}`, `${A:?…}`, `${A?…}`, `$$`."""

    def value(found: re.Match[str]) -> str:
        name, operator, word = found.groups()
        if name is None:
            return "$"
        given = environ.get(name)
        is_set = bool(given) if (operator or "").startswith(":") else given is not None
        if is_set:
            return given or ""
        if operator and operator.endswith("?"):
            raise Unset(f"{name}: {word}")
        return word or ""

    return _VARIABLE.sub(value, text)
