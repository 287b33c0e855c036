"""Reading parameters and bodies as the Conductor SDKs send them (specs/rest.md 1.2, 1.3)."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from hookline_common.errors import BadRequest
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import (
    DEEPEST_BODY,
    Parameters,
    parse_json,
    path_integer,
    read_list_or_one,
    read_object,
    read_string,
)


def request(body: bytes, content_type: str | None = "application/json") -> Request:
    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return sent.pop(0)

    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


class TestParameters:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("true", True),
            ("True", True),
            ("1", True),
            ("YES", True),
            ("on", True),
            ("false", False),
            ("False", False),
            ("0", False),
            ("no", False),
            ("", None),
        ],
    )
    def test_booleans_come_in_any_case_and_empty_is_absent(
        self, text: str, value: bool | None
    ) -> None:
        query = Parameters(f"x={text}".encode())
        for default in (True, False):
            assert query.boolean("x", default) is (default if value is None else value)

    def test_words_for_nothing_are_absent_where_the_sdk_sends_them(self) -> None:
        query = Parameters(b"a=None&b=null&c=&d=x&e=None")
        assert [query.word(name) for name in "abcd"] == [None, None, None, "x"]
        assert query.text("e") == "None"

    def test_lists_are_repeated_or_separated_by_commas(self) -> None:
        query = Parameters(b"a=x&a=y,%20z&b=,")
        assert query.texts("a") == ("x", "y", "z")
        assert query.texts("b") == ()
        assert query.texts("c") == ()

    @pytest.mark.parametrize("text", ["x", "1.5", "1e3", "99999999999999999999999", "--1", "0x1"])
    def test_a_number_that_is_none_is_named(self, text: str) -> None:
        with pytest.raises(BadRequest) as error:
            Parameters(f"size={text}".encode()).integer("size", 1)
        assert error.value.field == "/query/size"

    def test_numbers_have_limits(self) -> None:
        query = Parameters(b"size=7")
        assert query.integer("size", 1, least=0, most=7) == 7
        with pytest.raises(BadRequest, match="from 0 to 6"):
            query.integer("size", 1, least=0, most=6)
        with pytest.raises(BadRequest, match="at least 8"):
            query.integer("size", 1, least=8)
        with pytest.raises(BadRequest, match="at most 6"):
            query.integer("size", 1, most=6)

    def test_a_missing_parameter_is_named(self) -> None:
        with pytest.raises(BadRequest) as error:
            Parameters(b"path=").required("path")
        assert (error.value.code, error.value.field) == ("missing_parameter", "/query/path")

    @given(st.binary(max_size=60))
    def test_no_query_raises_anything_else(self, query: bytes) -> None:
        with contextlib.suppress(BadRequest):
            Parameters(query).text("a")

    def test_too_many_parameters_are_refused(self) -> None:
        with pytest.raises(BadRequest):
            Parameters(b"&".join([b"a=1"] * 2001))

    def test_a_number_in_the_path(self) -> None:
        scope = {"type": "http", "path_params": {"version": "3", "other": "x"}}
        assert path_integer(Request(scope), "version") == 3
        with pytest.raises(BadRequest) as error:
            path_integer(Request(scope), "other")
        assert error.value.field == "/path/other"


class TestBodies:
    @pytest.mark.parametrize("body", [b"", b"  ", b"{}", b"null"])
    async def test_an_empty_body_counts_as_an_empty_object(self, body: bytes) -> None:
        assert await read_object(request(body)) == {}

    @pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
    async def test_the_content_type_plays_no_part(self, kind: str | None) -> None:
        assert await read_object(request(b'{"a": 1}', kind)) == {"a": 1}

    async def test_one_object_is_a_list_of_one(self) -> None:
        assert await read_list_or_one(request(b'{"a": 1}')) == [{"a": 1}]
        assert await read_list_or_one(request(b"[]")) == []

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ('he said \\"hi\\"\\nbye \\u00e9', 'he said "hi"\nbye é'),
            ("plain words", "plain words"),
            ('"quoted"', "quoted"),
            ("12345", "12345"),
            ('{"a": 1}', '{"a": 1}'),
            ("true", "true"),
            ("back\\slash", "back\\slash"),
            ("two\nlines", "two\nlines"),
            ("é", "é"),
            ("", ""),
        ],
    )
    async def test_a_string_body_as_the_sdk_escapes_it(self, body: str, text: str) -> None:
        assert await read_string(request(body.encode())) == text

    async def test_plain_text_is_taken_as_it_is(self) -> None:
        assert await read_string(request(b'"a\\n"', "text/plain")) == '"a\\n"'

    async def test_a_string_body_that_is_not_utf8_is_400(self) -> None:
        with pytest.raises(BadRequest) as error:
            await read_string(request(b"\xff"))
        assert error.value.code == "invalid_utf8"

    def test_nesting_up_to_the_limit_is_taken(self) -> None:
        depth = DEEPEST_BODY
        assert parse_json(b"[" * depth + b"]" * depth)
        many = b"[" + b",".join([b"{}"] * 1000) + b"]"
        assert len(parse_json(many)) == 1000
        with pytest.raises(BadRequest) as error:
            parse_json(b"[" * (depth + 1) + b"]" * (depth + 1))
        assert error.value.code == "too_deep"

    def test_maps_come_back_in_their_order_with_their_numbers(self) -> None:
        assert parse_json(b'{"b": 123456789012345678901234567890, "a": 1.0, "c": null}') == {
            "b": 123456789012345678901234567890,
            "a": 1.0,
            "c": None,
        }

    @given(st.binary(max_size=80))
    def test_no_body_raises_anything_else(self, body: bytes) -> None:
        with contextlib.suppress(BadRequest):
            parse_json(body)


class TestFields:
    def test_numbers_and_truth_values_may_be_text(self) -> None:
        fields = Fields({"a": "7", "b": "True", "c": 2.0, "d": None, "e": 5, "f": True})
        assert (fields.integer("a"), fields.boolean("b"), fields.integer("c")) == (7, True, 2)
        assert (fields.integer("d"), fields.boolean("d"), fields.text("d")) == (None, None, None)
        assert (fields.text("e"), fields.text("f")) == ("5", "true")

    @pytest.mark.parametrize("value", [2.7, "2.7", True, [], {}, "", "9" * 30, 1e300, "²"])
    def test_what_is_no_whole_number_is_refused(self, value: Any) -> None:
        with pytest.raises(BadRequest) as error:
            Fields({"a": value}, "/outer").integer("a", least=0, most=10**18)
        assert error.value.field == "/outer/a"

    def test_pointers_are_escaped(self) -> None:
        assert Fields({}).pointer("a/b~c") == "/a~1b~0c"

    def test_nested_fields_know_where_they_are(self) -> None:
        items = Fields({"list": [{"a": {"b": "x"}}]}).items("list")
        assert items is not None
        inner = items[0].mapping("a")
        assert inner is not None
        assert inner.pointer("b") == "/list/0/a/b"
