"""The `${…}` language: the tables of specs/engine.md section 3; its D3, D7, D15 and D47."""

from typing import Any

import pytest

from hookline_common.expressions import (
    KEEP,
    MappingScope,
    TemplateTooDeep,
    evaluate,
    has_placeholder,
    is_placeholder,
    references,
    reveal,
    syntax_errors,
    unresolved,
)

DOCUMENTS: dict[str, Any] = {
    "workflow": {
        "input": {
            "name": "Ada",
            "count": 3,
            "ratio": 1.5,
            "yes": True,
            "nothing": None,
            "list": [1, "two", None],
            "map": {"a": 1, "b": "x"},
            "sneaky": "${workflow.input.name}",
            "escaped": "$${x}",
            "ref": "task_a",
            "i": 1,
            "field": "name",
            "secretive": "${workflow.secrets.token}",
            "breakout": "a} ${workflow.secrets.token",
        },
        "workflowId": "w-1",
        "env": {"REGION": "eu", "SETTINGS": '{"size": {"x": 2}}', "BROKEN": "{"},
    },
    "task_a": {"output": {"items": [{"id": 7}, {"id": 8}], "status": "ok"}, "taskId": "t-1"},
    "CPEWF_TASK_ID": "task-id-1",
}
SCOPE = MappingScope(DOCUMENTS)
SECRETS = {"token": "s3cret", "json": '{"user": {"name": "root"}}'}

WHOLE = [
    ("${workflow.input.name}", "Ada"),
    ("${workflow.input.count}", 3),
    ("${workflow.input.yes}", True),
    ("${workflow.input.nothing}", None),
    ("${workflow.input.list}", [1, "two", None]),
    ("${workflow.input.map}", {"a": 1, "b": "x"}),
    ("${workflow.input.absent}", None),
    ("${workflow.input.name.deeper}", None),
    ("${unknown.output.x}", None),
    ("${HOME}", None),
    ("${$.workflow.input.name}", "Ada"),
    ("${$['workflow']['input'].name}", "Ada"),
    ("${workflow['input']['name']}", "Ada"),
    ("${task_a.output.items[0].id}", 7),
    ("${task_a.output.items[-1].id}", 8),
    ("${task_a.output.items[5].id}", None),
    ("${task_a.output.items[*].id}", [7, 8]),
    ("${task_a.output.absent[*].id}", []),
    ("${task_a.output.items[?(@.id == 8)].id}", [8]),
    ("${task_a.output.items.length()}", 2),
    ("${task_a..id}", [7, 8]),
    ("${$..id}", [7, 8]),
    ("${task_a.output.items[?(@.id =~ /[0-9]{1}/)].id}", [7, 8]),
    ("${workflow.workflowId}", "w-1"),
    ("${CPEWF_TASK_ID}", "task-id-1"),
    ("${workflow.input.na me}", None),
    ("${ workflow.input.name }", None),
    ("${workflow.input.}", None),
    ("${}", ""),
    ("${ }", ""),
    ("${task_a.output.items[${workflow.input.i}].id}", 8),
    ("${workflow.input.${workflow.input.field}}", "Ada"),
    ("${${workflow.input.ref}.output.status}", "ok"),
    ("${workflow.input['${workflow.input.field}']}", "Ada"),
    ("${task_a.output.items[${workflow.input.absent}].id}", None),
    ("${workflow.input.sneaky}", "${workflow.input.name}"),
    ("${workflow.input.escaped}", "$${x}"),
    ("${workflow.env.REGION}", "eu"),
    ("${workflow.env.SETTINGS.size.x}", 2),
    ("${workflow.env.BROKEN.size}", None),
    ("${workflow.env.ABSENT}", None),
    ("${\nworkflow.input.name}", None),
]
PARTS = [
    ("Hello ${workflow.input.name}!", "Hello Ada!"),
    ("${workflow.input.name}${workflow.input.count}", "Ada3"),
    ("n=${workflow.input.count} r=${workflow.input.ratio}", "n=3 r=1.5"),
    ("y=${workflow.input.yes}", "y=true"),
    ("x=${workflow.input.nothing}", "x=null"),
    ("x=${workflow.input.absent}", "x=null"),
    ("x=${}", "x="),
    ("m=${workflow.input.map}", 'm={"a":1,"b":"x"}'),
    ("l=${workflow.input.list}", 'l=[1,"two",null]'),
    ("w=${task_a.output.items[*].id}", "w=[7,8]"),
    ("s=${workflow.input.sneaky}", "s=${workflow.input.name}"),
    ("e=${workflow.input.escaped}", "e=${x}"),
    ("r=${workflow.env.REGION}", "r=eu"),
    ("line\n${workflow.input.name}\n", "line\nAda\n"),
]
LITERAL = [
    ("plain", "plain"),
    ("$5 {x}", "$5 {x}"),
    ("${unbalanced", "${unbalanced"),
    ("a ${b ${workflow.input.name}", "a ${b Ada"),
    ("}${", "}${"),
    ("$${workflow.input.name}", "${workflow.input.name}"),
    ("a $${x} b ${workflow.input.name}", "a ${x} b Ada"),
    ("$${a ${workflow.input.name}}", "${a ${workflow.input.name}}"),
    ("$${open", "${open"),
]


