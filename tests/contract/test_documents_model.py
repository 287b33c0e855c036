"""The embedded store against a dictionary: any sequence of calls gives the same answers."""

import asyncio
import re
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline_common.adapters.embedded.documents import EmbeddedDocuments
from hookline_common.adapters.embedded.file import EmbeddedFile
from hookline_common.documents import (
    All,
    AnyOf,
    Condition,
    Document,
    Op,
    Order,
    Query,
    Where,
)
from tests.common.embedded_disks import HandClock
from tests.contract.things import THINGS

IDS = st.sampled_from(["a", "b", "c", "d", "ä%_", "A"])
NAMES = st.sampled_from(["x", "xy", "X", "é", "z%", ""])
PATTERNS = st.text("xyXé?[z%*", max_size=4)
SIZES = st.integers(-3, 3)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "size": SIZES,
        "tags": st.lists(NAMES, max_size=3, unique=True).map(tuple),
        "search": NAMES,
    },
)
EXPIRIES = st.one_of(st.none(), st.integers(-5, 20))
SCALAR_OPS = st.sampled_from([Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE])
CONDITIONS = st.one_of(
    st.builds(Condition, st.just("name"), SCALAR_OPS, NAMES),
    st.builds(Condition, st.just("size"), SCALAR_OPS, SIZES),
    st.builds(Condition, st.just("tags"), SCALAR_OPS, NAMES),
    st.builds(
        Condition,
        st.sampled_from(["name", "size", "tags"]),
        st.sampled_from([Op.EQ, Op.NE]),
        st.none(),
    ),
    st.builds(Condition, st.sampled_from(["name", "tags"]), st.just(Op.IN), st.lists(NAMES)),
    st.builds(Condition, st.sampled_from(["name", "tags"]), st.just(Op.PREFIX), NAMES),
    st.builds(Condition, st.sampled_from(["name", "tags"]), st.just(Op.MATCHES), PATTERNS),
    st.builds(Condition, st.just("search"), st.just(Op.CONTAINS), NAMES),
)
WHERES: st.SearchStrategy[Where] = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
    ),
    max_leaves=4,
)
ORDERS = st.one_of(
    st.just(()),
    st.builds(Order, st.sampled_from(["name", "size"]), st.booleans()).map(lambda one: (one,)),
)
CALLS = st.one_of(
    st.tuples(st.just("insert"), st.lists(st.tuples(IDS, FIELDS, EXPIRIES), max_size=4)),
    st.tuples(
        st.just("replace"),
        st.lists(st.tuples(IDS, st.integers(1, 4), FIELDS, EXPIRIES), max_size=4),
    ),
    st.tuples(st.just("delete"), st.lists(IDS, max_size=3)),
    st.tuples(st.just("increment"), st.dictionaries(IDS, SIZES, max_size=3)),
    st.tuples(st.just("claim"), WHERES, ORDERS, st.integers(1, 3), st.sampled_from("xyz")),
    st.tuples(st.just("renew"), st.lists(IDS, max_size=3, unique=True), st.sampled_from("xyz")),
    st.tuples(st.just("find"), WHERES, ORDERS, st.integers(1, 4)),
    st.tuples(st.just("tick"), st.integers(0, 12)),
    st.tuples(st.just("tidy")),
    st.tuples(st.just("reopen")),
)
LEASE_MS = 5


class Stored(msgspec.Struct):
    document: Document
    lease_until: int = 0
    token: str = ""


def compare(op: Op, value: object, wanted: object) -> bool:
    """One set scalar against the condition's value."""
    match op:
        case Op.EQ:
            return value == wanted
        case Op.NE:
            return value != wanted
        case Op.IN:
            return value in wanted  # pyright: ignore
        case Op.PREFIX:
            return value.startswith(wanted)  # pyright: ignore
        case Op.MATCHES:
            parts = (re.escape(part) for part in str(wanted).split("*"))
            return re.fullmatch(".*".join(parts), str(value), re.DOTALL) is not None
        case Op.CONTAINS:
            return wanted.casefold() in value.casefold()  # pyright: ignore
        case Op.LT:
            return value < wanted  # pyright: ignore
        case Op.LE:
            return value <= wanted  # pyright: ignore
        case Op.GT:
            return value > wanted  # pyright: ignore
        case Op.GE:
            return value >= wanted  # pyright: ignore


def meets(document: Document, where: Where) -> bool:
    match where:
        case All(parts=parts):
            return all(meets(document, part) for part in parts)
        case AnyOf(parts=parts):
            return any(meets(document, part) for part in parts)
        case Condition(field=field, op=op, value=wanted):
            value = document.fields.get(field)
            if value is None or value == ():
                return (op is Op.EQ and wanted is None) or (op is Op.NE and wanted is not None)
            if wanted is None:
                return op is Op.NE
            if isinstance(value, tuple):
                return any(compare(op, one, wanted) for one in value)
            return compare(op, value, wanted)


