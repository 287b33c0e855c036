"""A collection with a field of every kind, and documents of it."""

from hookline_common.documents import (
    Collection,
    Document,
    Documents,
    Field,
    FieldKind,
    Query,
    Where,
)

THINGS = Collection(
    "things",
    (
        Field("name"),
        Field("size", FieldKind.INTEGER),
        Field("tags", FieldKind.LIST),
        Field("search", FieldKind.SEARCH),
    ),
    (("name", "size"), ("size",)),
)


def thing(id_: str, **fields: object) -> Document:
    """A document with these index fields."""
    return Document(id_, b"{}", fields)  # pyright: ignore[reportArgumentType]


async def ids(store: Documents, things: Collection, where: Where, **query: object) -> list[str]:
    """The ids that a query finds, in its order."""
    page = await store.find(things, Query(where, **query))  # pyright: ignore[reportArgumentType]
    return [one.id for one in page.documents]
