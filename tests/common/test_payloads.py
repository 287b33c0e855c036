"""The payload of a request: every row of specs/webhooks.md section 4, and whatever bytes come."""

import base64
import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hookline_common.payloads import MAX_DEPTH, PayloadUnreadable, payload_of, read_payload

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body", "payload"),
    [
        (JSON, b'{"a":1}', {"a": 1}),
        ("application/json; charset=utf-8", b' {"a" : [1, 2.5, null]}\r\n', {"a": [1, 2.5, None]}),
        ("application/vnd.acme+json", b'{"a":"\\u00e9"}', {"a": "é"}),
        ("", b'{"a":1}', {"a": 1}),
        ("text/plain; charset=UTF-8", b'{"Type":"Notification"}', {"Type": "Notification"}),
        (JSON, b"\xef\xbb\xbf{}", {}),
        (JSON, b"[1,2]", {"request": [1, 2]}),
        (JSON, b" null ", {"request": None}),
        (JSON, b'"text"', {"request": "text"}),
        (JSON, b"123", {"request": 123}),
        ("text/plain", b"123", {"request": "123"}),
        ("text/plain", b"hello", {"request": "hello"}),
        ("application/xml", b"<a/>", {"request": "<a/>"}),
        (JSON, b'{"a":', {"request": '{"a":'}),
        (JSON, b"\xff\xfe{}", {"requestBase64": base64.b64encode(b"\xff\xfe{}").decode()}),
        ("image/png", b"\x89PNG", {"requestBase64": "iVBORw=="}),
        (FORM, b"a=1&b=x+y&a=2&c=", {"a": ["1", "2"], "b": "x y", "c": ""}),
        (FORM, b"payload=%7B%22a%22%3A1%7D&t=1", {"payload": {"a": 1}, "t": "1"}),
        (FORM, b"payload=%7Bnope", {"payload": "{nope"}),
        (FORM, b"payload=plain", {"payload": "plain"}),
        (FORM, b"\xff=1", {"requestBase64": "/z0x"}),
    ],
)
def test_what_a_body_becomes(content_type: str, body: bytes, payload: dict[str, Any]) -> None:
    read = read_payload(content_type, body)
    assert read.value == payload
    assert msgspec.json.decode(read.json) == payload


def test_an_empty_body_gives_the_query() -> None:
    assert payload_of(JSON, b"", "a=1&b=&a=2&c%20d=e+f") == {"a": ["1", "2"], "b": "", "c d": "e f"}
    assert payload_of("", b"") == {}


def test_the_query_never_overrides_the_body() -> None:
    body = b'{"amount":1,"nothing":null}'
    assert payload_of(JSON, body, "amount=2&x=3") == {"amount": 1, "nothing": None}
    merged = read_payload(JSON, body, "amount=2&x=3&nothing=4", merge_query=True)
    assert merged.value == {"amount": 1, "nothing": None, "x": "3"}
    assert msgspec.json.decode(merged.json) == merged.value


def test_the_bytes_of_a_json_object_are_used_again() -> None:
    body = b'{ "a" : 1.50 }'
    assert read_payload(JSON, body).json == body
    assert bytes(read_payload(JSON, b"[1.0]").raw) == b'{"request":[1.0]}'


def test_multipart_keeps_fields_and_describes_files() -> None:
    body = (
        b"preamble is ignored\r\n--xYz\r\n"
        b'Content-Disposition: form-data; name="subject"\r\n\r\nHello\r\nthere\r\n--xYz\r\n'
        b'content-disposition: form-data; name="to"\r\n\r\na\r\n--xYz\r\n'
        b'Content-Disposition: form-data; name="to"\r\n\r\nb\r\n--xYz\r\n'
        b'Content-Disposition: form-data; name="payload"\r\n\r\n{"a":[1]}\r\n--xYz\r\n'
        b'Content-Disposition: form-data; name="file"; filename="gr\xc3\xbc n.png"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x00\x85\r\n--xYz--\r\nepilogue"
    )
    payload = payload_of('multipart/form-data; boundary="xYz"', body)
    assert payload["subject"] == "Hello\r\nthere"
    assert payload["to"] == ["a", "b"]
    assert payload["payload"] == {"a": [1]}
    assert payload["file"] == {"filename": "grü n.png", "contentType": "image/png", "size": 8}


