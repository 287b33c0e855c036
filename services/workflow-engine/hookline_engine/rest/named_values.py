"""Names and values of secrets and of the environment in requests (specs/rest.md 2.9)."""

import re

from starlette.requests import Request

from hookline_common.errors import BadRequest
from hookline_engine.rest.requests import read_string

LONGEST_VALUE = 65_535
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


def value_name(request: Request) -> str:
    """The name in the path; raises BadRequest."""
    name: str = request.path_params["key"]
    if not _NAME.match(name):
        message = "A name has letters without accents, digits, `_` and `-` only."
        raise BadRequest(message, code="invalid_name", field="/path/key")
    return name


async def read_value(request: Request) -> str:
    """The text in the body; raises BadRequest."""
    value = await read_string(request)
    if len(value) > LONGEST_VALUE:
        message = f"A value has at most {LONGEST_VALUE} characters, not {len(value)}."
        raise BadRequest(message, code="too_long", field="")
    return value
