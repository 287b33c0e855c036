"""Where the values of expressions come from: a document for each first segment of a path."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, Protocol

from hookline_common.jsonpath import MISSING


class Keep(Enum):
    """The type of KEEP."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""What `lookup` gives for a head whose placeholders are to stay as they are written."""


class Scope(Protocol):
    """The documents that an expression can see."""

    def lookup(self, head: str) -> Any:
        """The document for a first segment (`workflow`, a task reference, `CPEWF_TASK_ID`):
        MISSING if there is none, KEEP to leave the placeholder as it is."""
        ...

    def heads(self) -> Iterable[str]:
        """Every first segment; asked only for paths such as `$..x` that begin with no name."""
        ...


class MappingScope:
    """A scope over documents that are all at hand."""

    __slots__ = ("_documents",)

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents

    def lookup(self, head: str) -> Any:
        """The document for a first segment."""
        return self._documents.get(head, MISSING)

    def heads(self) -> Iterable[str]:
        """Every first segment."""
        return self._documents
