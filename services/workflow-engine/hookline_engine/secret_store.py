"""Secrets that workflows name (`${workflow.secrets.NAME}`): kept sealed, opened on demand."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hookline_common.collections import SECRETS
from hookline_common.documents import Document, Documents
from hookline_common.eventlog import Sync
from hookline_common.seal_checks import SealedSecret, sealed_in_secret
from hookline_common.sealing import Sealer, workflow_secret_context
from hookline_engine.named_documents import all_documents, put_document


class SecretStore:
    """Reads are fresh: what was just put is what the next task gets."""

    def __init__(self, documents: Documents, sealer: Sealer) -> None:
        self._documents = documents
        self._sealer = sealer

    async def names(self) -> Sequence[str]:
        """The names, sorted; values stay where they are."""
        return sorted([document.id async for document in all_documents(self._documents, SECRETS)])

    async def exists(self, name: str) -> bool:
        """Whether there is such a secret."""
        return name in await self._documents.get(SECRETS, [name])

    async def value(self, name: str) -> str | None:
        """The value, or None; raises SealBroken."""
        return (await self.values([name]))[name]

    async def values(self, names: Iterable[str]) -> Mapping[str, str | None]:
        """The values, None where there is none; raises SealBroken."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        found = await self._documents.get(SECRETS, wanted)
        return {name: self._opened(found[name]) if name in found else None for name in wanted}

    def _opened(self, document: Document) -> str:
        sealed = sealed_in_secret(document)
        return self._sealer.open(sealed.text, sealed.context)

    async def put(self, name: str, value: str) -> None:
        """Create or replace it."""
        sealed = self._sealer.seal(value, workflow_secret_context(name))
        document = Document(name, msgspec.json.encode(SealedSecret(sealed)))
        await put_document(self._documents, SECRETS, name, lambda _: document)

    async def delete(self, name: str) -> None:
        """Remove it; one that is not there is fine."""
        await self._documents.delete(SECRETS, [name], Sync.NOW)
