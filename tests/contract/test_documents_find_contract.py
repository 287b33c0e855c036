"""Conditions, orders and pages of the port to the document store, on every adapter."""

from collections.abc import Sequence

import pytest

from hookline_common.documents import (
    All,
    AnyOf,
    Collection,
    Condition,
    Documents,
    Op,
    Order,
    Query,
    Where,
)
from hookline_common.errors import BadRequest
from tests.contract.things import ids, thing

SAMPLE = [
    thing("a", name="apple", size=3, tags=("red", "round")),
    thing("b", name="Banana", size=5, tags=("yellow",)),
    thing("c", name="apricot", size=1),
    thing("d", size=5, tags=("red", "yellow")),
    thing("e", name="äpfel_%", size=-2, tags=()),
    thing("f"),
]


def condition(field: str, op: Op, value: object) -> Where:
    return Condition(field, op, value)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (All(), "abcdef"),
        (AnyOf(), ""),
        (condition("name", Op.EQ, "apple"), "a"),
        (condition("name", Op.EQ, None), "df"),
        (condition("name", Op.NE, "apple"), "bcdef"),
        (condition("name", Op.NE, None), "abce"),
        (condition("size", Op.EQ, 5), "bd"),
        (condition("size", Op.LT, 3), "ce"),
        (condition("size", Op.LE, 3), "ace"),
        (condition("size", Op.GT, 3), "bd"),
        (condition("size", Op.GE, 3), "abd"),
        (condition("name", Op.GT, "apple"), "ce"),
        (condition("size", Op.IN, [1, 5, 77]), "bcd"),
        (condition("name", Op.IN, ["apple", "äpfel_%"]), "ae"),
        (condition("name", Op.IN, []), ""),
        (condition("name", Op.IN, ["apple", None]), "a"),
        (condition("name", Op.PREFIX, "ap"), "ac"),
        (condition("name", Op.PREFIX, "äpfel_%"), "e"),
        (condition("name", Op.PREFIX, "a%"), ""),
        (condition("name", Op.PREFIX, ""), "abce"),
        (condition("name", Op.MATCHES, "*p*l*"), "ae"),
        (condition("name", Op.MATCHES, "a*e"), "a"),
        (condition("name", Op.MATCHES, "a*cot"), "c"),
        (condition("name", Op.MATCHES, "apple*pple"), ""),
        (condition("name", Op.MATCHES, "*ANANA"), ""),
        (condition("name", Op.MATCHES, "a.*"), ""),
        (condition("name", Op.MATCHES, "?????"), ""),
        (condition("name", Op.MATCHES, "*[_]%"), ""),
        (condition("name", Op.MATCHES, "*_%"), "e"),
        (condition("tags", Op.MATCHES, "*d"), "ad"),
        (condition("tags", Op.EQ, "red"), "ad"),
        (condition("tags", Op.EQ, None), "cef"),
        (condition("tags", Op.NE, None), "abd"),
        (condition("tags", Op.NE, "red"), "abcdef"),
        (condition("tags", Op.NE, "yellow"), "acdef"),
        (condition("tags", Op.IN, ["round", "yellow"]), "abd"),
        (condition("tags", Op.PREFIX, "r"), "ad"),
        (All((condition("size", Op.EQ, 5), condition("tags", Op.EQ, "red"))), "d"),
        (All((condition("tags", Op.EQ, "yellow"), condition("tags", Op.EQ, "red"))), "d"),
        (AnyOf((condition("name", Op.EQ, "apple"), condition("size", Op.LT, 0))), "ae"),
        (
            All((
                AnyOf((condition("tags", Op.EQ, "red"), condition("name", Op.EQ, "Banana"))),
                AnyOf((condition("size", Op.GT, 3), All((condition("size", Op.EQ, None),)))),
            )),
            "bd",
        ),
    ],
)  # fmt: skip
async def test_conditions(
    documents: Documents, things: Collection, where: Where, expected: str
) -> None:
    await documents.insert(things, SAMPLE)
    assert await ids(documents, things, where) == list(expected)
    assert await documents.count(things, where) == len(expected)


async def test_a_pattern_covers_lines_and_ends_with_the_value(
    documents: Documents, things: Collection
) -> None:
    texts = ("a[1]\nb", "a[1]\nb\n", "x\na[1]\nb", "a[1] b?", "a(b")
    await documents.insert(things, [thing(str(n), name=text) for n, text in enumerate(texts)])
    assert await ids(documents, things, Condition("name", Op.MATCHES, "a[1]*b")) == ["0"]
    assert await ids(documents, things, Condition("name", Op.MATCHES, "*b?")) == ["3"]
    assert await ids(documents, things, Condition("name", Op.MATCHES, "a(*")) == ["4"]