@pytest.mark.parametrize(
    "body", [b"--b\r\n\r\nno name\r\n--b--", b"no parts", b"--b\r\nname", b"--b--"]
)
def test_what_is_no_multipart_after_all_is_text(body: bytes) -> None:
    for content_type in ("multipart/form-data; boundary=b", "multipart/form-data"):
        assert payload_of(content_type, body) == {"request": body.decode()}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a":1,"a":2}', "twice"),
        (b'{"x":[{"a":1,"b":{},"a":1}]}', "twice"),
        (b'{"a":1,"\\u0061":1}', "twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":18446744073709551616}', "64 bits"),
        (b'{"a":-9223372036854775809}', "64 bits"),
        (b'{"a":' + b"9" * 5000 + b"}", "64 bits"),
        (b'{"a":1e999}', "64 bits"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nested"),
        (b"[" * 100_000 + b"]" * 100_000, "nested"),
    ],
)
def test_json_that_cannot_be_kept_without_loss_is_unreadable(body: bytes, says: str) -> None:
    with pytest.raises(PayloadUnreadable, match=says):
        payload_of(JSON, body)
    with pytest.raises(PayloadUnreadable, match=says):
        payload_of(FORM, b"payload=" + quote(body).encode())


def test_the_limits_themselves_are_still_readable() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert payload_of(JSON, deep)["request"] is not None
    assert payload_of(JSON, b'{"a":[18446744073709551615,-9223372036854775808]}') == {
        "a": [2**64 - 1, -(2**63)]
    }
    assert payload_of(JSON, b'{"a":"99999999999999999999"}') == {"a": "9" * 20}
    assert payload_of(JSON, b'{"a":"{{{{[[[["}') == {"a": "{{{{[[[["}
    assert payload_of(JSON, b'{"a":"' + b"[" * 500 + b'"}') == {"a": "[" * 500}


def test_too_many_fields_are_unreadable() -> None:
    with pytest.raises(PayloadUnreadable):
        payload_of(FORM, b"&".join(b"a=1" for _ in range(10_001)))
    with pytest.raises(PayloadUnreadable):
        payload_of("", b"", "&".join("a=1" for _ in range(10_001)))


_types = st.sampled_from(
    [JSON, FORM, "multipart/form-data; boundary=b", "multipart/form-data", "text/plain", "", "é;;="]
)
_near_json = st.text(alphabet='{}[]":,\\u0d81eNa9-. \n', max_size=80).map(str.encode)
_near_parts = st.lists(
    st.sampled_from(
        [
            b"--b",
            b"--b--",
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Disposition: form-data",
            b"; name=a",
            b"x",
        ]
    ),
    max_size=20,
).map(b"".join)


@given(_types, st.binary(max_size=200) | _near_json | _near_parts, st.text(max_size=40))
@example(JSON, b'{"a":"\\ud800\\u0041"}', "")
@example(FORM, b"%ED%A0%80=1", "%ED%A0%80=1")
@example("", b"", "\ud800=1")
def test_whatever_comes_it_is_a_payload_or_unreadable(
    content_type: str, body: bytes, query: str
) -> None:
    try:
        read = read_payload(content_type, body, query, merge_query=True)
    except PayloadUnreadable:
        return
    assert msgspec.json.decode(read.json) == read.value


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), _values), st.booleans())
def test_every_json_object_comes_back_as_it_is(value: dict[str, Any], spaced: bool) -> None:
    body = json.dumps(value, indent=1 if spaced else None, ensure_ascii=spaced).encode()
    assert payload_of(JSON, body) == value
