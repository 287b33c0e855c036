"""Every sentence of the port to the document store, on every adapter."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from hookline_common.documents import (
    All,
    Collection,
    Condition,
    Document,
    Documents,
    Field,
    FieldKind,
    Op,
    Order,
    Query,
)
from hookline_common.eventlog import Sync
from tests.contract.things import ids, thing

Prepare = Callable[[Collection], Awaitable[Collection]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

# --- insert, get, replace, delete -----------------------------------------------------------------


async def test_a_document_comes_back_as_it_was_inserted(
    documents: Documents, things: Collection
) -> None:
    whole = Document(
        "a",
        b'{"x": 1}',
        {"name": "n", "size": 7, "tags": ("t", "u")},
        expires_at_ms=4_000_000_000_000,
    )
    assert await documents.insert(things, [whole]) == frozenset()
    found = (await documents.get(things, ["a"]))["a"]
    assert (found.id, found.body, found.rev) == ("a", b'{"x": 1}', 1)
    assert found.expires_at_ms == 4_000_000_000_000
    assert {name: found.fields.get(name) for name in ("name", "size", "tags")} == whole.fields


@pytest.mark.parametrize(
    "value",
    [
        {"$set": {"a.b": 1}, "": None, "$": ["."]},
        {"big": 123456789012345678901234567890, "small": -(2**63), "float": 1.5e300},
        json.loads("[" * 300 + "]" * 300),
        {"text": "nul \u0000, line\u2028, emoji \U0001f600, e\u0301"},
    ],
    ids=["operators as keys", "large numbers", "deep nesting", "odd text"],
)
async def test_any_json_survives_byte_for_byte(
    documents: Documents, things: Collection, value: object
) -> None:
    body = json.dumps(value, indent=1, ensure_ascii=False).encode()
    await documents.insert(things, [Document("a", body)])
    assert (await documents.get(things, ["a"]))["a"].body == body


async def test_a_large_document_survives(documents: Documents, things: Collection) -> None:
    """Over 8 MiB an adapter may have to split it (C4)."""
    body = json.dumps({"x": "y" * (9 * 1024 * 1024)}).encode()
    await documents.insert(things, [Document("a", body, {"name": "large"})])
    assert (await documents.get(things, ["a"]))["a"].body == body
    assert await documents.replace(things, [Document("a", body + b" ", {}, rev=1)]) == frozenset()
    assert (await documents.get(things, ["a"]))["a"].body == body + b" "


async def test_insert_tells_which_ids_existed_and_leaves_them_alone(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing("a", name="old"), thing("b", name="old")])
    existed = await documents.insert(
        things, [thing("b", name="new"), thing("c", name="new"), thing("a", name="new")]
    )
    assert existed == {"a", "b"}
    found = await documents.get(things, ["a", "b", "c"])
    assert {id_: one.fields["name"] for id_, one in found.items()} == {
        "a": "old", "b": "old", "c": "new",
    }  # fmt: skip
    assert found["a"].rev == 1


async def test_of_two_documents_with_one_id_in_a_batch_the_first_goes_in(
    documents: Documents, things: Collection
) -> None:
    existed = await documents.insert(things, [thing("a", name="first"), thing("a", name="second")])
    assert existed == {"a"}
    assert (await documents.get(things, ["a"]))["a"].fields["name"] == "first"


async def test_of_many_that_insert_one_id_exactly_one_succeeds(
    documents: Documents, things: Collection
) -> None:
    async with asyncio.TaskGroup() as tasks:
        tries = [
            tasks.create_task(documents.insert(things, [thing("a", size=n)])) for n in range(30)
        ]
    assert [one.result() for one in tries].count(frozenset()) == 1


async def test_get_gives_only_what_exists(documents: Documents, things: Collection) -> None:
    await documents.insert(things, [thing("a"), thing("b")])
    assert set(await documents.get(things, ["a", "x", "b"])) == {"a", "b"}
    assert dict(await documents.get(things, [])) == {}


async def test_batches_of_hundreds_work(documents: Documents, things: Collection) -> None:
    batch = [thing(f"id-{number:04}", size=number) for number in range(700)]
    assert await documents.insert(things, batch) == frozenset()
    changed = [Document(one.id, b"[]", one.fields, rev=1) for one in batch]
    assert await documents.replace(things, changed) == frozenset()
    found = await documents.get(things, [one.id for one in batch])
    assert len(found) == 700
    assert {one.body for one in found.values()} == {b"[]"}
    assert await documents.delete(things, [one.id for one in batch]) == 700


async def test_replace_raises_the_revision_and_tells_conflicts(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing("a", name="1"), thing("b", name="1")])
    assert await documents.replace(things, [Document("a", b"[2]", {"name": "2"}, rev=1)]) == set()
    conflicts = await documents.replace(
        things,
        [
            Document("a", b"[3]", {"name": "3"}, rev=1),
            Document("b", b"[3]", {"size": 3}, rev=1),
            Document("gone", b"[3]", {}, rev=1),
        ],
    )
    assert conflicts == {"a", "gone"}
    found = await documents.get(things, ["a", "b", "gone"])
    assert (found["a"].rev, found["a"].body, dict(found["a"].fields)) == (2, b"[2]", {"name": "2"})
    assert (found["b"].rev, found["b"].body, dict(found["b"].fields)) == (2, b"[3]", {"size": 3})
    assert "gone" not in found


async def test_of_many_that_replace_one_revision_exactly_one_succeeds(
    documents: Documents, things: Collection
) -> None:
    """The accident: two engines save one execution, and a step is lost (invariant 4)."""
    await documents.insert(things, [thing("a")])
    async with asyncio.TaskGroup() as tasks:
        tries = [
            tasks.create_task(documents.replace(things, [Document("a", b"%d" % n, {}, rev=1)]))
            for n in range(30)
        ]
    assert [one.result() for one in tries].count(frozenset()) == 1
    assert (await documents.get(things, ["a"]))["a"].rev == 2


async def test_a_replaced_document_is_found_by_its_new_fields_only(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing("a", name="old", tags=("x", "y"))])
    changed = Document("a", b"{}", {"name": "new", "tags": ("y", "z")}, rev=1)
    await documents.replace(things, [changed])
    for tag, expected in (("x", []), ("y", ["a"]), ("z", ["a"])):
        assert await ids(documents, things, Condition("tags", Op.EQ, tag)) == expected
    assert await ids(documents, things, Condition("name", Op.EQ, "old")) == []


async def test_delete_tells_how_many_there_were(documents: Documents, things: Collection) -> None:
    await documents.insert(things, [thing("a", tags=("t",)), thing("b", tags=("t",))])
    assert await documents.delete(things, ["a", "x"], Sync.NOW) == 1
    assert await documents.delete(things, ["a"]) == 0
    assert await ids(documents, things, Condition("tags", Op.EQ, "t")) == ["b"]


# --- find -----------------------------------------------------------------------------------------


# --- increment ------------------------------------------------------------------------------------


async def test_increment_adds_and_creates(documents: Documents, prepare: Prepare) -> None:
    counts = await prepare(
        Collection(
            "counts", (Field("a", FieldKind.INTEGER), Field("b", FieldKind.INTEGER), Field("n"))
        )
    )
    await documents.insert(counts, [Document("old", b"[1]", {"a": 5, "n": "kept"})])
    await documents.increment(counts, {"old": {"a": 2, "b": 1}, "new": {"b": -3}})
    await documents.increment(counts, {"new": {"b": 1}})
    found = await documents.get(counts, ["old", "new"])
    assert (found["old"].body, dict(found["old"].fields)) == (b"[1]", {"a": 7, "b": 1, "n": "kept"})
    assert (found["new"].body, dict(found["new"].fields)) == (b"{}", {"b": -2})
    assert await documents.count(counts, Condition("a", Op.GE, 7)) == 1


async def test_no_increment_is_lost(documents: Documents, prepare: Prepare) -> None:
    counts = await prepare(Collection("counts", (Field("a", FieldKind.INTEGER),)))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(40):
            tasks.create_task(documents.increment(counts, {"x": {"a": 1}, "y": {"a": 2}}))
    found = await documents.get(counts, ["x", "y"])
    assert (found["x"].fields["a"], found["y"].fields["a"]) == (40, 80)


# --- leases ---------------------------------------------------------------------------------------


async def test_a_claim_takes_what_nobody_holds_in_order(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing(f"{n}", name="q", size=9 - n) for n in range(5)])
    query = Query(Condition("name", Op.EQ, "q"), (Order("size"),), limit=2)
    first = await documents.claim(things, query, 60_000, "one")
    second = await documents.claim(things, query, 60_000, "two")
    third = await documents.claim(things, query, 60_000, "three")
    assert [[one.id for one in taken] for taken in (first, second, third)] == [
        ["4", "3"], ["2", "1"], ["0"],
    ]  # fmt: skip
    assert list(await documents.claim(things, query, 60_000, "four")) == []
    assert {one.rev for one in (*first, *second, *third)} == {2}
    assert (await documents.get(things, ["4"]))["4"].rev == 2


async def test_no_document_is_held_by_two_tokens(documents: Documents, things: Collection) -> None:
    await documents.insert(things, [thing(f"{n}") for n in range(30)])
    async with asyncio.TaskGroup() as tasks:
        claims = [
            tasks.create_task(documents.claim(things, Query(limit=4), 60_000, f"token-{n}"))
            for n in range(12)
        ]
    taken = [one.id for claim in claims for one in claim.result()]
    assert len(taken) == len(set(taken))


async def test_an_expired_lease_is_free_and_its_holder_cannot_renew_it(
    documents: Documents, things: Collection, until: Until
) -> None:
    await documents.insert(things, [thing("a")])
    assert len(await documents.claim(things, Query(), 30, "slow")) == 1

    async def taken() -> bool:
        return len(await documents.claim(things, Query(), 60_000, "fast")) == 1

    await until(taken)
    assert await documents.renew(things, ["a"], 60_000, "slow") == {"a"}
    assert await documents.renew(things, ["a", "gone"], 60_000, "fast") == {"gone"}


async def test_a_renewed_lease_holds_longer(documents: Documents, things: Collection) -> None:
    await documents.insert(things, [thing("a")])
    await documents.claim(things, Query(), 2_000, "holder")
    started = await documents.now_ms()
    while await documents.now_ms() < started + 2_500:
        assert await documents.renew(things, ["a"], 2_000, "holder") == set()
        assert list(await documents.claim(things, Query(), 1, "other")) == []
        await asyncio.sleep(0.1)


async def test_a_lease_renewed_for_no_time_is_free_at_once(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing("a")])
    await documents.claim(things, Query(limit=1), 60_000, "one")
    assert not await documents.claim(things, Query(limit=1), 60_000, "two")
    assert await documents.renew(things, ["a"], 0, "one") == frozenset()
    assert await documents.claim(things, Query(limit=1), 60_000, "two")


# --- expiry ---------------------------------------------------------------------------------------


async def test_an_expired_document_is_never_returned(
    documents: Documents, things: Collection
) -> None:
    """Whether or not something has removed it yet (C2)."""
    now = await documents.now_ms()
    gone = Document("gone", b"{}", {"name": "n", "tags": ("t",)}, expires_at_ms=now - 1)
    kept = Document("kept", b"{}", {"name": "n", "tags": ("t",)}, expires_at_ms=now + 600_000)
    await documents.insert(things, [gone, kept])
    assert set(await documents.get(things, ["gone", "kept"])) == {"kept"}
    for where in (All(), Condition("name", Op.EQ, "n"), Condition("tags", Op.EQ, "t")):
        assert await ids(documents, things, where) == ["kept"]
        assert await documents.count(things, where) == 1
    assert [one.id for one in await documents.claim(things, Query(), 1000, "t")] == ["kept"]
    assert await documents.replace(things, [Document("gone", b"[]", {}, rev=1)]) == {"gone"}
    assert await documents.delete(things, ["gone"]) == 0


async def test_an_expired_document_does_not_block_an_insert(
    documents: Documents, things: Collection
) -> None:
    now = await documents.now_ms()
    old = Document("a", b"{}", {"name": "old", "tags": ("old",)}, expires_at_ms=now - 1)
    await documents.insert(things, [old])
    new = Document("a", b"[1]", {"size": 1, "tags": ("new",)})
    assert await documents.insert(things, [new]) == frozenset()
    found = (await documents.get(things, ["a"]))["a"]
    assert (found.rev, found.body, dict(found.fields)) == (1, b"[1]", {"size": 1, "tags": ("new",)})
    assert await ids(documents, things, Condition("tags", Op.EQ, "old")) == []


async def test_increment_of_an_expired_document_starts_at_zero(
    documents: Documents, things: Collection
) -> None:
    now = await documents.now_ms()
    await documents.insert(things, [Document("a", b"{}", {"size": 5}, expires_at_ms=now - 1)])
    await documents.increment(things, {"a": {"size": 1}})
    assert (await documents.get(things, ["a"]))["a"].fields["size"] == 1


async def test_replace_sets_and_clears_the_expiry(documents: Documents, things: Collection) -> None:
    now = await documents.now_ms()
    await documents.insert(things, [thing("a")])
    later = now + 600_000
    await documents.replace(things, [Document("a", b"{}", {}, rev=1, expires_at_ms=later)])
    assert (await documents.get(things, ["a"]))["a"].expires_at_ms == later
    await documents.replace(things, [Document("a", b"{}", {}, rev=2)])
    assert (await documents.get(things, ["a"]))["a"].expires_at_ms is None
    await documents.replace(things, [Document("a", b"{}", {}, rev=3, expires_at_ms=now - 1)])
    assert dict(await documents.get(things, ["a"])) == {}


# --- the rest -------------------------------------------------------------------------------------


async def test_preparing_again_keeps_what_is_there_and_adds_fields(
    documents: Documents, things: Collection
) -> None:
    """The accident: yesterday's data does not open with today's catalogue."""
    await documents.insert(things, [thing("old", name="n")])
    grown = Collection(
        things.name,
        (*things.fields, Field("colour"), Field("labels", FieldKind.LIST)),
        (*things.indexes, ("colour",)),
    )
    await documents.prepare([grown])
    await documents.prepare([grown])
    await documents.insert(grown, [thing("new", colour="red", labels=("x",))])
    assert await ids(documents, grown, Condition("colour", Op.EQ, None)) == ["old"]
    assert await ids(documents, grown, Condition("colour", Op.EQ, "red")) == ["new"]
    assert await ids(documents, grown, Condition("labels", Op.EQ, "x")) == ["new"]
    assert await ids(documents, grown, Condition("name", Op.EQ, "n")) == ["old"]


async def test_the_clock_goes_forward(documents: Documents) -> None:
    assert await documents.now_ms() <= await documents.now_ms()


async def test_sync_returns_and_a_healthy_store_has_no_problems(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing("a")])
    await documents.sync()
    assert list(await documents.problems()) == []


async def test_closing_twice_is_closing_once(documents: Documents) -> None:
    await documents.close()
    await documents.close()