@pytest.mark.parametrize(("template", "expected"), WHOLE)
def test_a_text_that_is_one_placeholder_becomes_the_value(template: str, expected: Any) -> None:
    assert evaluate(template, SCOPE) == expected


@pytest.mark.parametrize(("template", "expected"), PARTS)
def test_a_placeholder_inside_a_text_becomes_text(template: str, expected: str) -> None:
    assert evaluate(template, SCOPE) == expected


@pytest.mark.parametrize(("template", "expected"), LITERAL)
def test_what_is_no_placeholder_stays_literal(template: str, expected: str) -> None:
    assert evaluate(template, SCOPE) == expected


def test_values_of_maps_and_lists_are_evaluated_keys_and_other_types_are_not() -> None:
    template = {"${workflow.input.name}": ["${workflow.input.count}", 5, None, {"x": "${}"}]}
    assert evaluate(template, SCOPE) == {"${workflow.input.name}": [3, 5, None, {"x": ""}]}


def test_the_containers_of_a_template_are_never_handed_out() -> None:
    template: dict[str, Any] = {"a": {"b": []}}
    result = evaluate(template, SCOPE)
    result["a"]["b"].append(1)
    assert template == {"a": {"b": []}}


def test_a_head_can_keep_its_placeholders_as_they_are() -> None:
    """Types that are mapped without a task id leave `${CPEWF_TASK_ID}` literal."""
    scope = MappingScope({"CPEWF_TASK_ID": KEEP})
    assert evaluate("${CPEWF_TASK_ID}", scope) == "${CPEWF_TASK_ID}"
    assert evaluate("id ${CPEWF_TASK_ID}", scope) == "id ${CPEWF_TASK_ID}"


def test_only_the_documents_that_are_read_are_looked_up() -> None:
    asked: list[str] = []

    class Recording(MappingScope):
        def lookup(self, head: str) -> Any:
            asked.append(head)
            return super().lookup(head)

    evaluate("${task_a.output.status}", Recording(DOCUMENTS))
    assert asked == ["task_a"]


def test_hostile_templates_cost_no_more_than_their_length() -> None:
    for text in ("${" * 50_000, "${" * 50_000 + "}" * 50_000, "$${" * 50_000, "}" * 100_000):
        assert isinstance(evaluate(text, SCOPE), str | None)


def test_a_template_that_is_too_deep_is_refused() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    with pytest.raises(TemplateTooDeep):
        evaluate(deep, SCOPE)
    with pytest.raises(TemplateTooDeep):
        references([[deep, "${x}"]])
    assert syntax_errors(deep, ()) == [("", str(TemplateTooDeep()))]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${workflow.input.x}", {("workflow", "input")}),
        (
            {"a": ["t ${task_a.output.x} ${task_b.status}"]},
            {
                ("task_a", "output"),
                ("task_b", "status"),
            },
        ),
        ("${task_a}", {("task_a", "*")}),
        (
            "${task_a.output.items[${task_b.output.i}]}",
            {
                ("task_a", "output"),
                ("task_b", "output"),
            },
        ),
        ("${task_a.${workflow.input.x}}", {("task_a", "*"), ("workflow", "input")}),
        ("${${workflow.input.x}.output}", {("*", "*"), ("workflow", "input")}),
        ("${a.output.x.concat($.b.output.y)}", {("a", "output"), ("b", "output")}),
        ("${workflow.env.REGION}", {("workflow", "env")}),
        ("${workflow.secrets.token}", set()),
        ("$${task_a.output}", set()),
        ("${no path at all}", set()),
        ("plain", set()),
        (7, set()),
    ],
)
def test_a_template_says_what_it_reads(template: Any, expected: set[tuple[str, str]]) -> None:
    assert references(template) == expected


