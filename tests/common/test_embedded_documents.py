"""What the embedded store reads in the event loop: only what an index leads to."""

from pathlib import Path

import pytest

from hookline_common import collections
from hookline_common.adapters.embedded.connections import open_writer
from hookline_common.adapters.embedded.finding import Plan, is_quick
from hookline_common.adapters.embedded.tables import Table
from hookline_common.documents import All, Collection, Condition, Op, Order, Query
from hookline_common.errors import Misconfigured

QUICK = {
    "waiters of an event's keys": (
        collections.WAITERS,
        Query(All((Condition("keys", Op.IN, ["a", "b"]), Condition("state", Op.EQ, "open")))),
    ),
    "waiters of one key, in pages": (
        collections.WAITERS,
        Query(Condition("keys", Op.EQ, "a"), after="WyJ4Il0="),
    ),
    "due timers": (
        collections.EXECUTIONS,
        Query(Condition("wake_at", Op.LE, 5), (Order("wake_at"),)),
    ),
    "executions by status, newest first": (
        collections.EXECUTIONS,
        Query(Condition("status", Op.EQ, "RUNNING"), (Order("start_time", descending=True),)),
    ),
    "newest events": (
        collections.WEBHOOK_EVENTS,
        Query(order=(Order("received_at", descending=True),)),
    ),
    "events of a webhook within a time": (
        collections.WEBHOOK_EVENTS,
        Query(
            All(
                (
                    Condition("webhook_id", Op.EQ, "w"),
                    Condition("received_at", Op.GE, 1),
                    Condition("received_at", Op.LT, 9),
                )
            ),
            (Order("received_at"),),
        ),
    ),
    "everything by id": (collections.TASK_DEFS, Query()),
}

SLOW = {
    "search": Query(Condition("search", Op.CONTAINS, "x")),
    "an order without index": Query(order=(Order("priority"),)),
    "a filter beside the index": Query(
        All((Condition("status", Op.EQ, "x"), Condition("created_by", Op.EQ, "x"))),
        (Order("start_time"),),
    ),
    "an offset": Query(offset=10),
    "an alternative": Query(Condition("status", Op.NE, "x")),
    "a sort of all that match": Query(Condition("status", Op.EQ, "x")),
}


@pytest.mark.parametrize(("collection", "query"), QUICK.values(), ids=QUICK.keys())
def test_a_quick_query_neither_scans_nor_sorts(
    tmp_path: Path, collection: Collection, query: Query
) -> None:
    """The accident: one page of history stops the gateway for as long as a scan takes."""
    table = Table(collection)
    assert is_quick(table, query)
    connection = open_writer(tmp_path / "h.db")
    table.create(connection)
    sql, values = Plan(table, query, 0).statement()
    steps = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql, values)]
    connection.close()
    scans = [one for one in steps if one.startswith("SCAN") and "USING" not in one]
    assert [one for one in scans if "json_each" not in one] == []
    assert [one for one in steps if "TEMP B-TREE FOR ORDER BY" in one] == []


def test_the_few_of_one_key_are_read_at_once(tmp_path: Path) -> None:
    """They are sorted by id, but nothing else is read for it."""
    table = Table(collections.BODIES)
    query = Query(Condition("workflow_id", Op.EQ, "w"))
    assert is_quick(table, query)
    connection = open_writer(tmp_path / "h.db")
    table.create(connection)
    sql, values = Plan(table, query, 0).statement()
    steps = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql, values)]
    connection.close()
    assert "USING INDEX doc_bodies_by_workflow_id" in steps[0]


@pytest.mark.parametrize("query", SLOW.values(), ids=SLOW.keys())
def test_whatever_may_scan_is_not_quick(query: Query) -> None:
    assert not is_quick(Table(collections.EXECUTIONS), query)


def test_an_unknown_field_is_a_clear_error() -> None:
    table = Table(collections.EXECUTIONS)
    with pytest.raises(Misconfigured, match="no index field 'nonsense'"):
        Plan(table, Query(Condition("nonsense", Op.EQ, "x")), 0)


@pytest.mark.parametrize("name", ["", "x; DROP TABLE y", "Upper", "a-b", "x" * 80])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured):
        Table(Collection(name))
