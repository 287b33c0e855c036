"""The paths of specs/engine.md 3.4: steps, filters, functions, what is no path."""

from typing import Any

import pytest

from hookline_common.jsonpath import ANY, MISSING, PathSyntaxError, compile_path

DOCUMENT: dict[str, Any] = {
    "a": {"b": [1, 2, 3], "c": "text", "empty": None, "o": {"k": 1, "m": None}},
    "a b": 5,
    "content-type": "x",
    "under_score": 6,
    "items": [
        {"id": 1, "price": 2.5, "tags": ["new", "red"], "name": "Ball"},
        {"id": 2, "price": 7, "name": "bat"},
        {"id": "3", "name": "it's", "nested": {"id": 4}},
    ],
    "words": ["p", "q"],
    "mixed": [1, "x", True, 4],
    "none": [],
    "limit": 3,
}

DEFINITE = [
    ("a.b", [1, 2, 3]),
    ("$.a.b", [1, 2, 3]),
    ("$['a']['b']", [1, 2, 3]),
    ("['a'].b", [1, 2, 3]),
    ("$.['a'].b", [1, 2, 3]),
    ('$["a b"]', 5),
    ("content-type", "x"),
    ("under_score", 6),
    ("a.b[0]", 1),
    ("a.b[-1]", 3),
    ("a.b[ 1 ]", 2),
    ("a.empty", None),
    ("items[2].name", "it's"),
    ("a['b','c']", {"b": [1, 2, 3], "c": "text"}),
    ("a['c','absent']", {"c": "text"}),
]
NOWHERE = ["absent", "a.absent.more", "a.b[3]", "a.b[-4]", "a.c.length", "a.c[0]", "a[0]", "a.b.x"]
INDEFINITE = [
    ("items[*].id", [1, 2, "3"]),
    ("a.b[*]", [1, 2, 3]),
    ("a.o.*", [1, None]),
    ("a.b[1:]", [2, 3]),
    ("a.b[:-1]", [1, 2]),
    ("a.b[-2:]", [2, 3]),
    ("a.b[0,2,9]", [1, 3]),
    ("a['b','o'].k", [1]),
    ("$..id", [1, 2, "3", 4]),
    ("items..id", [1, 2, "3", 4]),
    ("$..b[0]", [1]),
    ("$..['k']", [1]),
    ("a.o..*", [1, None]),
    ("absent[*]", []),
    ("a.c[*]", []),
    ("absent..x", []),
]
FILTERS = [
    ("@.id == 1", [1]),
    ("@.id == '1'", [1]),
    ("@.id == 3", ["3"]),
    ("1 == @.id", [1]),
    ("@.name == 'it\\'s'", ["3"]),
    ("@['name'] == \"bat\"", [2]),
    ("@.id != 1", [2, "3"]),
    ("@.price > 2.5", [2]),
    ("@.price >= 2.5", [1, 2]),
    ("@.price < 7", [1]),
    ("@.price <= 7", [1, 2]),
    ("@.name > 'a'", [2, "3"]),
    ("@.price > '1'", []),
    ("@.tags", [1]),
    ("!@.tags", [2, "3"]),
    ("!(@.tags)", [2, "3"]),
    ("@.nested.id", ["3"]),
    ("@..id", [1, 2, "3"]),
    ("@..absent", []),
    ("@.id == 1 || @.id == 2", [1, 2]),
    ("@.price && @.tags", [1]),
    ("@.id == 1 || @.price == 7 && @.tags", [1]),
    ("(@.id == 1 || @.price == 7) && @.tags", [1]),
    ("@.id in [1, '3']", [1, "3"]),
    ("@.id nin [1, '3']", [2]),
    ("@.id IN [2]", [2]),
    ("'red' in @.tags", [1]),
    ("@.tags contains 'red'", [1]),
    ("@.name contains 'at'", [2]),
    ("@.tags size 2", [1]),
    ("@.tags empty false", [1]),
    ("@.tags subsetof ['new','red','blue']", [1]),
    ("@.tags anyof ['red']", [1]),
    ("@.tags noneof ['red']", []),
    ("@.name =~ /b.*/", [2]),
    ("@.name =~ /b.*/i", [1, 2]),
    ("@.name =~ /at/", []),
    ("@.id =~ /[12]/", [1, 2]),
    ("@.id < $.limit", [1, 2]),
    ("@.id == $.items[1].id", [2]),
    ("@.tags.length() == 2", [1]),
    ("@.id == null", []),
    ('@.nested == {"id": 4}', ["3"]),
    ("@.absent == @.absent", []),
]
FUNCTIONS = [
    ("a.b.length()", 3),
    ("a.length()", 4),
    ("$.length()", len(DOCUMENT)),
    ("a.b.sum()", 6.0),
    ("a.b.min()", 1.0),
    ("a.b.max()", 3.0),
    ("a.b.avg()", 2.0),
    ("a.b.stddev()", pytest.approx(0.81649658)),
    ("mixed.sum()", 5.0),
    ("a.b.sum(4, $.limit)", 13.0),
    ("$.sum($.a.b, 1)", 7.0),
    ("a.o.keys()", ["k", "m"]),
    ("words.concat()", "pq"),
    ("words.concat('-', $.a.c, 3)", "pq-text3"),
    ("words.first()", "p"),
    ("words.last()", "q"),
    ("words.index(1)", "q"),
    ("words.index(-2)", "p"),
    ("words.append('z')", ["p", "q", "z"]),
    ("words.append($.a.o)", ["p", "q", {"k": 1, "m": None}]),
    ("items.first().name", "Ball"),
]
NOTHING_FROM_FUNCTION = [
    "a.c.length()",
    "none.sum()",
    "words.avg()",
    "none.first()",
    "words.index(2)",
    "words.keys()",
    "items[*].price.sum()",
    "items[?(@.price)].price.max()",
]
NO_PATHS = [
    ("", 0),
    ("a.", 2),
    ("a..", 3),
    ("a...b", 3),
    ("$x", 1),
    (" a", 0),
    ("a b", 1),
    ("a[", 2),
    ("a[x]", 2),
    ("a[1", 3),
    ("a['b", 2),
    ("a['b',1]", 6),
    ("a[?(@.x]", 7),
    ("a[?(@.x ~ 3)]", 8),
    ("a[?(@.x like 'y')]", 8),
    ("a[?(@.x =~ /(/)]", 11),
    ("a[?(@.x =~ /a/q)]", 15),
    ("a[?('x')]", 7),
    ("a[?(@.x == )]", 11),
    ("a.foo()", 2),
    ("a.sum(1", 7),
    ("a[?]", 2),
    ("a[?(" + "(" * 100 + "@.x" + ")" * 100 + ")]", None),
    ("a[99999999999999999999]", 2),
]