class Model:
    """What the port promises, on a dictionary."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.stored: dict[str, Stored] = {}

    def live(self) -> dict[str, Stored]:
        now = self.clock.now
        return {
            id_: one
            for id_, one in self.stored.items()
            if one.document.expires_at_ms is None or one.document.expires_at_ms > now
        }

    def insert(self, documents: list[Document]) -> set[str]:
        existed: set[str] = set()
        seen: set[str] = set()
        for one in documents:
            if one.id in seen or one.id in self.live():
                existed.add(one.id)
            else:
                self.stored[one.id] = Stored(msgspec.structs.replace(one, rev=1))
            seen.add(one.id)
        return existed

    def replace(self, documents: list[Document]) -> set[str]:
        conflicts: set[str] = set()
        seen: set[str] = set()
        for one in documents:
            held = self.live().get(one.id)
            if one.id in seen or held is None or held.document.rev != one.rev:
                conflicts.add(one.id)
            else:
                held.document = msgspec.structs.replace(one, rev=one.rev + 1)
            seen.add(one.id)
        return conflicts

    def find(self, where: Where, order: tuple[Order, ...]) -> list[Stored]:
        found = [one for one in self.live().values() if meets(one.document, where)]
        descending = bool(order) and order[0].descending

        def rank(one: Stored) -> tuple[object, ...]:
            value = one.document.fields.get(order[0].field) if order else None
            return (value is not None, value if value is not None else 0, one.document.id)

        return sorted(found, key=rank, reverse=descending)  # pyright: ignore


def shown(document: Document) -> tuple[object, ...]:
    """What two documents are compared by; an empty list is an unset one."""
    fields = {k: v for k, v in document.fields.items() if v != () and k != "search"}
    return (document.id, document.body, fields, document.rev, document.expires_at_ms)


class Run:
    """One store and one model, given the same calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = HandClock()
        self.model = Model(self.clock)
        self.calls = 0

    async def open(self) -> None:
        self.file = EmbeddedFile(self.path, self.clock, 2)
        self.store = EmbeddedDocuments(self.file)
        await self.store.prepare([THINGS])

    async def close(self) -> None:
        await self.store.close()
        await self.file.close()

    def document(
        self, id_: str, fields: dict[str, object], expiry: int | None, rev: int = 0
    ) -> Document:
        self.calls += 1
        at = None if expiry is None else self.clock.now + expiry
        return Document(id_, b"[%d]" % self.calls, fields, rev, at)  # pyright: ignore

    async def insert(self, rows: list[tuple]) -> None:  # pyright: ignore
        documents = [self.document(id_, fields, expiry) for id_, fields, expiry in rows]
        assert await self.store.insert(THINGS, documents) == self.model.insert(documents)

    async def replace(self, rows: list[tuple]) -> None:  # pyright: ignore
        documents = [self.document(id_, fields, at, rev) for id_, rev, fields, at in rows]
        assert await self.store.replace(THINGS, documents) == self.model.replace(documents)

    async def delete(self, ids: list[str]) -> None:
        expected = len(self.model.live().keys() & set(ids))
        assert await self.store.delete(THINGS, ids) == expected
        for id_ in set(ids):
            self.model.stored.pop(id_, None)

    async def increment(self, deltas: dict[str, int]) -> None:
        await self.store.increment(THINGS, {id_: {"size": by} for id_, by in deltas.items()})
        live = self.model.live()
        for id_, by in deltas.items():
            held = live.get(id_)
            if held is None:
                self.model.stored[id_] = Stored(Document(id_, b"{}", {"size": by}, 1))
                continue
            size = held.document.fields.get("size") or 0
            fields = {**held.document.fields, "size": size + by}  # pyright: ignore
            held.document = msgspec.structs.replace(
                held.document, fields=fields, rev=held.document.rev + 1
            )

    async def claim(self, where: Where, order: tuple[Order, ...], limit: int, token: str) -> None:
        taken = await self.store.claim(THINGS, Query(where, order, limit), LEASE_MS, token)
        now = self.clock.now
        free = [one for one in self.model.find(where, order) if one.lease_until <= now][:limit]
        for one in free:
            one.document = msgspec.structs.replace(one.document, rev=one.document.rev + 1)
            one.lease_until, one.token = now + LEASE_MS, token
        assert [shown(one) for one in taken] == [shown(one.document) for one in free]

    async def renew(self, ids: list[str], token: str) -> None:
        lost = await self.store.renew(THINGS, ids, LEASE_MS, token)
        now = self.clock.now
        held = {
            id_
            for id_, one in self.model.live().items()
            if id_ in ids and one.token == token and one.lease_until > now
        }
        for id_ in held:
            self.model.stored[id_].lease_until = now + LEASE_MS
        assert lost == set(ids) - held

    async def find(self, where: Where, order: tuple[Order, ...], limit: int) -> None:
        expected = [shown(one.document) for one in self.model.find(where, order)]
        found: list[Document] = []
        cursor: str | None = None
        while cursor is not None or not found:
            page = await self.store.find(THINGS, Query(where, order, limit, after=cursor))
            found += page.documents
            cursor = page.cursor
            if cursor is None:
                break
        assert [shown(one) for one in found] == expected
        assert await self.store.count(THINGS, where) == len(expected)

    async def tick(self, milliseconds: int) -> None:
        self.clock.now += milliseconds

    async def tidy(self) -> None:
        await self.file.tidy()

    async def reopen(self) -> None:
        await self.close()
        await self.open()

    async def check(self) -> None:
        found = await self.store.get(THINGS, ["a", "b", "c", "d", "ä%_", "A"])
        expected = {id_: shown(one.document) for id_, one in self.model.live().items()}
        assert {id_: shown(one) for id_, one in found.items()} == expected


async def play(calls: list[tuple]) -> None:  # pyright: ignore
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "h.db")
        await run.open()
        try:
            for name, *arguments in calls:
                await getattr(run, name)(*arguments)
                await run.check()
        finally:
            await run.close()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CALLS, max_size=25))
def test_the_store_answers_as_the_model_does(calls: list[tuple]) -> None:  # pyright: ignore
    asyncio.run(play(calls))
