"""The port to the document store: collections of JSON documents with declared index fields.

`adapters.open_documents(url)` gives an adapter; the same contract suite (tests/contract) runs
on each.
No joins and no multi-document transactions: what must change together is one document.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeAlias

import msgspec

from hookline_common.eventlog import Sync

Scalar: TypeAlias = str | int | float | bool | None
CursorValue: TypeAlias = (
    str | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | float | bool | None
)
"""What a cursor may hold: callers send it back, perhaps changed, and stores know 64 bits."""
FieldValue: TypeAlias = Scalar | tuple[str, ...]

SEARCH_TEXT_MAX_BYTES = 4096


def search_text(text: str) -> str:
    """A SEARCH field's text as stored and compared: folded, cut at 4 KiB between characters."""
    folded = text.casefold().encode("utf-8", "replace")
    return folded[:SEARCH_TEXT_MAX_BYTES].decode("utf-8", "ignore")


def prefix_end(prefix: str) -> str | None:
    """The least text, by code points, after all that begin with `prefix`; None if there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    # Surrogates are no characters: nothing lies between U+D7FF and U+E000.
    return kept[:-1] + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)


class FieldKind(enum.Enum):
    """What an index field holds."""

    TEXT = "text"
    INTEGER = "integer"
    LIST = "list"
    """A tuple of texts; a condition on it holds if any element meets it."""
    SEARCH = "search"
    """One text per collection, cut at 4 KiB, for case-insensitive substring search; not
    ordered by.
    """


class Field(msgspec.Struct, frozen=True):
    """A declared index field."""

    name: str
    kind: FieldKind = FieldKind.TEXT


class Collection(msgspec.Struct, frozen=True):
    """A collection: its fields and the compound indexes that its queries need (field names in
    order).

    A LIST field is always indexed by its elements and needs no entry in `indexes`.
    """

    name: str
    fields: tuple[Field, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()


class Document(msgspec.Struct, frozen=True, gc=False):
    """A stored document. `body` is JSON text and survives byte for byte.

    `rev` is 1 after insert and grows by 1 with each replace. `expires_at_ms` is epoch milliseconds
    by the store's clock; an expired document is never returned and does not block an insert.
    """

    id: str
    body: bytes
    fields: Mapping[str, FieldValue] = {}
    rev: int = 0
    expires_at_ms: int | None = None


class Op(enum.Enum):
    """A comparison of an index field with a value."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    """The value is a sequence of scalars."""
    PREFIX = "prefix"
    MATCHES = "matches"
    """The value is a pattern in which each `*` stands for any characters, also none."""
    CONTAINS = "contains"
    """Case-insensitive substring, on the SEARCH field only."""


class Condition(msgspec.Struct, frozen=True):
    """`field op value`. A field that is unset (None) meets only EQ None and NE something."""

    field: str
    op: Op
    value: Any


class All(msgspec.Struct, frozen=True):
    """Every part holds; empty: always."""

    parts: tuple["Where", ...] = ()


class AnyOf(msgspec.Struct, frozen=True):
    """At least one part holds; empty: never."""

    parts: tuple["Where", ...] = ()


Where: TypeAlias = Condition | All | AnyOf
EVERYTHING = All()


class Order(msgspec.Struct, frozen=True):
    """Order by a scalar index field; ties are broken by id in the same direction."""

    field: str
    descending: bool = False


class Query(msgspec.Struct, frozen=True):
    """What to find. `after` is the cursor of a previous page (keyset); `offset` skips rows
    instead.
    """

    where: Where = EVERYTHING
    order: tuple[Order, ...] = ()
    limit: int = 100
    offset: int = 0
    after: str | None = None


class Page(msgspec.Struct, frozen=True):
    """Found documents and the cursor of the next page; None when there is no more."""

    documents: Sequence[Document]
    cursor: str | None = None


class Documents(Protocol):
    """A store of documents. All methods raise StoreUnavailable when the store cannot answer.

    Reads see every write that was acknowledged before they began, by whatever process.
    """

    async def insert(
        self, collection: Collection, documents: Sequence[Document], sync: Sync = Sync.LATER
    ) -> frozenset[str]:
        """Insert those whose id is free; return the ids that existed already and were left
        alone.
        """
        ...

    async def get(self, collection: Collection, ids: Sequence[str]) -> Mapping[str, Document]:
        """The documents among `ids` that exist, by id."""
        ...

    async def replace(
        self, collection: Collection, documents: Sequence[Document], sync: Sync = Sync.LATER
    ) -> frozenset[str]:
        """Replace each whose stored revision equals `rev`; return the ids that conflicted or are
        gone.
        """
        ...

    async def delete(
        self, collection: Collection, ids: Sequence[str], sync: Sync = Sync.LATER
    ) -> int:
        """Delete those that exist; return how many did."""
        ...

    async def find(self, collection: Collection, query: Query) -> Page:
        """The documents that meet the query. A document with several matching list elements comes
        once.
        """
        ...

    async def count(self, collection: Collection, where: Where = EVERYTHING) -> int:
        """How many documents meet the condition."""
        ...

    async def increment(
        self,
        collection: Collection,
        deltas: Mapping[str, Mapping[str, int]],
        sync: Sync = Sync.LATER,
    ) -> None:
        """Add to the named integer index fields of each id; create what is missing, starting at 0.

        A document created here has the body `{}`; fields that are not named keep their values.
        """
        ...

    async def claim(
        self,
        collection: Collection,
        query: Query,
        lease_ms: int,
        token: str,
        sync: Sync = Sync.LATER,
    ) -> Sequence[Document]:
        """Take up to `query.limit` documents that nobody holds and hold them until now + lease_ms.

        No document is ever held by two tokens at once. A claim raises `rev` by one. Store's clock.
        """
        ...

    async def renew(
        self, collection: Collection, ids: Sequence[str], lease_ms: int, token: str
    ) -> frozenset[str]:
        """Extend leases that `token` still holds; return the ids that it holds no longer."""
        ...

    async def sync(self) -> None:
        """Return when everything written before is on disk."""
        ...

    async def now_ms(self) -> int:
        """The store's clock, epoch milliseconds."""
        ...

    async def prepare(self, collections: Sequence[Collection]) -> None:
        """Create what the collections need (tables, indexes). Safe to call again."""
        ...

    async def problems(self) -> Sequence[str]:
        """What keeps the store from being ready, in sentences for an operator; empty if nothing."""
        ...

    async def close(self) -> None:
        """Flush and release everything."""
        ...
