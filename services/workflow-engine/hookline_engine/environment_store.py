"""Values that workflows share and may show (`${workflow.env.NAME}`)."""

from collections.abc import Mapping

import msgspec

from hookline_common.collections import ENVIRONMENT
from hookline_common.documents import Document, Documents
from hookline_common.eventlog import Sync
from hookline_engine.named_documents import all_documents, put_document


class _Stored(msgspec.Struct, frozen=True):
    value: str


_decoder = msgspec.json.Decoder(_Stored)


class EnvironmentStore:
    """Reads are fresh."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def all(self) -> Mapping[str, str]:
        """All values by name, in the order of names."""
        found = {
            document.id: _decoder.decode(document.body).value
            async for document in all_documents(self._documents, ENVIRONMENT)
        }
        return dict(sorted(found.items()))

    async def value(self, name: str) -> str | None:
        """One value, or None."""
        document = (await self._documents.get(ENVIRONMENT, [name])).get(name)
        return _decoder.decode(document.body).value if document else None

    async def put(self, name: str, value: str) -> None:
        """Create or replace it."""
        document = Document(name, msgspec.json.encode(_Stored(value)))
        await put_document(self._documents, ENVIRONMENT, name, lambda _: document)

    async def delete(self, name: str) -> None:
        """Remove it; one that is not there is fine."""
        await self._documents.delete(ENVIRONMENT, [name], Sync.NOW)