@pytest.mark.parametrize(
    ("needle", "expected"),
    [
        ("world", ["a"]),
        ("WORLD 100%", ["a"]),
        ("100_", []),
        ("straße", ["b"]),
        ("ÉCOLE", ["b"]),
        ("[a-z]*\\", ["c"]),
        ("", ["a", "b", "c"]),
        ("x" * 5000, []),
    ],
)
async def test_search_is_a_case_insensitive_substring(
    documents: Documents, things: Collection, needle: str, expected: list[str]
) -> None:
    await documents.insert(
        things,
        [
            thing("a", search="Hello World 100% sure"),
            thing("b", search="Straße zur école"),
            thing("c", search="a regex [a-z]*\\ (x|y)"),
            thing("d"),
        ],
    )
    assert await ids(documents, things, Condition("search", Op.CONTAINS, needle)) == expected


async def test_search_text_is_cut_at_four_kibibytes(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing("a", search="é" * 2047 + "END" + "TAIL")])
    assert await ids(documents, things, Condition("search", Op.CONTAINS, "éen")) == ["a"]
    assert await ids(documents, things, Condition("search", Op.CONTAINS, "tail")) == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((), "abcdef"),
        ((Order("size"),), "fecabd"),
        ((Order("size", descending=True),), "dbacef"),
        ((Order("name"), Order("size")), "fdbace"),
    ],
    ids=["by id", "ascending, unset first", "descending, unset last", "by two fields"],
)
async def test_order_is_by_fields_and_then_by_id(
    documents: Documents, things: Collection, order: Sequence[Order], expected: str
) -> None:
    await documents.insert(things, SAMPLE)
    assert await ids(documents, things, All(), order=tuple(order)) == list(expected)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", ["size", "name", None])
@pytest.mark.parametrize("where", [All(), Condition("tags", Op.EQ, "t")], ids=["all", "tagged"])
async def test_pages_follow_each_other_without_gap_or_repeat(
    documents: Documents, things: Collection, field: str | None, descending: bool, where: Where
) -> None:
    """With ties, unset values, and documents that come and go between the pages."""
    batch = [
        thing(
            f"id-{number:02}",
            tags=("t",),
            **({"size": number % 4} if number % 5 else {}),
            **({"name": f"n{number % 3}"} if number % 7 else {}),
        )
        for number in range(40)
    ]
    await documents.insert(things, batch)
    order = (Order(field, descending),) if field else ()
    whole = await ids(documents, things, where, order=order, limit=1000)
    assert len(whole) == 40
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await documents.find(things, Query(where, order, limit=7, after=cursor))
        seen += [one.id for one in page.documents]
        cursor = page.cursor
        if cursor is None:
            break
        await documents.delete(things, [seen[-1]])
    assert seen == whole


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_go_on_behind_integers_of_up_to_64_bits(
    documents: Documents, things: Collection, descending: bool
) -> None:
    """Drivers have classes of their own for those over 32 bits, which cursors must carry too."""
    edges = (2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63), 0)
    await documents.insert(things, [thing(f"{edge}", size=edge) for edge in edges])
    order = (Order("size", descending),)
    seen: list[str] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        page = await documents.find(things, Query(All(), order, limit=1, after=cursor))
        seen += [one.id for one in page.documents]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [str(edge) for edge in sorted(edges, reverse=descending)]


async def test_a_full_last_page_has_no_cursor(documents: Documents, things: Collection) -> None:
    await documents.insert(things, SAMPLE)
    page = await documents.find(things, Query(limit=6))
    assert len(page.documents) == 6
    assert page.cursor is None
    assert (await documents.find(things, Query(limit=5))).cursor is not None


async def test_a_cursor_that_was_never_given_is_refused(
    documents: Documents, things: Collection
) -> None:
    for cursor in ("nonsense", "", "e30=", "////"):
        with pytest.raises(BadRequest):
            await documents.find(things, Query(order=(Order("size"),), after=cursor))


async def test_offset_skips(documents: Documents, things: Collection) -> None:
    await documents.insert(things, SAMPLE)
    assert await ids(documents, things, All(), offset=2, limit=3) == ["c", "d", "e"]
    assert await ids(documents, things, All(), offset=5) == ["f"]
    assert await ids(documents, things, All(), offset=6) == []


async def test_a_document_with_several_matching_elements_comes_once(
    documents: Documents, things: Collection
) -> None:
    await documents.insert(things, [thing("a", tags=("x", "y", "z"))])
    where = Condition("tags", Op.IN, ["x", "y", "z"])
    assert await ids(documents, things, where) == ["a"]
    assert await documents.count(things, where) == 1


async def test_lookup_by_many_elements_finds_each(documents: Documents, things: Collection) -> None:
    await documents.insert(things, [thing(f"{n:03}", tags=(f"k{n}",)) for n in range(300)])
    where = Condition("tags", Op.IN, [f"k{n}" for n in range(0, 600, 2)])
    found = await ids(documents, things, where, limit=1000)
    assert found == [f"{n:03}" for n in range(0, 300, 2)]
