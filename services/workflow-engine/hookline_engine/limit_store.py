"""The collections of limits: how each stands, changed by compare-and-set, and who waits for it."""

import asyncio
import random
from collections.abc import Callable, Sequence

import msgspec

from hookline_common.collections import LIMIT_WAITERS, LIMITS
from hookline_common.documents import Condition, Document, Documents, Op, Order, Query
from hookline_common.errors import StoreUnavailable
from hookline_engine.key_locks import KeyLocks
from hookline_engine.limit_standing import Standing

_ATTEMPTS = 30
_LONGEST_JITTER_SECONDS = 0.2

Change = Callable[[Standing], Standing]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Standing)


class Waiter(msgspec.Struct, frozen=True):
    """Who waits under a limit: by rank, then in the order of `since`. `body` is its owner's."""

    id: str
    limit_id: str
    rank: int
    since: int
    body: bytes


class LimitStore:
    """One document per limit: several engines share it, and none believes its own memory."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._locks = KeyLocks()

    async def standing(self, limit_id: str) -> Standing:
        """How the limit stands now."""
        return (await self._read(limit_id))[0]

    async def change(self, limit_id: str, change: Change) -> Standing:
        """Apply `change`, which is called again for each try, and return what it made."""
        async with self._locks.held(limit_id):
            for failures in range(_ATTEMPTS):
                before, rev = await self._read(limit_id)
                after = change(before)
                if after == before:
                    return after
                document = Document(limit_id, _encoder.encode(after), {}, rev)
                write = self._documents.replace if rev else self._documents.insert
                if not await write(LIMITS, [document]):
                    return after
                await asyncio.sleep(
                    random.uniform(0, min(_LONGEST_JITTER_SECONDS, 0.002 * 2**failures))  # noqa: S311 - spreads writers, no secret
                )
        raise StoreUnavailable(f"limit {limit_id} is being changed by others all the time")

    async def _read(self, limit_id: str) -> tuple[Standing, int]:
        found = (await self._documents.get(LIMITS, [limit_id])).get(limit_id)
        return (_decoder.decode(found.body), found.rev) if found else (Standing(), 0)

    # --- who waits ---

    async def wait(self, waiters: Sequence[Waiter]) -> None:
        """Put them in line, unless they stand there already."""
        await self._documents.insert(
            LIMIT_WAITERS,
            [
                Document(
                    one.id,
                    one.body,
                    {"limit_id": one.limit_id, "rank": one.rank, "since": one.since},
                )
                for one in waiters
            ],
        )

    async def first(self, limit_id: str, count: int) -> Sequence[Waiter]:
        """The first in line."""
        where = Condition("limit_id", Op.EQ, limit_id)
        query = Query(where, (Order("rank"), Order("since")), limit=count)
        page = await self._documents.find(LIMIT_WAITERS, query)
        return [_waiter(document) for document in page.documents]

    async def leave(self, ids: Sequence[str]) -> None:
        """Take them out of the line."""
        if ids:
            await self._documents.delete(LIMIT_WAITERS, ids)

    async def waited_for(self, prefix: str) -> Sequence[str]:
        """The limits with this prefix that somebody waits for, each found by one look-up."""
        found: list[str] = []
        after = prefix
        while True:
            where = Condition("limit_id", Op.GT, after)
            page = await self._documents.find(
                LIMIT_WAITERS, Query(where, (Order("limit_id"),), limit=1)
            )
            if not page.documents:
                return found
            after = str(page.documents[0].fields["limit_id"])
            if not after.startswith(prefix):
                return found
            found.append(after)


def _waiter(document: Document) -> Waiter:
    fields = document.fields
    return Waiter(
        document.id,
        str(fields["limit_id"]),
        int(str(fields["rank"])),
        int(str(fields["since"])),
        document.body,
    )
