"""SUB_WORKFLOW: a child is started once, and its end is its task's end."""

import pytest

from hookline_engine.core import effects as fx
from hookline_engine.core.commands import ChildRevived, Start, Terminate
from hookline_engine.core.lifecycle import never_started
from tests.engine.core_player import START, Player, definition, node


def parent(**fields: object) -> Player:
    parameters = {"name": "kid", "version": 2, **fields.pop("param", {})}  # type: ignore[dict-item]
    return Player(
        definition(
            node(
                "sub",
                "SUB_WORKFLOW",
                subWorkflowParam=parameters,
                inputParameters={"x": "${workflow.input.x}"},
                **fields,
            ),
            node("end", inputParameters={"kid": "${sub.output}"}),
        )
    )


def test_a_child_is_asked_for_with_its_input():
    player = parent().start({"x": 1}, correlation_id="c", task_to_domain={"*": "d"})
    (effect,) = player.sent(fx.StartChild)
    line = player.line("sub")
    assert (line.status, line.sub_workflow_id) == ("IN_PROGRESS", effect.child_id)
    assert player.output("sub") == {"subWorkflowId": effect.child_id}
    request = effect.request
    assert (request["name"], request["version"], request["priority"]) == ("kid", 2, 0)
    assert (request["correlationId"], request["taskToDomain"]) == ("c", {"*": "d"})
    assert player.value(request["inputToken"]) == {"x": 1}
    assert player.given("sub")["subWorkflowName"] == "kid"
    assert player.given("sub")["subWorkflowDefinition"] is None


def test_a_child_without_input_parameters_gets_an_empty_input():
    player = Player(
        definition(node("sub", "SUB_WORKFLOW", subWorkflowParam={"name": "k", "version": 1}))
    )
    player.start()
    assert player.sent(fx.StartChild)[0].request["inputToken"] == ""


def test_the_newest_version_is_fixed_when_the_parent_starts():
    workflow = definition(node("sub", "SUB_WORKFLOW", subWorkflowParam={"name": "kid"}))
    player = Player(workflow, latest={"kid": 9}).start()
    assert player.sent(fx.StartChild)[0].request["version"] == 9


def test_an_inline_definition_and_expressions():
    inner = {"name": "dyn", "version": 1, "tasks": [node("a")]}
    player = parent(
        param={
            "workflowDefinition": "${workflow.input.wf}",
            "priority": "7",
            "taskToDomain": {"a": "${workflow.input.d}"},
        }
    )
    player.start({"wf": inner, "d": "dom"})
    request = player.sent(fx.StartChild)[0].request
    assert (request["name"], request["version"]) == ("dyn", None)
    assert request["workflowDef"] == inner
    assert (request["priority"], request["taskToDomain"]) == (7, {"a": "dom"})
    assert player.value(request["inputToken"])["_systemMetadata"] == {"dynamic": True}


def test_an_expression_that_gives_no_definition_fails_the_task():
    player = parent(param={"workflowDefinition": "${workflow.input.wf}"}).start({"wf": 3})
    assert player.line("sub").status == "FAILED_WITH_TERMINAL_ERROR"
    assert not player.sent(fx.StartChild)


@pytest.mark.parametrize(
    ("child", "task", "execution"),
    [
        ("COMPLETED", "COMPLETED", "RUNNING"),
        ("FAILED", "FAILED", "FAILED"),
        ("TIMED_OUT", "TIMED_OUT", "TIMED_OUT"),
        ("TERMINATED", "CANCELED", "TERMINATED"),
    ],
)
def test_the_end_of_the_child_is_the_end_of_the_task(child: str, task: str, execution: str):
    player = parent().start()
    decision = player.child("sub", child, output={"r": 1}, reason="because")
    assert decision.line.status == task
    assert player.status == execution
    assert player.output("sub") == {"subWorkflowId": decision.line.sub_workflow_id, "r": 1}
    if task != "COMPLETED":
        assert "because" in (player.line("sub").reason or "")
    assert player.child("sub", child).head is None


def test_a_retry_starts_a_new_child_with_a_fresh_input():
    player = parent(retryCount=1).start({"x": 1})
    first = player.line("sub").sub_workflow_id
    player.child("sub", "FAILED")
    player.wake_when_due()
    second = player.line("sub").sub_workflow_id
    assert second not in (None, first)
    requests = [effect.request for effect in player.sent(fx.StartChild)]
    assert [player.value(request["inputToken"]) for request in requests] == [{"x": 1}] * 2
    assert "x" not in player.given("sub")


def test_ending_the_parent_terminates_the_child():
    player = parent().start()
    player.do(Terminate("stop it"))
    (effect,) = player.sent(fx.TerminateChild)
    assert (effect.child_id, effect.reason) == (player.line("sub").sub_workflow_id, "stop it")


def child() -> Player:
    player = Player(definition(node("a", retryCount=0)))
    player.do(Start("wf", {}, parent_workflow_id="pa", parent_task_id="pa-1", parent_run=1))
    return player


def test_a_child_tells_its_parent_how_it_ended():
    player = child()
    player.work("a", v=1)
    (effect,) = player.sent(fx.ChildEnded)
    assert (effect.parent_workflow_id, effect.parent_task_id) == ("pa", "pa-1")
    assert (effect.status, player.value(effect.output)) == ("COMPLETED", {"v": 1})


def test_a_parent_never_changes_a_child_that_ended_and_only_its_own():
    player = child()
    assert player.do(Terminate("x", by_parent="someone-else")).head is None
    player.do(Terminate("x", by_parent="pa-1"))
    assert player.status == "TERMINATED"


def test_a_revived_child_revives_its_parent():
    kid = child()
    kid.work("a", "FAILED")
    kid.retry()
    (told,) = kid.sent(fx.ChildRevived)
    player = parent().start()
    line = player.line("sub")
    player.child("sub", "FAILED")
    assert player.status == "FAILED"
    player.do(ChildRevived(line.id, 1, line.sub_workflow_id or "", told.child_run))
    assert (player.status, player.line("sub").status) == ("RUNNING", "IN_PROGRESS")
    assert player.child("sub", "FAILED", child_run=0).head is None, "the earlier end, repeated"
    player.child("sub", "COMPLETED", output={"ok": True})
    assert player.given("end")["kid"]["ok"] is True


def test_a_revived_child_leaves_a_completed_parent_alone():
    player = parent().start()
    line = player.line("sub")
    player.child("sub")
    player.work("end")
    player.do(ChildRevived(line.id, 1, line.sub_workflow_id or "", 1))
    assert player.status == "COMPLETED"


def test_a_child_given_up_before_it_began_is_terminated():
    head = never_started("kid", "the parent ended", START)
    assert (head.terminal, head.status) == (True, "TERMINATED")


def test_a_delayed_sub_workflow_starts_later():
    player = parent(startDelay=10).start()
    assert not player.sent(fx.StartChild)
    player.wake_when_due()
    assert len(player.sent(fx.StartChild)) == 1
