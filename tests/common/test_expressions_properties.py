"""Whatever the template and whatever the data: evaluation gives a value and changes nothing."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hookline_common.expressions import (
    MappingScope,
    evaluate,
    references,
    reveal,
    syntax_errors,
    unresolved,
)
from tests.common.jsons import containers, objects, values

_PIECES = [
    "${", "$${", "}", "{", "$", "a", ".", "b", "[0]", "[*]", "..", "workflow.secrets.", " ",
    "workflow.env.", "a.b", "${a}", "${a.b}", "x", "'", "[?(@.b)]", ".append($.c)",
]  # fmt: skip
template_texts = st.lists(st.sampled_from(_PIECES), max_size=10).map("".join)
templates = st.recursive(template_texts | values, containers, max_leaves=6)
scopes = st.fixed_dictionaries({"a": values, "c": values, "workflow": objects})


@given(templates, scopes)
def test_evaluation_never_fails_and_changes_neither_template_nor_data(
    template: Any, documents: dict[str, Any]
) -> None:
    before = copy.deepcopy((template, documents))
    scope = MappingScope(documents)
    first = evaluate(template, scope)
    assert first == evaluate(template, scope)
    reveal(first, template, {"x": "secret"}.get)
    unresolved(template, scope)
    syntax_errors(template, {"a"})
    assert (template, documents) == before


@given(templates, scopes)
def test_references_name_all_that_evaluation_looks_up(
    template: Any, documents: dict[str, Any]
) -> None:
    asked: set[str] = set()

    class Recording(MappingScope):
        def lookup(self, head: str) -> Any:
            asked.add(head)
            return super().lookup(head)

    evaluate(template, Recording(documents))
    named = {head for head, _ in references(template)}
    assert "*" in named or asked <= named


@given(values)
def test_data_is_never_evaluated(value: Any) -> None:
    scope = MappingScope({"a": {"b": value}})
    assert evaluate("${a.b}", scope) is value


@given(st.text(alphabet=st.characters(exclude_characters="$"), max_size=30))
def test_a_text_without_placeholders_stays_as_it_is(text: str) -> None:
    assert evaluate(text, MappingScope({})) == text
