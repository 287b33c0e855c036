"""Whatever the text and whatever the document: a path reads, or is refused, and never breaks."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hookline_common.jsonpath import MISSING, PathSyntaxError, compile_path
from tests.common.jsons import values

_PIECES = [
    "$", ".", "..", "[", "]", "*", "'", '"', "a", "b c", "-1", "0", ":", ",", "?(", "@", "==", "=~",
    "&&", "||", "!", "(", ")", "/", "in", "[1]", "{", "}", ".length()", ".sum(", "null", "\\", " ",
]  # fmt: skip
path_like = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join) | st.text(max_size=20)


@given(path_like, values)
def test_any_text_is_a_path_or_a_syntax_error(text: str, document: Any) -> None:
    before = copy.deepcopy(document)
    try:
        path = compile_path(text)
    except PathSyntaxError:
        return
    found = path.read(document)
    assert path.definite or isinstance(found, list)
    assert document == before


@given(path_like)
def test_a_syntax_error_lies_within_the_text(text: str) -> None:
    problem = _problem(text)
    assert problem is None or 0 <= problem.position <= len(text)


def _problem(text: str) -> PathSyntaxError | None:
    try:
        compile_path(text)
    except PathSyntaxError as error:
        return error
    return None


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, node
    if isinstance(node, dict):
        for name, value in node.items():
            quoted = name.replace("\\", "\\\\").replace("'", "\\'")
            yield from _leaves(value, f"{path}['{quoted}']")
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{path}[{index}]")


@given(values)
def test_every_place_of_a_document_can_be_read_by_its_path(document: Any) -> None:
    for path, value in _leaves(document, "$"):
        assert compile_path(path).read(document) is value


@given(values)
def test_a_descent_finds_every_node_below_once(document: Any) -> None:
    below = [value for _, value in _leaves(document, "$")][1:]
    assert sorted(map(repr, compile_path("$..*").read(document))) == sorted(map(repr, below))


@given(st.lists(st.integers(), max_size=8), st.integers(-9, 9), st.integers(-9, 9))
def test_slices_and_indexes_agree_with_lists(items: list[int], start: int, stop: int) -> None:
    assert compile_path(f"$[{start}:{stop}]").read(items) == items[start:stop]
    inside = -len(items) <= start < len(items)
    assert compile_path(f"$[{start}]").read(items) == (items[start] if inside else MISSING)
