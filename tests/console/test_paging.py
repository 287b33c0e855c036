"""Lists that the API answers whole, in pages."""

from types import SimpleNamespace
from typing import Any

import pytest

from hookline_console.paging import part_of


def page(start: str) -> Any:
    return SimpleNamespace(
        query=lambda name, default: start or default,
        address=lambda start: "/list" if start is None else f"/list?start={start}",
    )


@pytest.mark.parametrize(
    ("start", "rows", "newer", "older", "says"),
    [
        ("", [0, 1, 2], "", "/list?start=3", "1 to 3 of 8"),
        ("3", [3, 4, 5], "/list", "/list?start=6", "4 to 6 of 8"),
        ("6", [6, 7], "/list?start=3", "", "7 to 8 of 8"),
        ("100", [6, 7], "/list?start=3", "", "7 to 8 of 8"),
        ("-1", [0, 1, 2], "", "/list?start=3", "1 to 3 of 8"),
        ("9" * 5000, [0, 1, 2], "", "/list?start=3", "1 to 3 of 8"),
    ],
)
def test_a_part_of_a_list(start: str, rows: list[int], newer: str, older: str, says: str) -> None:
    part = part_of(page(start), range(8), 3)
    assert list(part.rows) == rows
    assert (part.newer, part.older, part.says) == (newer, older, says)


def test_a_short_list_says_only_how_many() -> None:
    assert part_of(page(""), [1, 2]).says == "2 in all"
    assert part_of(page(""), []).says == "0 in all"
