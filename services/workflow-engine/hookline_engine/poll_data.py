"""Who polled for which tasks, and when: shown by the API, and what domains are chosen by."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import POLL_DATA
from hookline_common.documents import All, Condition, Document, Documents, Op, Order, Query
from hookline_common.ids import digest
from hookline_engine.bounded_cache import BoundedCache

ACTIVE_MS = 10_000
"""A domain is active while some worker polled it within this time (engine.md 2.14)."""

WRITE_EVERY_MS = 1_000
_PAGE = 1_000


class PollData(msgspec.Struct, frozen=True, rename="camel"):
    """The last poll of a task type in a domain, as the API shows it."""

    queue_name: str
    worker_id: str | None
    last_poll_time: int
    domain: str | None = None


class _Written(msgspec.Struct, frozen=True):
    at: int
    rev: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(PollData)


class Polls:
    """The collection POLL_DATA; a poller is written at most once a second."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._written: BoundedCache[str, _Written] = BoundedCache(10_000)

    async def record(self, task_type: str, domain: str | None, worker_id: str | None) -> None:
        """Note a poll, found something or not."""
        now = self._clock.now_ms()
        key = digest(task_type, domain or "")
        written = self._written.get(key)
        if written is not None and 0 <= now - written.at < WRITE_EVERY_MS:
            return
        # Noted before the write, so that polls that come meanwhile do not write too.
        self._written.put(key, _Written(now, written.rev if written else 0))
        data = PollData(task_type, worker_id, now, domain)
        fields = {"task_type": task_type, "domain": domain or "", "last_poll_at": now}
        document = Document(key, _encoder.encode(data), fields, written.rev if written else 0)
        self._written.put(key, _Written(now, await self._write(document)))

    async def _write(self, document: Document) -> int:
        """Write over whatever is there; returns the revision. A lost race is another's poll."""
        if document.rev and not await self._documents.replace(POLL_DATA, [document]):
            return document.rev + 1
        if not await self._documents.insert(POLL_DATA, [document]):
            return 1
        found = (await self._documents.get(POLL_DATA, [document.id])).get(document.id)
        if found is None:
            return 0
        newer = msgspec.structs.replace(document, rev=found.rev)
        lost = await self._documents.replace(POLL_DATA, [newer])
        return 0 if lost else found.rev + 1

    async def active_domains(self, task_types: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """The domains in which each type was polled lately."""
        since = self._clock.now_ms() - ACTIVE_MS
        domains: dict[str, set[str]] = {task_type: set() for task_type in task_types}
        where = All(
            (
                Condition("task_type", Op.IN, tuple(sorted(domains))),
                Condition("last_poll_at", Op.GE, since),
            )
        )
        page = await self._documents.find(POLL_DATA, Query(where, limit=_PAGE))
        for document in page.documents:
            domains[str(document.fields["task_type"])].add(str(document.fields["domain"]))
        return {task_type: frozenset(found) for task_type, found in domains.items()}

    async def of_type(self, task_type: str) -> Sequence[PollData]:
        """The polls of a task type, one per domain."""
        return await self._found(Query(Condition("task_type", Op.EQ, task_type), limit=_PAGE))

    async def everything(self) -> Sequence[PollData]:
        """The polls of all task types, the newest first, at most a thousand."""
        return await self._found(Query(order=(Order("last_poll_at", True),), limit=_PAGE))

    async def _found(self, query: Query) -> Sequence[PollData]:
        page = await self._documents.find(POLL_DATA, query)
        return [_decoder.decode(document.body) for document in page.documents]
