"""Match keys: an event has the key of a wait exactly if it has the values that the wait expects."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_common.matching import (
    EventView,
    Plan,
    TooManyValues,
    event_keys,
    match_key,
    plan_id,
    plan_of,
    rule_holds,
    split,
    wait_key,
)
from hookline_common.messages import Wait
from tests.common.jsons import objects, texts, values

NAMES = st.sampled_from(["a", "b", "$.a", "a.b", "a[*]", "$..b", "header:x", "query:q"])


def _wait(matches: dict[str, Any], workflow: str = "w", version: int = 1) -> Wait:
    clauses = split(matches)
    return Wait(workflow, version, clauses.paths, clauses.values, clauses.operators)


@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4))
def test_two_lists_of_values_never_give_one_key(one: list[str], other: list[str]) -> None:
    keys = [match_key("w", 1, ("a",), values) for values in (one, other)]
    assert (keys[0] == keys[1]) is (one == other)


@given(
    st.tuples(texts, st.integers(0, 12), st.lists(texts, max_size=3).map(tuple)),
    st.tuples(texts, st.integers(0, 12), st.lists(texts, max_size=3).map(tuple)),
)
def test_two_plans_never_give_one_id(
    one: tuple[str, int, tuple[str, ...]], other: tuple[str, int, tuple[str, ...]]
) -> None:
    assert (plan_id(Plan(*one)) == plan_id(Plan(*other))) is (one == other)


@given(
    st.dictionaries(NAMES, values, max_size=4).flatmap(
        lambda matches: st.tuples(st.just(matches), st.permutations(list(matches)))
    )
)
def test_the_order_of_matches_is_irrelevant(case: tuple[dict[str, Any], list[str]]) -> None:
    matches, order = case
    assert wait_key(_wait(matches)) == wait_key(_wait({name: matches[name] for name in order}))


@given(
    st.dictionaries(NAMES, values.filter(lambda value: not isinstance(value, dict)), max_size=3),
    objects,
    st.sampled_from(["", "q=1", "q=a&q=1"]),
)
def test_an_event_has_the_key_exactly_if_every_clause_holds(
    matches: dict[str, Any], body: dict[str, Any], query: str
) -> None:
    event = EventView(body, [("x", "1"), ("x", "a")], query)
    wait = _wait(matches)
    assert (wait_key(wait) in event_keys(plan_of(wait), event)) is rule_holds(matches, event)


@given(st.dictionaries(NAMES, values.filter(lambda v: not isinstance(v, dict)), max_size=3))
def test_an_event_that_carries_the_values_meets_the_wait(matches: dict[str, Any]) -> None:
    body = {name: value for name, value in matches.items() if name in ("a", "b")}
    wait = _wait(body)
    assert wait_key(wait) in event_keys(plan_of(wait), EventView(body))


def test_a_path_that_leads_nowhere_gives_no_keys() -> None:
    assert event_keys(Plan("w", 1, ("a", "b")), EventView({"a": 1})) == []


def test_a_plan_without_paths_takes_every_event() -> None:
    assert event_keys(Plan("w", 1), EventView({})) == [wait_key(Wait("w", 1))]


def test_an_array_gives_a_key_for_itself_and_each_scalar_in_it() -> None:
    keys = event_keys(Plan("w", 1, ("a",)), EventView({"a": [1, "x", "x", None, {"y": 1}]}))
    assert len(keys) == len(set(keys)) == 4
    expected = [{"a": 1}, {"a": "x"}, {"a": None}, {"a": [1, "x", "x", None, {"y": 1}]}]
    assert set(keys) == {wait_key(_wait(matches)) for matches in expected}


def test_combinations_of_several_arrays_are_keys() -> None:
    keys = event_keys(Plan("w", 1, ("a", "b")), EventView({"a": [1, 2], "b": [3, 4]}))
    assert wait_key(_wait({"a": 2, "b": 3})) in keys
    assert len(keys) == 9


def test_more_than_256_keys_are_refused() -> None:
    """F6: an event could otherwise make the matcher look up any number of keys."""
    event = EventView({"a": list(range(255)), "b": list(range(256)), "c": [1]})
    assert len(event_keys(Plan("w", 1, ("a",)), event)) == 256
    with pytest.raises(TooManyValues):
        event_keys(Plan("w", 1, ("b",)), event)
    with pytest.raises(TooManyValues):
        event_keys(Plan("w", 1, ("a", "c")), event)
    assert event_keys(Plan("w", 1, ("absent", "b")), event) == []


def test_workflow_and_version_are_part_of_the_key() -> None:
    keys = {
        wait_key(_wait({"a": 1}, workflow, version))
        for workflow, version in (("w", 1), ("w", 2), ("w1", 1), ("w", 11))
    }
    assert len(keys) == 4
