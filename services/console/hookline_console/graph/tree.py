"""The flow of a definition as a tree of blocks, each with its size; bad input becomes plain nodes.

An axis runs down through each block; `left` and `right` are its extents on both sides, in pixels.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

import msgspec

from hookline_console.pointers import escaped

NODE = (184, 48)
WAIT_NODE = (216, 88)
PILL_HEIGHT = 32
GAP = 40
"""Between two blocks of a sequence: room for an edge and its (+)."""
BRANCH_GAP = 24
BUS = 36
"""From a fork's or switch's node to its branches, and from them to where they meet."""
LOOP_PAD = 28
LABEL = 20
MOST_NESTING = 30
DEFAULT = "default"
"""The label of the branch that a switch takes where no case fits."""

Kind = Literal["done", "now", "fail", "idle", ""]
_LOOPS = ("DO_WHILE",)
_PILLS = ("FORK_JOIN", "FORK_JOIN_DYNAMIC", "JOIN", "EXCLUSIVE_JOIN")


class NodeState(msgspec.Struct, frozen=True):
    """How a task stands in an execution: the class of its drawing, a word such as a count, and for
    a switch the case that it took.
    """

    kind: Kind = ""
    note: str = ""
    case: str | None = None


class Branch(msgspec.Struct, frozen=True):
    """A list of tasks inside another: its words on the edge, its pointer, its flow."""

    label: str
    flow: "Flow"


class Block(msgspec.Struct, frozen=True):
    """A task, with the branches that it leads into."""

    task: Mapping[str, Any]
    pointer: str
    type: str
    branches: tuple[Branch, ...]
    width: float
    height: float
    left: float
    right: float
    bottom: float
    """From its top to where what follows continues, branches included."""

    @property
    def is_pill(self) -> bool:
        """Whether it is drawn as a small pill."""
        return self.type in _PILLS

    @property
    def is_loop(self) -> bool:
        """Whether its branch stands in a box of its own."""
        return self.type in _LOOPS

    @property
    def ends(self) -> bool:
        """Whether nothing comes after it."""
        return self.type == "TERMINATE"


class Flow(msgspec.Struct, frozen=True):
    """A list of tasks: its pointer, its blocks, and its size."""

    pointer: str
    blocks: tuple[Block, ...]
    left: float
    right: float
    height: float


def flow_of(tasks: Any, pointer: str, depth: int = 0) -> Flow:
    """The flow of a list of tasks."""
    listed = cast(Sequence[Any], tasks) if isinstance(tasks, list | tuple) else ()
    blocks = tuple(
        _block(_mapping(task), f"{pointer}/{number}", depth) for number, task in enumerate(listed)
    )
    least = NODE[0] / 2
    return Flow(
        pointer,
        blocks,
        left=max([least, *(block.left for block in blocks)]),
        right=max([least, *(block.right for block in blocks)]),
        height=sum(block.bottom for block in blocks) + GAP * (len(blocks) + 1),
    )


def every_block(flow: Flow) -> Iterator[Block]:
    """All blocks of a flow, those of its branches included."""
    for block in flow.blocks:
        yield block
        for branch in block.branches:
            yield from every_block(branch.flow)


def _block(task: Mapping[str, Any], pointer: str, depth: int) -> Block:
    kind = str(task.get("type") or "SIMPLE")
    branches = _branches(task, kind, pointer, depth) if depth < MOST_NESTING else ()
    width, height = _size(kind, task)
    if not branches:
        return Block(task, pointer, kind, (), width, height, width / 2, width / 2, height)
    if kind in _LOOPS:
        return _loop(task, pointer, kind, branches, width)
    span, left = spread([branch.flow for branch in branches])
    tallest = max(branch.flow.height for branch in branches)
    below = BUS if kind == "FORK_JOIN" else BUS + LABEL
    return Block(
        task, pointer, kind, branches, width, height,
        max(left, width / 2), max(span - left, width / 2), height + below + tallest,
    )  # fmt: skip


def spread(flows: Sequence[Flow]) -> tuple[float, float]:
    """The width of flows side by side, and how much of it lies left of the axis between them: the
    middle one's, or the middle of the outer two.
    """
    span = sum(flow.left + flow.right for flow in flows) + BRANCH_GAP * (len(flows) - 1)
    if len(flows) % 2 == 0:
        return span, (flows[0].left + span - flows[-1].right) / 2
    middle = len(flows) // 2
    before = sum(flow.left + flow.right + BRANCH_GAP for flow in flows[:middle])
    return span, before + flows[middle].left


def _loop(
    task: Mapping[str, Any], pointer: str, kind: str, branches: tuple[Branch, ...], width: float
) -> Block:
    flow = branches[0].flow
    half = max(flow.left, flow.right, width / 2) + LOOP_PAD
    height = PILL_HEIGHT + flow.height + LOOP_PAD
    return Block(task, pointer, kind, branches, width, PILL_HEIGHT, half, half, height)


def _branches(task: Mapping[str, Any], kind: str, pointer: str, depth: int) -> tuple[Branch, ...]:
    if kind in ("SWITCH", "DECISION"):
        cases = [
            Branch(str(name), flow_of(tasks, f"{pointer}/decisionCases/{escaped(name)}", depth + 1))
            for name, tasks in _mapping(task.get("decisionCases")).items()
        ]
        other = flow_of(task.get("defaultCase"), f"{pointer}/defaultCase", depth + 1)
        return (*cases, Branch(DEFAULT, other))
    if kind == "FORK_JOIN":
        forks = task.get("forkTasks")
        listed = cast(Sequence[Any], forks) if isinstance(forks, list | tuple) else ()
        return tuple(
            Branch("", flow_of(tasks, f"{pointer}/forkTasks/{number}", depth + 1))
            for number, tasks in enumerate(listed)
        )
    if kind in _LOOPS:
        return (Branch("", flow_of(task.get("loopOver"), f"{pointer}/loopOver", depth + 1)),)
    return ()


def _size(kind: str, task: Mapping[str, Any]) -> tuple[float, float]:
    if kind in _PILLS or kind in _LOOPS:
        return min(max(8 * len(reference(task)) + 56, 96), NODE[0]), PILL_HEIGHT
    return WAIT_NODE if kind == "WAIT_FOR_WEBHOOK" else NODE


def reference(task: Mapping[str, Any]) -> str:
    """The name that the task has in its workflow."""
    return str(task.get("taskReferenceName") or task.get("name") or "no name")


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
