"""Tags of definitions and secrets, and the rate limits kept beside them (rest.md 2.1, 2.9)."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from hookline_common.collections import TAGS
from hookline_common.documents import Condition, Document, Documents, Op, Query
from hookline_common.errors import BadRequest, Conflict
from hookline_common.eventlog import Sync

TagKind: TypeAlias = Literal["workflow", "task", "secret"]

_ATTEMPTS = 10
_PAGE = 500


class Tag(msgspec.Struct, frozen=True):
    """A tag; `value` comes back as it was sent, a number as a number."""

    key: str
    value: Any = None
    type: Literal["METADATA", "RATE_LIMIT"] = "METADATA"


_tags = msgspec.json.Decoder(list[Tag])


def parse_tags(values: Sequence[Any]) -> list[Tag]:
    """The tags in a request; raises BadRequest naming the one that is wrong."""
    tags: list[Tag] = []
    for index, value in enumerate(values):
        try:
            tags.append(msgspec.convert(value, Tag))
        except msgspec.ValidationError as error:
            message = f"A tag is {{key, value, type}}, type METADATA or RATE_LIMIT: {error}."
            raise BadRequest(message, code="invalid_tag", field=f"/{index}") from error
    return tags


class TagStore:
    """One document per tagged definition."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def tags(self, kind: TagKind, name: str) -> Sequence[Tag]:
        """The tags of a definition, in the order they were added."""
        document = await self._get(f"{kind}:{name}")
        return _tags.decode(document.body) if document else ()

    async def all_tags(self) -> Sequence[Tag]:
        """Every tag that any definition has, each once."""
        where = Condition("kind", Op.IN, ("workflow", "task"))
        query, found = Query(where, limit=_PAGE), dict[bytes, Tag]()
        while True:
            page = await self._documents.find(TAGS, query)
            for document in page.documents:
                found |= {msgspec.json.encode(tag): tag for tag in _tags.decode(document.body)}
            if page.cursor is None:
                return list(found.values())
            query = msgspec.structs.replace(query, after=page.cursor)

    async def add(self, kind: TagKind, name: str, tags: Sequence[Tag]) -> None:
        """Add those that are not there yet."""
        await self._change(kind, name, lambda old: [*old, *(tag for tag in tags if tag not in old)])

    async def put(self, kind: TagKind, name: str, tags: Sequence[Tag]) -> None:
        """Replace all."""
        await self._change(kind, name, lambda _: list(tags))

    async def remove(self, kind: TagKind, name: str, tags: Sequence[Tag]) -> None:
        """Remove those that are there."""
        await self._change(kind, name, lambda old: [tag for tag in old if tag not in tags])

    async def rate_limit(self, name: str, version: int | None) -> Any:
        """The rate-limit settings of a definition, or None."""
        document = await self._get(_limit_id(name, version))
        return msgspec.Raw(document.body) if document else None

    async def put_rate_limit(self, name: str, version: int | None, settings: Any) -> None:
        """Keep rate-limit settings; None removes them."""
        body = msgspec.json.encode(settings)
        await self._save(_limit_id(name, version), lambda _: None if settings is None else body)

    async def _get(self, document_id: str) -> Document | None:
        return (await self._documents.get(TAGS, [document_id])).get(document_id)

    async def _change(
        self, kind: TagKind, name: str, change: Callable[[Sequence[Tag]], list[Tag]]
    ) -> None:
        def changed(before: Document | None) -> bytes:
            return msgspec.json.encode(change(_tags.decode(before.body) if before else ()))

        await self._save(f"{kind}:{name}", changed)

    async def _save(
        self, document_id: str, change: Callable[[Document | None], bytes | None]
    ) -> None:
        for _ in range(_ATTEMPTS):
            before = await self._get(document_id)
            body = change(before)
            if body is None:
                await self._documents.delete(TAGS, [document_id], Sync.NOW)
                return
            kind = document_id.partition(":")[0]
            after = Document(document_id, body, {"kind": kind}, before.rev if before else 0)
            write = self._documents.replace if before else self._documents.insert
            if not await write(TAGS, [after], Sync.NOW):
                return
        raise Conflict("The tags are being changed by others.", code="changed_meanwhile")


def _limit_id(name: str, version: int | None) -> str:
    return f"limit:{name}:{'' if version is None else version}"
