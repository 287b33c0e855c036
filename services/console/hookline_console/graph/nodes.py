"""The drawing of one task, and of edges and (+) buttons."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from markupsafe import Markup

from hookline_console.graph.tree import PILL_HEIGHT, Block, NodeState, reference
from hookline_console.task_types import words_of

_STATE_WORDS = {"done": "done", "now": "now", "fail": "failed", "idle": "not reached", "": ""}
_STATE_ICONS = {"done": "done", "now": "waiting", "fail": "failed"}
_CORNER = 8


def node(
    block: Block, x: float, y: float, state: NodeState, webhooks: Sequence[str], icons: str
) -> Markup:
    """A task whose top lies at `y` on the axis `x`; a button for those who walk by keyboard."""
    words = words_of(block.type)
    name = reference(block.task)
    lines = _lines(block, webhooks)
    said = ", ".join(
        filter(None, [name, words.label, *lines, _STATE_WORDS[state.kind], state.note])
    )
    kind = " ".join(filter(None, ["node", "wait" if words.icon == "hook" else "", state.kind]))
    if block.is_pill or block.is_loop:
        shape = _pill(block, name, words.icon, x, y, icons)
    else:
        sub = state.note or _sub(block, words.label)
        shape = _box(block, name, sub, lines, words.icon, x, y, icons)
    return Markup(
        '<g class="{}" role="button" tabindex="0" data-pointer="{}" data-ref="{}" aria-label="{}">'
        "<title>{}</title>{}</g>{}"
    ).format(kind, block.pointer, name, said, said, shape, _state(block, state, x, y, icons))


def _sub(block: Block, label: str) -> str:
    given = _mapping(block.task.get("inputParameters"))
    if block.type == "HTTP":
        request = _mapping(given.get("http_request")) or given
        return f"{label} · {request.get('method') or 'GET'}"
    if block.type == "SUB_WORKFLOW":
        return f"{label} · {_mapping(block.task.get('subWorkflowParam')).get('name', '')}"
    if block.type in ("SWITCH", "DECISION"):
        return f"{label} · {block.task.get('expression') or block.task.get('caseValueParam') or ''}"
    return label


def _lines(block: Block, webhooks: Sequence[str]) -> list[str]:
    if block.type != "WAIT_FOR_WEBHOOK":
        return []
    matches = _mapping(_mapping(block.task.get("inputParameters")).get("matches"))
    first = next(iter(matches.items()), None)
    count = f"{len(matches)} clause{'' if len(matches) == 1 else 's'}"
    clause = f"{count} · {first[0]} = {first[1]}" if first else "any event"
    return [clause, ", ".join(webhooks) or "no webhook resumes it yet"]


def _box(
    block: Block,
    name: str,
    sub: str,
    lines: Sequence[str],
    icon: str,
    x: float,
    y: float,
    icons: str,
) -> Markup:
    left = x - block.width / 2
    drawn = Markup(
        '<rect class="halo" x="{}" y="{}" width="{}" height="{}" rx="10"/>'
        '<rect class="box" x="{}" y="{}" width="{}" height="{}" rx="7"/>'
        '<rect class="tile" x="{}" y="{}" width="32" height="32" rx="5"/>{}'
        '<text x="{}" y="{}">{}</text><text class="sub" x="{}" y="{}">{}</text>'
    ).format(
        left - 4, y - 4, block.width + 8, block.height + 8,
        left, y, block.width, block.height,
        left + 8, y + 8, _icon(icon, left + 16, y + 16, icons),
        left + 48, y + 21, cut(name, 19), left + 48, y + 36, cut(sub, 23),
    )  # fmt: skip
    for number, line in enumerate(lines):
        drawn += Markup('<text class="sub m" x="{}" y="{}">{}</text>').format(
            left + 12, y + 58 + 16 * number, cut(line, 31)
        )
    return drawn


def _pill(block: Block, name: str, icon: str, x: float, y: float, icons: str) -> Markup:
    left = x - block.width / 2
    return Markup(
        '<rect class="pill" x="{}" y="{}" width="{}" height="{}" rx="16"/>{}'
        '<text x="{}" y="{}">{}</text>'
    ).format(
        left, y, block.width, PILL_HEIGHT, _icon(icon, left + 12, y + 8, icons),
        left + 34, y + 20.5, cut(name, int((block.width - 44) / 7)),
    )  # fmt: skip


def _state(block: Block, state: NodeState, x: float, y: float, icons: str) -> Markup:
    if state.kind not in _STATE_ICONS or block.is_pill or block.is_loop:
        return Markup("")
    icon = _icon(_STATE_ICONS[state.kind], x + block.width / 2 - 22, y + 6, icons)
    return Markup('<g class="{}">{}</g>').format(state.kind, icon)


def _icon(name: str, x: float, y: float, icons: str) -> Markup:
    return Markup(
        '<svg class="icon ico" x="{}" y="{}" width="16" height="16" aria-hidden="true">'
        '<use href="{}#i-{}"/></svg>'
    ).format(x, y, icons, name)


def terminal(word: str, x: float, y: float, state: str) -> Markup:
    """The pill at the start or the end."""
    return Markup(
        '<g class="{}"><rect class="pill" x="{}" y="{}" width="72" height="28" rx="14"/>'
        '<text x="{}" y="{}" text-anchor="middle">{}</text></g>'
    ).format(state, x - 36, y, x, y + 18, word)


def edge(points: Sequence[tuple[float, float]], state: str, tip: bool = True) -> Markup:
    """A line along the points with rounded corners, and its arrow at the end."""
    (x, y), parts = points[0], [f"M{points[0][0]:g} {points[0][1]:g}"]
    for here, following in pairwise(points[1:]):
        before, after = _towards(here, (x, y)), _towards(here, following)
        parts.append(f"L{before} Q{here[0]:g} {here[1]:g} {after}")
        x, y = here
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    drawn = Markup('<path class="edge {}" d="{}"/>').format(state, " ".join(parts))
    if tip:
        end_x, end_y = points[-1]
        drawn += Markup('<path class="tip {}" d="M{} {}h8l-4 7z"/>').format(
            state, end_x - 4, end_y - 6
        )
    return drawn


def _towards(corner: tuple[float, float], other: tuple[float, float]) -> str:
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = max(abs(dx), abs(dy)) or 1
    step = min(_CORNER, length / 2)
    return f"{corner[0] + dx / length * step:g} {corner[1] + dy / length * step:g}"


def add_button(x: float, y: float, at: str, says: str) -> Markup:
    """The (+) that inserts a task at a place of the definition."""
    return Markup(
        '<g class="add" role="button" tabindex="0" data-at="{}" aria-label="{}"><title>{}</title>'
        '<circle cx="{}" cy="{}" r="12" class="hit"/><circle cx="{}" cy="{}" r="8.5"/>'
        '<path d="M{} {}h7M{} {}v7"/></g>'
    ).format(at, says, says, x, y, x, y, x - 3.5, y, x, y - 3.5)


def branch_label(x: float, y: float, text: str) -> Markup:
    """The word on the edge into a branch."""
    shown = cut(text, 18)
    width = 7 * len(shown) + 8
    return Markup(
        '<rect class="lblbg" x="{}" y="{}" width="{}" height="16"/>'
        '<text class="lbl" x="{}" y="{}"><title>{}</title>{}</text>'
    ).format(x - width / 2, y - 12, width, x, y, text, shown)


def cut(text: str, length: int) -> str:
    """The beginning of a text that is too long for its place."""
    return text if len(text) <= length else text[: max(length - 1, 1)] + "…"


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
