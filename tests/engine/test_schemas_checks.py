"""JSON Schema as Hookline runs it: what does not fit, what is no schema, and what it never does."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_engine.schemas import MOST_MISFITS, JsonSchemas, schema_fault

CHECKER = JsonSchemas()
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def places(schema: Any, value: Any) -> list[tuple[str, str]]:
    return [(one.pointer, one.message) for one in CHECKER.misfits(schema, value)]


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ({}, {"anything": 1}, []),
        ({"type": "object"}, [], [("", "must be object")]),
        ({"type": ["string", "null"]}, 1, [("", "must be string or null")]),
        ({"properties": {"a/b": {"type": "null"}}}, {"a/b": 1.5}, [("/a~1b", "must be null")]),
        ({"items": {"enum": ["x", None]}}, ["x", None, 3], [("/2", 'must be one of ["x",null]')]),
        ({"properties": {"a": {"const": 1}}}, {"a": 2}, [("/a", "must be 1")]),
        ({"required": ["id"]}, {}, [("", "'id' is a required property")]),
        ({"properties": {"n": {"minimum": 3}}}, {"n": 2}, [("/n", "does not meet minimum 3")]),
        ({"additionalProperties": False}, {"x": 1}, [("/x", "is not allowed here")]),
        (
            {"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": False},
            {"xa": 1, "b": 2},
            [("/xa", "must be string"), ("/b", "is not allowed here")],
        ),
        (
            {"patternProperties": {"^x": True}, "additionalProperties": {"type": "number"}},
            {"xa": "s", "b": "s"},
            [("/b", "must be number")],
        ),
        ({"properties": {"t": {"pattern": "^a+$"}}}, {"t": "b"}, [("/t", "does not match '^a+$'")]),
        ({"anyOf": [{"type": "null"}]}, "x" * 999, [("", "does not meet 'anyOf' of its schema")]),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, 1, [("", "must be null")]),
    ],
)  # fmt: skip
def test_what_does_not_fit(schema: Any, value: Any, found: list[tuple[str, str]]) -> None:
    assert schema_fault(schema) is None
    assert places(schema, value) == found


def test_the_schema_says_which_draft_it_is() -> None:
    tuples = {"items": [{"type": "null"}]}
    assert places({"$schema": DRAFT_7, **tuples}, [1]) == [("/0", "must be null")]
    assert schema_fault(tuples) is not None  # in 2020-12 a list of items is called prefixItems


def test_many_misfits_are_cut() -> None:
    assert len(places({"items": {"type": "null"}}, list(range(1000)))) == MOST_MISFITS


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "objet"}, "/type"),
        ({"properties": {"x": {"type": 3}}}, "/properties/x/type"),
        ({"properties": {"x": {"pattern": "("}}}, "/properties/x/pattern"),
        ({"items": [{"pattern": "(?=a)"}], "$schema": DRAFT_7}, "/items/0/pattern"),
        ({"patternProperties": {"(?!a)": {}}}, "/patternProperties"),
        ({"allOf": [{"patternProperties": {"a": {}}}], "unevaluatedProperties": False},
         "/unevaluatedProperties"),
    ],
)  # fmt: skip
def test_what_is_no_schema(schema: Any, place: str) -> None:
    fault = schema_fault(schema)
    assert fault is not None
    assert fault.pointer == place
    assert CHECKER.misfits(schema, {}) == (fault,)


def test_nothing_is_fetched() -> None:
    [(_, message)] = places({"$ref": "http://127.0.0.1:1/schema.json"}, 1)
    assert "not in it" in message


def test_a_schema_that_refers_to_itself_without_end_is_a_misfit() -> None:
    [(_, message)] = places({"$ref": "#"}, 1)
    assert "itself" in message


@pytest.mark.parametrize("dialect", [{}, {"$schema": DRAFT_7}])
def test_patterns_take_linear_time_however_they_are_reached(dialect: dict[str, Any]) -> None:
    """The classic pattern that takes a backtracking matcher years, by `$ref` too."""
    evil, text = "^(a+)+$", "a" * 5000 + "!"
    inner = {"pattern": evil, **dialect}
    schema = {
        **dialect,
        "properties": {"x": inner, "y": {"$ref": "#/definitions/d"}},
        "patternProperties": {evil: {}},
        "additionalProperties": False,
        "definitions": {"d": inner},
    }
    begun = time.process_time()
    found = places(schema, {"x": text, "y": text, text: 1})
    assert [pointer for pointer, _ in found] == ["/x", "/y", f"/{text}"]
    assert time.process_time() - begun < 5


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_value_fits_the_schema_that_names_it(value: Any) -> None:
    assert places({"const": value}, value) == []
