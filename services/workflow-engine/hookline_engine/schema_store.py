"""The schema registry in the store: schemas by name and version (rest.md 2.10)."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import SCHEMAS
from hookline_common.documents import Condition, Document, Documents, Op, Order, Query
from hookline_common.errors import Conflict, NotFound
from hookline_common.eventlog import Sync
from hookline_engine.definitions.model import SchemaDef
from hookline_engine.named_documents import all_documents, put_document

_PAGE = 500
_ATTEMPTS = 10

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(SchemaDef)


class SchemaStore:
    """Reads are fresh: a schema that was just saved is what the next call sees."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def all(self, name: str | None = None) -> Sequence[SchemaDef]:
        """All versions of one schema, or of all; by name, then version ascending."""
        where = Query() if name is None else Query(_named(name))
        query = Query(where.where, (Order("name"), Order("version")), limit=_PAGE)
        found = all_documents(self._documents, SCHEMAS, query)
        return [_decoder.decode(document.body) async for document in found]

    async def latest(self, name: str) -> SchemaDef | None:
        """The highest version, or None."""
        query = Query(_named(name), (Order("version", descending=True),), limit=1)
        page = await self._documents.find(SCHEMAS, query)
        return _decoder.decode(page.documents[0].body) if page.documents else None

    async def found(self, keys: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], SchemaDef]:
        """Those of the named versions that exist."""
        ids = {_id(name, version): (name, version) for name, version in keys}
        if not ids:
            return {}
        found = await self._documents.get(SCHEMAS, list(ids))
        return {ids[key]: _decoder.decode(document.body) for key, document in found.items()}

    async def put(self, schema: SchemaDef) -> None:
        """Create or replace this version."""
        now = self._clock.now_ms()

        def replaced(before: Document | None) -> Document:
            return _document(_stamped(schema, before, now))

        name = _id(schema.name, schema.version)
        await put_document(self._documents, SCHEMAS, name, replaced)

    async def add_version(self, schema: SchemaDef) -> None:
        """Save it as the highest version and one; two at once get two versions."""
        for _ in range(_ATTEMPTS):
            newest = await self.latest(schema.name)
            version = newest.version + 1 if newest else 1
            new = msgspec.structs.replace(schema, version=version)
            document = _document(_stamped(new, None, self._clock.now_ms()))
            if not await self._documents.insert(SCHEMAS, [document], Sync.NOW):
                return
        message = f"Schema {schema.name} is being changed by others."
        raise Conflict(message, code="changed_meanwhile")

    async def delete(self, name: str, version: int | None = None) -> None:
        """Remove one version, or all; NotFound if there is none."""
        if version is not None:
            ids = [_id(name, version)]
        else:
            ids = [_id(name, one.version) for one in await self.all(name)]
        if not ids or not await self._documents.delete(SCHEMAS, ids, Sync.NOW):
            raise no_such_schema(name, version)


def no_such_schema(name: str, version: int | None = None) -> NotFound:
    """404 with what was asked for."""
    which = "" if version is None else f", version {version}"
    return NotFound(f"No such schema found by name: {name}{which}", code="schema_not_found")


def _stamped(schema: SchemaDef, before: Document | None, now: int) -> SchemaDef:
    if before is None:
        return msgspec.structs.replace(schema, create_time=now, update_time=0, updated_by=None)
    old = _decoder.decode(before.body)
    return msgspec.structs.replace(
        schema,
        create_time=old.create_time,
        update_time=now,
        created_by=old.created_by or schema.created_by,
        updated_by=schema.created_by,
    )


def _document(schema: SchemaDef) -> Document:
    fields = {"name": schema.name, "version": schema.version}
    return Document(_id(schema.name, schema.version), _encoder.encode(schema), fields)


def _id(name: str, version: int) -> str:
    return f"{name}:{version}"


def _named(name: str) -> Condition:
    return Condition("name", Op.EQ, name)
