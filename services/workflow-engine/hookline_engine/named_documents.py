"""Documents that are kept under a name of their own: read all, create or replace one."""

from collections.abc import AsyncIterator, Callable

import msgspec

from hookline_common.documents import Collection, Document, Documents, Query
from hookline_common.errors import Conflict
from hookline_common.eventlog import Sync

_PAGE = 500
_ATTEMPTS = 10
"""Tries of a compare-and-set before two writers of one document are told to stop."""


async def all_documents(
    documents: Documents, collection: Collection, query: Query | None = None
) -> AsyncIterator[Document]:
    """Everything that the query finds, page by page; by default the whole collection."""
    query = query or Query(limit=_PAGE)
    while True:
        page = await documents.find(collection, query)
        for document in page.documents:
            yield document
        if page.cursor is None:
            return
        query = msgspec.structs.replace(query, after=page.cursor)


async def put_document(
    documents: Documents,
    collection: Collection,
    document_id: str,
    change: Callable[[Document | None], Document],
) -> Document:
    """Insert or replace by compare-and-set; `change` is called again for each try."""
    for _ in range(_ATTEMPTS):
        before = (await documents.get(collection, [document_id])).get(document_id)
        after = change(before)
        if before is None:
            lost = await documents.insert(collection, [after], Sync.NOW)
        else:
            after = msgspec.structs.replace(after, rev=before.rev)
            lost = await documents.replace(collection, [after], Sync.NOW)
        if not lost:
            return after
    raise Conflict(f"{document_id} is being changed by others.", code="changed_meanwhile")
