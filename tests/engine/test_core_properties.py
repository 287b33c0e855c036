"""Properties of decide over random definitions and random behaviour of workers.

The player itself checks at every step that the same input gives the same decision, that no terminal
task changes, that seq is unique, and that an execution that ended has nothing live.
"""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline_engine.core import effects as fx
from hookline_engine.core.commands import Pause, Resume, UpdateTask
from tests.engine.core_player import Player, definition, inline, node

FAST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Names:
    """References in the order in which they are drawn."""

    def __init__(self) -> None:
        self.count = 0

    def next(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"


@st.composite
def lists(draw: st.DrawFn, names: Names, depth: int) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        nodes.extend(draw(shapes(names, depth)))
    return nodes


@st.composite
def shapes(draw: st.DrawFn, names: Names, depth: int) -> list[dict[str, Any]]:
    kinds = ["simple", "inline", "variable", "wait", "event"]
    if depth > 0:
        kinds += ["switch", "fork", "loop"]
    kind = draw(st.sampled_from(kinds))
    ref = names.next(kind)
    match kind:
        case "simple":
            flags = draw(st.sampled_from([{}, {"optional": True}, {"permissive": True}]))
            return [node(ref, retryCount=draw(st.integers(0, 1)), **flags)]
        case "inline":
            return [inline(ref, "1 + 1")]
        case "variable":
            return [node(ref, "SET_VARIABLE", inputParameters={ref: "${workflow.input}"})]
        case "wait":
            return [node(ref, "WAIT", inputParameters={"duration": "5s"})]
        case "event":
            return [node(ref, "WAIT_FOR_WEBHOOK", inputParameters={"matches": {"$.a": 1}})]
        case "switch":
            return [
                node(
                    ref,
                    "SWITCH",
                    evaluatorType="value-param",
                    expression="k",
                    inputParameters={"k": draw(st.sampled_from(["a", "b", "z"]))},
                    decisionCases={"a": draw(lists(names, depth - 1)), "b": []},
                    defaultCase=draw(st.one_of(st.just([]), lists(names, depth - 1))),
                )
            ]
        case "fork":
            branches = [draw(lists(names, depth - 1)) for _ in range(draw(st.integers(1, 3)))]
            ends = [branch[-1]["taskReferenceName"] for branch in branches]
            return [
                node(ref, "FORK_JOIN", forkTasks=branches),
                node(f"{ref}_join", "JOIN", joinOn=ends),
            ]
        case _:
            rounds = draw(st.integers(1, 3))
            return [
                node(
                    ref,
                    "DO_WHILE",
                    loopOver=draw(lists(names, depth - 1)),
                    items=list(range(rounds)),
                )
            ]


@st.composite
def definitions(draw: st.DrawFn) -> list[dict[str, Any]]:
    return draw(lists(Names(), 2))


def act(player: Player, draw: st.DataObject, results: list[str]) -> None:
    """One thing that the world does: a worker's result, an event, or time."""
    live = [line for line in player.lines() if line.live]
    queued = [line for line in live if (line.id, line.hand_off) in player.queue]
    ready = [
        line for line in queued if player.queue[line.id, line.hand_off].visible_at <= player.now
    ]
    events = [line for line in live if line.type == "WAIT_FOR_WEBHOOK"]
    choices = [*ready, *events]
    if not choices:
        if player.head.wake_at:
            player.wake_when_due()
        else:
            player.now = min(entry.visible_at for entry in player.queue.values())
        return
    line = draw.draw(st.sampled_from(choices))
    if line.type == "WAIT_FOR_WEBHOOK":
        player.event(line.ref, {"a": 1}, f"effect-{line.id}")
        assert player.event(line.ref, {"a": 1}, f"effect-{line.id}").head is None or (
            player.line(line.ref).id != line.id
        )
        return
    player.poll(line.ref)
    status = draw.draw(st.sampled_from(results))
    command = UpdateTask(line.id, status, {"from": line.shown_ref})  # type: ignore[arg-type]
    player.do(command)
    if status != "IN_PROGRESS":
        assert player.do(command).head is None, "the same result twice"


@FAST
@given(definitions(), st.data())
def test_every_flow_ends_completed_when_every_task_completes(
    nodes: list[dict[str, Any]], data: st.DataObject
):
    player = Player(definition(*nodes)).start({"in": 1})
    for _ in range(2000):
        if player.head.terminal:
            break
        act(player, data, ["COMPLETED"])
    assert player.status == "COMPLETED"
    assert player.queue == {}
    refs = [line.shown_ref for line in player.lines()]
    assert len(refs) == len(set(refs)), "without retries every reference has one task"


@FAST
@given(definitions(), st.data())
def test_every_flow_ends_whatever_the_workers_answer(
    nodes: list[dict[str, Any]], data: st.DataObject
):
    player = Player(definition(*nodes)).start({"in": 1})
    for _ in range(2000):
        if player.head.terminal:
            break
        act(player, data, ["COMPLETED", "COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR"])
    assert player.head.terminal
    assert player.queue == {}
    opened = {effect.message.task_id for effect in player.sent(fx.OpenWait)}
    closed = {effect.message.task_id for effect in player.sent(fx.CloseWait)}
    taken = {effect.message.task_id for effect in player.sent(fx.Outcome)}
    assert opened == closed | taken, "every wait that was opened is closed, or taken by an event"
    assert not closed & taken


@FAST
@given(definitions(), st.data())
def test_retrying_until_it_works_completes_every_flow(
    nodes: list[dict[str, Any]], data: st.DataObject
):
    player = Player(definition(*nodes)).start({"in": 1})
    for step in range(3000):
        if player.status == "COMPLETED":
            break
        if player.head.terminal:
            if player.retry().refusal is not None:
                break
        else:
            answers = ["COMPLETED", "FAILED", "CANCELED"] if step < 30 else ["COMPLETED"]
            act(player, data, answers)
    if player.status != "COMPLETED":  # what a loop has gone past is not run again
        gone = [line for line in player.lines() if line.failed and not line.retried]
        assert player.last.refusal.code == "nothing_to_retry"
        assert any(player.snapshot.nodes[line.ref].task.permissive for line in gone)


@FAST
@given(definitions(), st.data())
def test_pausing_at_any_moment_changes_nothing_in_the_end(
    nodes: list[dict[str, Any]], data: st.DataObject
):
    player = Player(definition(*nodes)).start({"in": 1})
    for _ in range(2000):
        if player.head.terminal:
            break
        if data.draw(st.booleans()):
            player.do(Pause())
            act_while_paused(player)
            player.do(Resume())
        else:
            act(player, data, ["COMPLETED"])
    assert player.status == "COMPLETED"


def act_while_paused(player: Player) -> None:
    """Workers go on with what they can see."""
    for entry in tuple(player.queue.values()):
        if entry.visible_at <= player.now:
            ref = next(line.ref for line in player.lines() if line.id == entry.task_id)
            player.work(ref)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["COMPLETED", "5s", "2026-01-01", "${workflow}", "$${"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
X = "${workflow.input.x}"
ODD = [
    inline("n", "$.x", x=X, evaluatorType=X),
    node(
        "n",
        "SWITCH",
        evaluatorType="value-param",
        expression="x",
        inputParameters={"x": X},
        decisionCases={"5s": [node("c")]},
    ),
    node(
        "n",
        "SWITCH",
        evaluatorType="javascript",
        expression="$.x",
        inputParameters={"x": X},
        decisionCases={"5s": [node("c")]},
    ),
    node("n", "WAIT", inputParameters={"duration": X}),
    node("n", "WAIT", inputParameters={"until": X}),
    node(
        "n",
        "TERMINATE",
        inputParameters={"terminationStatus": X, "terminationReason": X, "workflowOutput": X},
    ),
    node("n", "SET_VARIABLE", inputParameters={"x": X}),
    node("n", "HTTP", inputParameters={"http_request": X}),
    node(
        "n",
        "HTTP",
        inputParameters={
            "method": "POST",
            "uri": X,
            "body": X,
            "headers": X,
            "readTimeOut": X,
            "contentType": X,
            "accept": X,
        },
    ),
    node("n", "DO_WHILE", items=X, loopOver=[inline("i", "1")], inputParameters={"keepLastN": X}),
    node(
        "n",
        "DO_WHILE",
        loopCondition="$.x",
        loopOver=[node("i", "WAIT")],
        inputParameters={"x": X, "keepLastN": 1.5},
    ),
    node(
        "n",
        "SUB_WORKFLOW",
        inputParameters={"x": X},
        subWorkflowParam={
            "name": X,
            "version": 1,
            "priority": X,
            "idempotencyKey": X,
            "taskToDomain": {"a": X},
        },
    ),
    node("n", "SUB_WORKFLOW", subWorkflowParam={"workflowDefinition": X}),
    node("n", "WAIT_FOR_WEBHOOK", inputParameters={"matches": X}),
    node(
        "n",
        "WAIT_FOR_WEBHOOK",
        inputParameters={
            "matches": {"$.a": X},
            "timeout": X,
            "include": X,
            "webhooks": X,
            "onTimeout": X,
            "lookbackSeconds": X,
            "earlyEvents": X,
        },
    ),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ODD), JSON)
def test_no_input_of_any_task_type_is_an_exception(task: dict[str, Any], value: Any):
    player = Player(definition(task, outputParameters={"all": "${n}", "x": X})).start({"x": value})
    assert player.line("n").status in {
        "COMPLETED",
        "IN_PROGRESS",
        "SCHEDULED",
        "FAILED",
        "FAILED_WITH_TERMINAL_ERROR",
    }