@pytest.mark.parametrize(
    "template",
    [
        "${workflow.input.x}",
        "${task_a.output.x[?(@.a == 'b')]}",
        "${task_a['output']}",
        "${CPEWF_TASK_ID}",
        "$${nonsense here}",
        "${unbalanced",
        "${task_a.output[${workflow.input.i}]}",
        "${${workflow.input.ref}.output}",
        5,
    ],
)
def test_good_expressions_pass_registration(template: Any) -> None:
    assert syntax_errors({"p": template}, {"task_a"}) == []


@pytest.mark.parametrize(
    ("template", "part"),
    [
        ("${task_b.output.x}", "'task_b' is neither"),
        ("${$.task_a.output}", "'$' is neither"),
        ("${}", "is empty"),
        ("${ task_a.output}", "at character"),
        ("${task_a.output.}", "expected a name"),
        ("${task_a.output[?(@.x]}", "at character"),
        ("${HOME}", "'HOME' is neither"),
        ("${task_a__1.output}", "'task_a__1' is neither"),
        ("x ${task_a.output[${task_b.i}]}", "'task_b' is neither"),
    ],
)
def test_bad_expressions_are_reported_with_their_place(template: str, part: str) -> None:
    ((pointer, message),) = syntax_errors({"a/b": [1, template]}, {"task_a"})
    assert pointer == "/a~1b/1"
    assert part in message


def test_placeholders_without_a_value_are_found_inside_texts_too() -> None:
    template = {"a": "x-${workflow.input.absent}", "b": "${workflow.input.nothing}", "c": "${}"}
    assert unresolved(template, SCOPE) == [
        ("/a", "${workflow.input.absent}"),
        ("/b", "${workflow.input.nothing}"),
    ]


def test_placeholders_are_recognised() -> None:
    assert is_placeholder("${a.b}")
    assert not is_placeholder("x${a.b}")
    assert not is_placeholder("$${a.b}")
    assert not is_placeholder(5)
    assert has_placeholder({"x": [{"y": "a ${b} c"}]})
    assert not has_placeholder({"${x}": "$${y}"})


def _revealed(template: Any) -> Any:
    return reveal(evaluate(template, SCOPE), template, SECRETS.get)


def test_secrets_stay_literal_until_they_are_revealed() -> None:
    template = {"auth": "Bearer ${workflow.secrets.token}", "who": "${workflow.input.name}"}
    stored = evaluate(template, SCOPE)
    assert stored == {"auth": "Bearer ${workflow.secrets.token}", "who": "Ada"}
    assert _revealed(template) == {"auth": "Bearer s3cret", "who": "Ada"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${workflow.secrets.token}", "s3cret"),
        ("${workflow.secrets.json.user.name}", "root"),
        ("${workflow.secrets.absent}", None),
        ("[${workflow.secrets.absent}]", "[]"),
        ("${workflow.secrets.token.path}", None),
        ("$${x} ${workflow.secrets.token}", "${x} s3cret"),
    ],
)
def test_secrets_are_put_in_by_name(template: str, expected: Any) -> None:
    assert _revealed(template) == expected


def test_data_that_names_a_secret_stays_text() -> None:
    """In Conductor a payload can have a secret put in by spelling its expression."""
    spelled = "${workflow.secrets.token}"
    assert _revealed({"x": "${workflow.input.secretive}"}) == {"x": spelled}
    assert _revealed({"x": "a ${workflow.input.secretive}"}) == {"x": f"a {spelled}"}
    mixed = "${workflow.secrets.token} ${workflow.input.secretive}"
    assert _revealed(mixed) == f"s3cret {spelled}"
    assert _revealed("x ${workflow.secrets.${workflow.input.breakout}}") == "x "
