"""One function from (content type, body, query) to JSON: what matching, outputs and inputs see.

The rules are specs/webhooks.md section 4. Whatever bytes come, the result is a payload or
`PayloadUnreadable`; nothing else is ever raised.
"""

import base64
import json
import math
from collections.abc import Sequence
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

import msgspec

from hookline_common.errors import HooklineError
from hookline_common.multipart import NotMultipart, read_parts

MAX_DEPTH = 200
MAX_FIELDS = 10_000
SMALLEST_INTEGER = -(2**63)
LARGEST_INTEGER = 2**64 - 1

# Nineteen digits in a row are the fewest that can leave 64 bits: only such a body is read slowly.
_LONG_NUMBER = b"0" * 19
_DIGITS_AS_ZERO = bytes(48 if 48 <= code < 58 else 32 for code in range(256))
_MARK = b"\xef\xbb\xbf"

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class PayloadUnreadable(HooklineError):
    """The body cannot be read as JSON without losing or inventing something."""


class Payload(msgspec.Struct, frozen=True):
    """A payload as a value, and the same as JSON text (the body's own bytes where possible)."""

    value: dict[str, Any]
    json: bytes

    @property
    def raw(self) -> msgspec.Raw:
        """The JSON text, to be put into a message without being encoded again."""
        return msgspec.Raw(self.json)


def payload_of(
    content_type: str, body: bytes, query: str = "", *, merge_query: bool = False
) -> dict[str, Any]:
    """The payload of a request as a value; raises PayloadUnreadable."""
    return read_payload(content_type, body, query, merge_query=merge_query).value


def read_payload(
    content_type: str, body: bytes, query: str = "", *, merge_query: bool = False
) -> Payload:
    """The payload of a request; raises PayloadUnreadable.

    `query` is the raw query string. `merge_query` (`options.mergeQuery`) adds the parameters whose
    names the body does not have.
    """
    payload = _payload_of_body(content_type, body, query)
    if not (merge_query and query and body):
        return payload
    return _of_value({**fields_of(query), **payload.value})


def fields_of(text: str) -> dict[str, Any]:
    """The fields of a query string or form: a repeated field is a list; raises
    PayloadUnreadable for more fields than anyone sends.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise PayloadUnreadable(f"the form has more than {MAX_FIELDS} fields") from error
    return gathered(pairs)


def gathered(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Pairs as an object: a name that comes once gives its value, one that repeats a list."""
    fields: dict[str, list[Any]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in fields.items()}


def _payload_of_body(content_type: str, body: bytes, query: str) -> Payload:
    if not body:
        return _of_value(fields_of(query))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _of_form(body)
    if kind == "multipart/form-data":
        return _of_multipart(content_type, body)
    return _of_json_or_text(kind, body)


def _of_json_or_text(kind: str, body: bytes) -> Payload:
    text = body.removeprefix(_MARK)
    # A bare word such as `123` or `null` is JSON only where the sender says that it sends JSON.
    if kind.endswith("json") or text.lstrip()[:1] in (b"{", b"["):
        try:
            value = read_json(text)
        except ValueError:
            return _of_text(body)
        if isinstance(value, dict):
            return Payload(cast("dict[str, Any]", value), text)
        return Payload({"request": value}, b'{"request":' + text + b"}")
    return _of_text(body)


def _of_text(body: bytes) -> Payload:
    try:
        return _of_value({"request": body.decode()})
    except UnicodeDecodeError:
        return _of_value({"requestBase64": base64.b64encode(body).decode()})


def _of_form(body: bytes) -> Payload:
    try:
        fields = fields_of(body.decode())
    except UnicodeDecodeError:
        return _of_text(body)
    return _of_value(_with_parsed_payload(fields))


def _of_multipart(content_type: str, body: bytes) -> Payload:
    try:
        parts = read_parts(content_type, body, MAX_FIELDS)
    except NotMultipart:
        return _of_text(body)
    pairs = [
        (part.name, part.text() if part.filename is None else part.as_file()) for part in parts
    ]
    return _of_value(_with_parsed_payload(gathered(pairs)))


def _with_parsed_payload(fields: dict[str, Any]) -> dict[str, Any]:
    """Slack's interactivity and GitHub's form mode put the JSON into a field `payload`."""
    inner = fields.get("payload")
    if not isinstance(inner, str) or inner.lstrip()[:1] not in ("{", "["):
        return fields
    try:
        return {**fields, "payload": read_json(inner.encode())}
    except ValueError:
        return fields


def _of_value(value: dict[str, Any]) -> Payload:
    try:
        return Payload(value, _encoder.encode(value))
    except UnicodeEncodeError as error:
        raise PayloadUnreadable("a text has half of a surrogate pair") from error


def read_json(text: bytes) -> Any:
    """The JSON value in `text`; raises ValueError where it is no JSON, PayloadUnreadable where it
    is, but cannot be kept without loss.

    The fast way out is a proof: text that is exactly what its value encodes to has no key twice.
    """
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH and (
        _LONG_NUMBER not in text.translate(_DIGITS_AS_ZERO)
    ):
        try:
            value = _decoder.decode(text)
            if _encoder.encode(value) == text:
                return value
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # the careful way below says what is wrong with it
    return _read_carefully(text)


def _read_carefully(text: bytes) -> Any:
    try:
        value = _careful.decode(text.decode())
    except RecursionError as error:
        raise PayloadUnreadable(f"the JSON is nested deeper than {MAX_DEPTH} levels") from error
    _check_depth(value)
    try:
        _encoder.encode(value)
    except UnicodeEncodeError as error:
        raise PayloadUnreadable("the JSON has half of a surrogate pair in a text") from error
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise PayloadUnreadable(f"the JSON is nested deeper than {MAX_DEPTH} levels")


def _children(parent: Any) -> list[Any]:
    if isinstance(parent, dict):
        children: list[Any] = list(cast("dict[str, Any]", parent).values())
    else:
        children = cast("list[Any]", parent) if isinstance(parent, list) else []
    return [child for child in children if isinstance(child, dict | list)]


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise PayloadUnreadable(f"the JSON has the key {twice[:80]!r} twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise PayloadUnreadable(f"the JSON has {name}, which is no number")


def _integer(digits: str) -> int:
    if len(digits) > 20 or not SMALLEST_INTEGER <= int(digits) <= LARGEST_INTEGER:
        raise PayloadUnreadable("the JSON has an integer of more than 64 bits")
    return int(digits)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise PayloadUnreadable("the JSON has a number larger than 64 bits can hold")
    return number


_careful = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_constant=_refuse_constant,
    parse_int=_integer,
    parse_float=_float,
)
