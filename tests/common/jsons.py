"""Hypothesis strategies for JSON values, with the texts and numbers that cause trouble."""

from typing import Any

from hypothesis import strategies as st

tricky_texts = st.sampled_from(
    [
        "",
        "1",
        "1.0",
        "01",
        "true",
        "null",
        "a",
        "A",
        "a.b",
        "$",
        "${x}",
        "$${",
        "}",
        "=1",
        "~",
        "1:a",
    ]
)
texts = tricky_texts | st.text(max_size=6)
numbers = (
    st.integers(-5, 5)
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.0, -0.0, 1.0, 1e3, 1e22, 1e-7, 2**53, 2**53 + 1])
)
scalars = st.none() | st.booleans() | numbers | texts


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists and objects of `children`."""
    return st.lists(children, max_size=4) | st.dictionaries(texts, children, max_size=4)


values = st.recursive(scalars, containers, max_leaves=12)
objects = st.dictionaries(texts, values, max_size=4)
