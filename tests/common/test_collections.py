"""The catalogue of collections, and what docs/operating.md says of each."""

import re
from pathlib import Path

from hookline_common import collections

OPERATING = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()


def test_names_are_unique() -> None:
    names = [one.name for one in collections.ALL]
    assert len(set(names)) == len(names)


def test_the_catalogue_is_whole() -> None:
    found = [one for one in vars(collections).values() if isinstance(one, collections.Collection)]
    assert {one.name for one in found} == {one.name for one in collections.ALL}


def test_the_operators_page_says_what_bounds_each() -> None:
    (table,) = re.findall(
        r"## What is stored, and what bounds it\n.*?\n(\|.*?)\n\n", OPERATING, re.DOTALL
    )
    told = [
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert sorted(told) == sorted(one.name for one in collections.ALL)
