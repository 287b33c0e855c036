"""Canonical values: which JSON values are the same to a match (specs/webhooks.md section 5)."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given

from hookline_common.matching.values import NestedTooDeeply, canonical, restored
from tests.common.jsons import values

SAME = [
    (1, 1.0),
    (1, "1"),
    (1.0, "1"),
    (1000, 1e3),
    (0, -0.0),
    (10**22, 1e22),
    (0.5, "0.5"),
    (True, "true"),
    (False, "false"),
    (None, None),
    ({"a": 1, "b": [2]}, {"b": ["2"], "a": 1.0}),
    ([1, None], ["1", None]),
    (10**400, str(10**400)),
]
DIFFERENT = [
    (None, "null"),
    (None, ""),
    (True, 1),
    (False, 0),
    ("True", True),
    ("a", "A"),
    ("1.0", 1.0),
    ("01", 1),
    (" 1", 1),
    (2**53, 2**53 + 1),
    ([], {}),
    ([], ""),
    ([1, 2], [2, 1]),
    ([[1], 2], [1, [2]]),
    ({"a": None}, {}),
    ({"ab": "c"}, {"a": "bc"}),
    (["ab"], ["a", "b"]),
    ("[2:=1", [1]),
    ([1], 1),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_these_are_the_same_value(one: Any, other: Any) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_these_are_different_values(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


def test_a_value_that_is_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(NestedTooDeeply):
        canonical(deep)


def _same(one: Any, other: Any) -> bool:
    """The rules again, value against value, in the slow and plain way."""
    if one is None or other is None:
        return one is None and other is None
    if isinstance(one, list) or isinstance(other, list):
        both = isinstance(one, list) and isinstance(other, list) and len(one) == len(other)
        return both and all(_same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) or isinstance(other, dict):
        both = isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other)
        return both and all(_same(one[name], other[name]) for name in one)
    return _same_scalar(one, other)


def _same_scalar(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, bool) or isinstance(other, bool):
        return _spelled(one) == _spelled(other)
    if isinstance(one, str) or isinstance(other, str):
        return _spelled(one) == _spelled(other)
    return Fraction(one) == Fraction(other)


def _spelled(value: Any) -> str:
    if isinstance(value, str):
        return value
    whole = not isinstance(value, bool) and Fraction(value).denominator == 1
    return str(Fraction(value)) if whole else msgspec.json.encode(value).decode()


@given(values, values)
def test_two_values_have_one_canonical_text_exactly_if_they_are_the_same(
    one: Any, other: Any
) -> None:
    assert (canonical(one) == canonical(other)) is _same(one, other)


@given(values)
def test_a_canonical_text_can_be_read_back(value: Any) -> None:
    assert canonical(restored(canonical(value))) == canonical(value)
