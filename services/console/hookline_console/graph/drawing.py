"""Places the blocks of a flow from top to bottom, and draws them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from hookline_console.graph.nodes import add_button, branch_label, edge, node, terminal
from hookline_console.graph.tree import (
    BRANCH_GAP,
    BUS,
    DEFAULT,
    GAP,
    LABEL,
    LOOP_PAD,
    PILL_HEIGHT,
    Block,
    Branch,
    Flow,
    NodeState,
    flow_of,
    reference,
    spread,
)

_MARGIN = 32
_TOP = 16
_TERMINAL = 28
_FREE = NodeState()


def draw_graph(
    definition: Mapping[str, Any],
    *,
    icons: str,
    editable: bool = False,
    states: Mapping[str, NodeState] | None = None,
    webhooks: Iterable[Mapping[str, Any]] = (),
) -> Markup:
    """The SVG of a definition; `icons` is the address of the sprite.

    With `states` (by reference name) it shows an execution: what is not named was not reached.
    `webhooks` are those of the API; which of them can resume a wait is written on it.
    """
    flow = flow_of(definition.get("tasks"), "/tasks")
    names = _resuming(definition, webhooks)
    drawing = _Drawing(icons, editable, states, names)
    axis = flow.left + _MARGIN
    bottom = _TOP + _TERMINAL + flow.height
    drawing.terminal("Start", axis, _TOP, reached=True)
    drawing.flow(flow, axis, _TOP + _TERMINAL, _after(states, flow))
    drawing.terminal("End", axis, bottom, reached=_after(states, flow) == "done")
    width, height = axis + flow.right + _MARGIN, bottom + _TERMINAL + _TOP
    return Markup(
        '<svg class="graph" width="{0:g}" height="{1:g}" viewBox="0 0 {0:g} {1:g}" role="group"'
        ' aria-label="Flow of {2}">{3}</svg>'
    ).format(width, height, definition.get("name") or "the workflow", drawing.drawn())


def _resuming(
    definition: Mapping[str, Any], webhooks: Iterable[Mapping[str, Any]]
) -> Sequence[str]:
    name, version = definition.get("name"), definition.get("version")
    return [
        str(one["name"])
        for one in webhooks
        if dict(one.get("receiverWorkflowNamesToVersions") or {}).get(name) in (0, version)
    ]


def _after(states: Mapping[str, NodeState] | None, flow: Flow) -> str:
    """The state of the edge that leaves a flow."""
    if states is None:
        return ""
    if not flow.blocks:
        return "idle"
    last = states.get(reference(flow.blocks[-1].task), NodeState("idle"))
    return "done" if last.kind == "done" else "idle"


class _Drawing:
    """Collects the parts; edges first, so that nodes lie on them."""

    def __init__(
        self,
        icons: str,
        editable: bool,
        states: Mapping[str, NodeState] | None,
        webhooks: Sequence[str],
    ) -> None:
        self._icons = icons
        self._editable = editable
        self._states = states
        self._webhooks = webhooks
        self._edges: list[Markup] = []
        self._nodes: list[Markup] = []

    def drawn(self) -> Markup:
        """Everything, in the order that it is walked by keyboard."""
        return Markup("").join([*self._edges, *self._nodes])

    def terminal(self, word: str, x: float, y: float, *, reached: bool) -> None:
        """Start or end."""
        state = "" if self._states is None else "done" if reached else "idle"
        self._nodes.append(terminal(word, x, y, state))

    def flow(self, flow: Flow, x: float, y: float, leaving: str) -> None:
        """A sequence from `y` down, with the edge into it, between, and out of it."""
        previous = "at the start" if flow.pointer == "/tasks" else "into this branch"
        for number, block in enumerate(flow.blocks):
            state = self._edge_state(block)
            self._edges.append(edge([(x, y), (x, y + GAP)], state))
            self._add(x, y + GAP / 2 - 2, f"{flow.pointer}/{number}", previous)
            self._block(block, x, y + GAP)
            y += GAP + block.bottom
            previous = f"after {reference(block.task)}"
            if block.ends:
                return
        self._edges.append(edge([(x, y), (x, y + GAP)], leaving, tip=flow.pointer == "/tasks"))
        self._add(x, y + GAP / 2 - 2, f"{flow.pointer}/{len(flow.blocks)}", previous)

    def _add(self, x: float, y: float, at: str, where: str) -> None:
        if self._editable:
            self._nodes.append(add_button(x, y, at, f"Add a task {where}"))

    def _state(self, block: Block) -> NodeState:
        if self._states is None:
            return _FREE
        return self._states.get(reference(block.task), NodeState("idle"))

    def _edge_state(self, block: Block) -> str:
        if self._states is None:
            return ""
        return "idle" if self._state(block).kind in ("idle", "") else "done"

    def _block(self, block: Block, x: float, y: float) -> None:
        if block.is_loop and block.branches:
            self._loop(block, x, y)
            return
        drawn = node(block, x, y, self._state(block), self._webhooks, self._icons)
        self._nodes.append(drawn)
        if block.branches:
            self._branches(block, x, y)

    def _loop(self, block: Block, x: float, y: float) -> None:
        body = block.branches[0].flow
        self._edges.append(
            Markup('<rect class="loop" x="{}" y="{}" width="{}" height="{}" rx="10"/>').format(
                x - block.left, y, block.left + block.right, block.bottom
            )
        )
        self._nodes.append(node(block, x, y, self._state(block), self._webhooks, self._icons))
        leaving = _after(self._states, body)
        self.flow(body, x, y + PILL_HEIGHT, leaving)
        bottom, side = y + PILL_HEIGHT + body.height, x + block.right - LOOP_PAD / 2
        turn = y + PILL_HEIGHT + 6
        self._edges.append(
            edge(
                [(x, bottom - 8), (side, bottom - 8), (side, turn), (x + 6, turn)],
                leaving,
                tip=False,
            )
        )

    def _branches(self, block: Block, x: float, y: float) -> None:
        """Branches side by side below their node, from a line above to a line where they meet."""
        labelled = block.type != "FORK_JOIN"
        top = y + block.height
        start = top + BUS / 2 + (LABEL if labelled else 0)
        meet = y + block.bottom
        at = x - spread([branch.flow for branch in block.branches])[1]
        for branch in block.branches:
            flow = branch.flow
            axis = at + flow.left
            taken = self._taken(block, branch)
            self._edges.append(edge(_path(x, top, axis, start), taken, tip=False))
            if labelled:
                self._edges.append(branch_label(axis, start, branch.label))
            leaving = _after(self._states, flow) if flow.blocks else taken
            self.flow(flow, axis, start, leaving)
            if not (flow.blocks and flow.blocks[-1].ends):
                end = start + flow.height
                self._edges.append(edge(_path(axis, end, x, meet, late=True), leaving, tip=False))
            at += flow.left + flow.right + BRANCH_GAP

    def _taken(self, block: Block, branch: Branch) -> str:
        if self._states is None:
            return ""
        if branch.flow.blocks:
            return self._edge_state(branch.flow.blocks[0])
        case = self._state(block).case
        others = [one.label for one in block.branches if one is not branch]
        fits = case == branch.label or (branch.label == DEFAULT and case not in others)
        return "done" if case is not None and fits else "idle"


def _path(
    x: float, y: float, to_x: float, to_y: float, *, late: bool = False
) -> Sequence[tuple[float, float]]:
    """Down, across and down again; `late` crosses at the end instead of the beginning."""
    if x == to_x:
        return [(x, y), (to_x, to_y)]
    turn = to_y - BUS / 4 if late else y + BUS / 4
    return [(x, y), (x, turn), (to_x, turn), (to_x, to_y)]
