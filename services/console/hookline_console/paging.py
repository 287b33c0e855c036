"""A list that the API answers whole, shown in pages by `start` in the address."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from hookline_console.pages import Page

T = TypeVar("T")

PAGE_SIZE = 50
_LONGEST_NUMBER = 7


class Part(msgspec.Struct, Generic[T], frozen=True):
    """The rows of one page, which of `total` the first of them is, and the addresses beside it."""

    rows: Sequence[T]
    first: int
    total: int
    newer: str
    older: str

    @property
    def says(self) -> str:
        """Which rows of how many are shown."""
        if len(self.rows) == self.total:
            return f"{self.total:,} in all"
        return f"{self.first + 1} to {self.first + len(self.rows)} of {self.total:,}"


def start_of(page: Page) -> int:
    """The first row that the address asks for; the very first where that is no number."""
    asked = page.query("start", "0")
    return int(asked) if asked.isdecimal() and len(asked) < _LONGEST_NUMBER else 0


def part_of(page: Page, rows: Sequence[T], size: int = PAGE_SIZE) -> Part[T]:
    """The rows from `start` on; a start behind the end is the last page."""
    last = max(0, (len(rows) - 1) // size * size)
    first = min(start_of(page), last)
    return Part(
        rows[first : first + size],
        first,
        len(rows),
        page.address(start=max(0, first - size) or None) if first else "",
        page.address(start=first + size) if first + size < len(rows) else "",
    )
