"""A compiled path: what it reads, whether it is definite, and the reading itself."""

from functools import lru_cache
from typing import Any

from hookline_common.jsonpath.nodes import MISSING, OutOfBudget, Reading, is_array, is_object
from hookline_common.jsonpath.operands import ANY
from hookline_common.jsonpath.parsing import parse_path
from hookline_common.jsonpath.steps import is_definite, outcome

__all__ = ["ANY", "Path", "compile_path"]


class Path:
    """A compiled path; make one with compile_path.

    `definite`: leads to one value at most. `reads`: the first two names of the path and of every
    path from the root inside it, ANY in place of whatever is no name. `keys`: names and indexes,
    if the path consists of nothing else.
    """

    __slots__ = ("_steps", "definite", "keys", "reads", "text")

    def __init__(self, text: str) -> None:
        self._steps, self.reads = parse_path(text)
        self.text = text
        self.definite = is_definite(self._steps)
        keys = tuple(step.key for step in self._steps if step.key is not None)
        self.keys = keys if len(keys) == len(self._steps) else None

    def read(self, document: Any) -> Any:
        """The value in `document`, or MISSING; of an indefinite path the list of all values.

        Never raises. What is found is shared with the document, not copied. A path that would
        look at more than NODE_BUDGET nodes finds nothing.
        """
        if self.keys is not None:
            return _follow(document, self.keys)
        try:
            return outcome(self._steps, document, Reading(document))
        except OutOfBudget:
            return MISSING if self.definite else []


def _follow(node: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        if isinstance(key, str):
            if not is_object(node) or key not in node:
                return MISSING
            node = node[key]
        else:
            if not is_array(node) or not -len(node) <= key < len(node):
                return MISSING
            node = node[key]
    return node


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """The path that `text` says; raises PathSyntaxError."""
    return Path(text)
