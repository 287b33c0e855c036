"""Removes bodies and pages that no head names: a save that lost, or a crash, left them behind (G1);
others have been replaced by newer ones, such as the output of a loop after each round.

Whoever writes a head has written its bodies before. So what is young may still come to be named;
what is older than an hour is looked at once, in the order of its creation. A writer that was frozen
in between can name nothing that was removed: a head that has been saved since refuses it, one that
has not is saved again here first, and a new head is not written that late (execution_store.py).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import BODIES, EXECUTIONS, SWEEPS, TASK_PAGES
from hookline_common.documents import (
    All,
    Collection,
    Condition,
    Document,
    Documents,
    Op,
    Order,
    Query,
)
from hookline_common.ids import random_id

KEPT_MS = 3_600_000
LEASE_MS = 300_000
"""An engine that sweeps and ends leaves the rest to another after this."""

_CLOCKS_APART_MS = 60_000
_PAGE = 100
_REST = 10
"""Times as long as a page took nothing is done, so that a sweep takes a tenth of one core."""

_BY_AGE = (Order("created_at"),)


class _Progress(msgspec.Struct, frozen=True, rename="camel"):
    swept_until: int = 0


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Progress)


class Orphans:
    """One engine at a time sweeps; it goes on where the last one ended."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    async def sweep(self) -> int:
        """Delete the orphans of more than an hour; returns how many there were."""
        # Pages first: what an orphaned page names is no less an orphan.
        return await self._sweep(TASK_PAGES) + await self._sweep(BODIES)

    async def _sweep(self, collection: Collection) -> int:
        token = random_id()
        turn = await self._turn(collection, token)
        until = self._clock.now_ms() - KEPT_MS
        deleted = 0
        cursor: str | None = None
        while turn is not None:
            begun = time.monotonic()
            since = _decoder.decode(turn.body).swept_until
            page = await self._documents.find(collection, _aged(since, until, cursor))
            orphans = await self._orphans(collection, page.documents)
            deleted += await self._documents.delete(collection, orphans)
            cursor = page.cursor
            turn = await self._advanced(turn, page.documents if cursor else (), until)
            if cursor is None:
                await self._documents.renew(SWEEPS, [collection.name], 0, token)
                return deleted
            await asyncio.sleep((time.monotonic() - begun) * _REST)
        return deleted

    # --- whose turn it is ---

    async def _turn(self, collection: Collection, token: str) -> Document | None:
        """The progress so far, held for some minutes; None while another engine holds it."""
        fresh = Document(collection.name, _encode(_Progress()), {"name": collection.name})
        await self._documents.insert(SWEEPS, [fresh])
        mine = Query(Condition("name", Op.EQ, collection.name), limit=1)
        held = await self._documents.claim(SWEEPS, mine, LEASE_MS, token)
        return held[0] if held else None

    async def _advanced(
        self, turn: Document, page: Sequence[Document], until: int
    ) -> Document | None:
        """The progress after a page, saved; None if another engine has taken over."""
        at = int(str(page[-1].fields["created_at"])) if page else until
        after = msgspec.structs.replace(turn, body=_encode(_Progress(at)))
        if await self._documents.replace(SWEEPS, [after]):
            return None
        return msgspec.structs.replace(after, rev=turn.rev + 1)

    # --- what is an orphan ---

    async def _orphans(self, collection: Collection, aged: Sequence[Document]) -> list[str]:
        owners = sorted({_owner(one) for one in aged})
        heads = await self._documents.get(EXECUTIONS, owners)
        suspects = [one for one in aged if not _is_kept(one, heads.get(_owner(one)))]
        if collection is BODIES:
            suspects = await self._named_by_no_page(suspects, heads)
        return [one.id for one in await self._beyond_reach(suspects, heads)]

    async def _named_by_no_page(
        self, suspects: Sequence[Document], heads: Mapping[str, Document]
    ) -> list[Document]:
        """A long execution names the bodies of its finished tasks in pages."""
        pages: dict[str, Sequence[bytes]] = {}
        for owner in {_owner(one) for one in suspects} & heads.keys():
            if b'"pages":' in heads[owner].body:
                pages[owner] = await self._pages_of(owner)
        return [
            one
            for one in suspects
            if not any(one.id.encode() in page for page in pages.get(_owner(one), ()))
        ]

    async def _pages_of(self, workflow_id: str) -> Sequence[bytes]:
        found: list[bytes] = []
        query = Query(Condition("workflow_id", Op.EQ, workflow_id), limit=_PAGE)
        while True:
            page = await self._documents.find(TASK_PAGES, query)
            found += [one.body for one in page.documents]
            if page.cursor is None:
                return found
            query = msgspec.structs.replace(query, after=page.cursor)

    async def _beyond_reach(
        self, suspects: Sequence[Document], heads: Mapping[str, Document]
    ) -> list[Document]:
        """Those that no writer can come to name any more: a head that has not been saved since is
        saved as it is, so that a writer which read it before loses. And nobody is about to read
        them: where a head is just changing, they stay, as a small waste.
        """
        just_now = self._clock.now_ms() - _CLOCKS_APART_MS
        untouched = {
            owner: head
            for one in suspects
            if (head := heads.get(owner := _owner(one))) is not None
            and _saved(head) <= _created(one) + _CLOCKS_APART_MS
        }
        # A head that somebody else has saved first, perhaps that very writer, is changing too.
        changing = {owner for owner, head in heads.items() if _saved(head) > just_now}
        changing |= await self._documents.replace(EXECUTIONS, list(untouched.values()))
        return [one for one in suspects if _owner(one) not in changing]


def _aged(since: int, until: int, cursor: str | None) -> Query:
    # Also those of the very millisecond up to which was swept: there may be more of them.
    where = All((Condition("created_at", Op.GE, since), Condition("created_at", Op.LE, until)))
    return Query(where, _BY_AGE, limit=_PAGE, after=cursor)


def _owner(part: Document) -> str:
    return str(part.fields["workflow_id"])


def _created(part: Document) -> int:
    return int(str(part.fields["created_at"]))


def _saved(head: Document) -> int:
    return int(str(head.fields["update_time"]))


def _is_kept(part: Document, head: Document | None) -> bool:
    """Whether the head names it anywhere: in a line, in its outbox, as its input or output.

    Two are kept for what is under way in the log: a sub-workflow's input, which the command to
    start it names, and its output, which the report to its parent names.
    """
    if head is None:
        return False
    kind = part.id.split(":")[-2]
    if kind == "child" or (kind == "out" and head.fields.get("parent_workflow_id") is not None):
        return True
    return part.id.encode() in head.body