@pytest.mark.parametrize(("path", "expected"), DEFINITE)
def test_a_definite_path_gives_the_value(path: str, expected: Any) -> None:
    compiled = compile_path(path)
    assert compiled.definite
    assert compiled.read(DOCUMENT) == expected


@pytest.mark.parametrize("path", NOWHERE)
def test_a_definite_path_that_leads_nowhere_gives_missing(path: str) -> None:
    assert compile_path(path).read(DOCUMENT) is MISSING


@pytest.mark.parametrize(("path", "expected"), INDEFINITE)
def test_an_indefinite_path_always_gives_a_list(path: str, expected: Any) -> None:
    compiled = compile_path(path)
    assert not compiled.definite
    assert compiled.read(DOCUMENT) == expected


@pytest.mark.parametrize(("condition", "ids"), FILTERS)
def test_a_filter_keeps_the_elements_that_meet_it(condition: str, ids: list[Any]) -> None:
    assert [item["id"] for item in compile_path(f"items[?({condition})]").read(DOCUMENT)] == ids


def test_a_filter_on_an_object_takes_or_leaves_the_object() -> None:
    assert compile_path("a.o[?(@.k == 1)]").read(DOCUMENT) == [{"k": 1, "m": None}]
    assert compile_path("a.o[?(@.k == 2)]").read(DOCUMENT) == []


def test_a_filter_after_a_descent_sees_every_object_once() -> None:
    found = compile_path("$..[?(@.id)].id").read(DOCUMENT)
    assert found == [1, 2, "3", 4]


def test_a_filter_works_on_scalars() -> None:
    assert compile_path("a.b[?(@ > 1)]").read(DOCUMENT) == [2, 3]
    assert compile_path("mixed[?(@ == true)]").read(DOCUMENT) == [True]


@pytest.mark.parametrize(("path", "expected"), FUNCTIONS)
def test_functions(path: str, expected: Any) -> None:
    assert compile_path(path).read(DOCUMENT) == expected


@pytest.mark.parametrize("path", NOTHING_FROM_FUNCTION)
def test_a_function_without_a_result_gives_missing(path: str) -> None:
    assert compile_path(path).read(DOCUMENT) is MISSING


def test_length_after_a_wildcard_is_an_empty_list() -> None:
    assert compile_path("items[*].length()").read(DOCUMENT) == []


def test_numeric_functions_give_doubles() -> None:
    assert isinstance(compile_path("a.b.sum()").read(DOCUMENT), float)


def test_append_leaves_the_document_as_it_was() -> None:
    """Conductor changes the stored output (engine.md D47)."""
    document = {"list": [1]}
    assert compile_path("list.append(2)").read(document) == [1, 2]
    assert document == {"list": [1]}


@pytest.mark.parametrize(("text", "position"), NO_PATHS)
def test_what_is_no_path_is_refused_with_its_place(text: str, position: int | None) -> None:
    with pytest.raises(PathSyntaxError) as raised:
        compile_path(text)
    if position is not None:
        assert raised.value.position == position


@pytest.mark.parametrize(
    ("path", "reads"),
    [
        ("workflow.input.x", {("workflow", "input")}),
        (
            "task['output'].x[?(@.y == $.workflow.variables.z)]",
            {
                ("task", "output"),
                ("workflow", "variables"),
            },
        ),
        ("task", {("task", ANY)}),
        ("task[0]", {("task", ANY)}),
        ("$..x", {(ANY, "x")}),
        ("a.output.list.concat($.b.output.c)", {("a", "output"), ("b", "output")}),
        ("a.output[*].price.sum()", {("a", "output")}),
    ],
)
def test_a_path_says_what_it_reads(path: str, reads: set[tuple[str, str]]) -> None:
    assert compile_path(path).reads == reads


def test_a_path_that_would_visit_too_much_finds_nothing() -> None:
    wide: Any = [[0] * 100] * 100
    assert compile_path("$..*..*..*..*").read(wide) == []


def test_a_very_deep_document_is_read_without_recursion() -> None:
    deep: Any = {"x": 1}
    for _ in range(5000):
        deep = {"in": deep}
    assert compile_path("$..x").read(deep) == [1]
