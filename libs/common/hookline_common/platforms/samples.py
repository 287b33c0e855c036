"""Sample events: read from the package's data, made unique for each sending, changed on request."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, cast
from urllib.parse import urlencode

import msgspec

from hookline_common.errors import BadRequest, NotFound
from hookline_common.platforms.declaration import Platform, Sample
from hookline_common.platforms.signing import SignedRequest

_DATA = "samples"
_LARGEST_INDEX = 1000
_MARK = re.compile(r"\{\{(\w+)\}\}")
_STEP = re.compile(r"\[(\d{1,4})\]|\.?([^.\[\]]+)")


def load_samples(platform: str) -> tuple[Sample, ...]:
    """The samples of `samples/<platform>.json` in this package, in the order of the file."""
    text = files(__package__ or __name__).joinpath(_DATA, f"{platform}.json").read_bytes()
    return msgspec.json.decode(text, type=tuple[Sample, ...])


def sample_named(platform: Platform, name: str) -> Sample:
    """The platform's sample of that name; raises NotFound naming those there are."""
    for sample in platform.samples:
        if sample.name == name:
            return sample
    known = ", ".join(sample.name for sample in platform.samples)
    raise NotFound(f"{platform.label} has no sample {name!r}; there are: {known}.", field="/event")


def sample_request(
    sample: Sample,
    *,
    delivery: str,
    now_ms: int,
    assignments: Mapping[str, Any] | None = None,
    url: str = "",
) -> SignedRequest:
    """The unsigned request of a sample.

    `delivery` makes it unique: it takes the place of `{{delivery}}` wherever the platform has an
    id of its own; `{{now}}`, `{{now_ms}}` and `{{now_iso}}` become the time. `assignments` are
    set in the body last (path -> value); raises BadRequest for a path that cannot be set.
    """
    marks = _marks(delivery, now_ms)
    body = None if sample.body is None else filled(json.loads(bytes(sample.body)), marks)
    for path, value in (assignments or {}).items():
        body = set_path(body, path, value)
    headers = {name: str(filled(value, marks)) for name, value in sample.headers.items()}
    query = str(filled(sample.query, marks))
    return SignedRequest(sample.method, tuple(headers.items()), _body(sample, body), query, url)


def _marks(delivery: str, now_ms: int) -> dict[str, Any]:
    moment = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
    return {
        "delivery": delivery,
        "now": now_ms // 1000,
        "now_ms": now_ms,
        "now_iso": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _body(sample: Sample, body: Any) -> bytes:
    if body is None:
        return b""
    if sample.form:
        return urlencode({name: _field(value) for name, value in body.items()}).encode()
    return msgspec.json.encode(body) + sample.suffix.encode()


def _field(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def filled(value: Any, marks: Mapping[str, Any]) -> Any:
    """The value with its marks replaced: a text that is one mark takes the mark's own type."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: filled(member, marks) for name, member in members.items()}
    if isinstance(value, list):
        return [filled(element, marks) for element in cast("list[Any]", value)]
    if not isinstance(value, str) or "{{" not in value:
        return value
    if (whole := _MARK.fullmatch(value)) and whole[1] in marks:
        return marks[whole[1]]
    return _MARK.sub(lambda mark: str(marks.get(mark[1], mark[0])), value)


def set_path(sample: Any, path: str, value: Any) -> Any:
    """A copy of the sample with `value` at a path such as `pull_request.number` or `items[0].id`.

    Objects on the way are made where they are missing; one element can be added to an array.
    Raises BadRequest for a path that does not fit the sample.
    """
    steps = _steps(path)
    return _placed(sample, steps, value, path)


def _steps(path: str) -> list[str]:
    text = path.removeprefix("$").removeprefix(".")
    found = list(_STEP.finditer(text))
    if not found or "".join(match[0] for match in found) != text:
        raise BadRequest(f"{path!r} is no path: write it as a.b or a[0].b", field="/set")
    return [match[1] or match[2] for match in found]


def _placed(parent: Any, steps: list[str], value: Any, path: str) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(parent, dict):
        members = cast("dict[str, Any]", parent)
        return {**members, step: _placed(members.get(step, {}), rest, value, path)}
    if not isinstance(parent, list):
        raise BadRequest(f"{path!r}: nothing can be set inside a single value", field="/set")
    elements = cast("list[Any]", parent)
    if not step.isdecimal() or int(step) > min(len(elements), _LARGEST_INDEX):
        raise BadRequest(f"{path!r}: {step!r} is no index of that array", field="/set")
    index = int(step)
    old: Any = elements[index] if index < len(elements) else {}
    return [*elements[:index], _placed(old, rest, value, path), *elements[index + 1 :]]
