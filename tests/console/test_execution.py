"""The page of an execution: what it waits for, how it came there, and what is done to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from hookline_console.execution_view import base_name, sample_values, states_of, timeline_of
from tests.console.definitions import HOSTILE, register, simple, start, waiting
from tests.servers.browser import Visit
from tests.servers.hookline import System


def test_it_says_what_it_waits_for_and_a_sample_makes_it_go_on(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    assert system.hookline("samples", "apply", "wait_for_review").code == 0
    execution = start(system, "wait_for_review", input={"number": 31}, correlationId="c-31")
    page = visit.open(f"/executions/{execution}")
    panel = page.get_by_label("Waits for a webhook")
    expect(panel).to_contain_text("at review")
    expect(panel).to_contain_text("31")
    visit.check(picture("execution-waiting"))

    panel.get_by_role("link", name="Send a matching sample").click()
    page.get_by_label("Sample").select_option("pull_request_review")
    page.get_by_role("button", name="Sign and send").click()
    page.wait_for_url("**/events/*")
    system.execution(execution, "COMPLETED")

    page = visit.open(f"/executions/{execution}")
    expect(page.locator(".head .badge")).to_have_text("Completed")
    expect(page.get_by_role("region", name="Events that touched it")).to_contain_text("github-demo")
    visit.check(picture("execution"))


def test_it_changes_by_itself(system: System, visit: Visit) -> None:
    register(system, waiting("live"))
    execution = start(system, "live", input={"order": "x"})
    page = visit.open(f"/executions/{execution}")
    expect(page.locator("#live-state")).to_have_text("Live")
    page.mouse.move(1, 1)
    system.call("DELETE", f"/workflow/{execution}")
    expect(page.locator(".head .badge")).to_have_text("Terminated", timeout=20_000)


def test_a_failure_stands_first_with_its_logs(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, simple("breaks"))
    execution = start(system, "breaks")
    task = system.get("/tasks/poll/pack")
    system.post(f"/tasks/{task['taskId']}/log", HOSTILE)
    result = {
        "workflowInstanceId": execution,
        "taskId": task["taskId"],
        "status": "FAILED_WITH_TERMINAL_ERROR",
        "reasonForIncompletion": HOSTILE,
        "outputData": {"<b>": HOSTILE},
    }
    system.post("/tasks", result)
    system.execution(execution, "FAILED")

    page = visit.open(f"/executions/{execution}")
    expect(page.get_by_role("alert")).to_contain_text(HOSTILE)
    page.get_by_role("tab", name="Logs").click()
    expect(page.locator("#task-logs")).to_contain_text(HOSTILE)
    visit.check(picture("execution-failed"))
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Retried from the failed task.")).to_be_visible()
    assert system.get(f"/workflow/{execution}")["status"] == "RUNNING"


def test_it_is_paused_resumed_terminated_and_removed(system: System, visit: Visit) -> None:
    register(system, simple("steered"))
    execution = start(system, "steered")
    page = visit.open(f"/executions/{execution}")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".head .badge")).to_have_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".head .badge")).to_have_text("Running")
    page.get_by_role("button", name="Terminate…").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_label("Reason").fill("no use")
    dialog.get_by_role("button", name="Terminate").click()
    expect(page.get_by_role("alert")).to_contain_text("no use")
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The execution is removed.")).to_be_visible()
    assert system.http.get(f"/api/workflow/{execution}").status_code == 404


def test_an_unknown_execution_is_said(visit: Visit) -> None:
    answer = visit.page.goto(f"{visit.address}/executions/none")
    assert answer is not None
    assert answer.status == 404
    expect(visit.page.get_by_role("heading", name="Not here")).to_be_visible()


def test_rounds_and_attempts_are_counted() -> None:
    tasks = [
        {"referenceTaskName": "a__1", "status": "COMPLETED"},
        {"referenceTaskName": "a__2", "status": "FAILED"},
        {"referenceTaskName": "a__2", "status": "IN_PROGRESS"},
        {"referenceTaskName": "b", "status": "TIMED_OUT"},
    ]
    states = states_of(tasks)
    assert (states["a"].kind, states["a"].note) == ("now", "2 rounds, 2 attempts")
    assert (states["b"].kind, states["b"].note) == ("fail", "")
    assert base_name("x__y") == "x__y"


def test_bars_lie_between_the_first_schedule_and_the_last_end() -> None:
    tasks = [
        {"referenceTaskName": "a", "status": "COMPLETED", "scheduledTime": 100},
        {"referenceTaskName": "b", "status": "SCHEDULED", "scheduledTime": 200},
    ]
    tasks[0] |= {"startTime": 150, "endTime": 200}
    timeline = timeline_of(tasks, 300)
    first, second = timeline.bars
    assert (first.queued_from, first.started_at, first.ended_at) == (0, 25, 50)
    assert (second.queued_from, second.ended_at) == (50, 100)
    assert timeline.folds == []
    assert timeline_of([], 300).bars == []


def test_days_are_folded_beside_milliseconds() -> None:
    days = 2 * 86_400_000
    quick_times = {"scheduledTime": 1, "startTime": 11, "endTime": 21}
    wait_times = {"scheduledTime": 21, "startTime": 21, "endTime": days + 21}
    tasks = [
        {"referenceTaskName": name, "status": "COMPLETED", **times}
        for name, times in (("quick", quick_times), ("wait", wait_times))
    ]
    timeline = timeline_of(tasks, days + 100)
    quick, wait = timeline.bars
    assert quick.ended_at > 30  # of 100, beside two days
    assert wait.ended_at == 100
    assert wait.took == "2 days"
    assert [long for _, long in timeline.folds] == ["2 days"]


def test_a_sample_has_the_values_of_the_equality_clauses() -> None:
    matches = {
        "$['a']['b']": 1,
        "$.x.y": 2,
        "$.b": {"operator": "exists"},
        "$.c": {"operator": "in", "values": [1]},
    }
    assert sample_values({"inputData": {"matches": matches}}) == {"a.b": 1, "x.y": 2}


def two_steps(name: str) -> dict[str, Any]:
    """A workflow of two tasks for workers."""
    tasks = [
        {"name": f"{name}_{ref}", "taskReferenceName": ref, "type": "SIMPLE"}
        for ref in ("first", "second")
    ]
    return {"name": name, "version": 1, "schemaVersion": 2, "tasks": tasks}


def do(system: System, execution: str, task_type: str, **output: Any) -> None:
    """Work at the next task of the type."""
    task = system.get(f"/tasks/poll/{task_type}")
    assert task["workflowInstanceId"] == execution
    result = {"workflowInstanceId": execution, "taskId": task["taskId"], "outputData": output}
    system.post("/tasks", {**result, "status": "COMPLETED"})


def test_it_goes_back_to_a_task_with_another_input(
    system: System, visit: Visit, picture: Callable[[str], Path]
) -> None:
    register(system, two_steps("goes_back"))
    execution = start(system, "goes_back")
    do(system, execution, "goes_back_first", done=1)
    do(system, execution, "goes_back_second")
    system.execution(execution, "COMPLETED")

    page = visit.open(f"/executions/{execution}")
    page.get_by_role("link", name="second").click()
    page.get_by_role("button", name="Rerun from here…").click()
    dialog = page.get_by_role("dialog", name="Rerun from second?")
    dialog.get_by_label("Another input for it").fill('{"again": true}')
    visit.check(picture("execution-rerun"))
    page.get_by_role("button", name="Rerun", exact=True).click()

    expect(page.get_by_text("It runs again from that task.")).to_be_visible()
    assert system.get(f"/workflow/{execution}")["status"] == "RUNNING"
    assert system.get("/tasks/poll/goes_back_second")["inputData"] == {"again": True}


def test_what_is_not_reached_yet_can_be_skipped(system: System, visit: Visit) -> None:
    register(system, two_steps("skips"))
    execution = start(system, "skips")
    page = visit.open(f"/executions/{execution}")
    page.get_by_role("button", name="Skip a task…").click()
    dialog = page.get_by_role("dialog", name="Skip a task?")
    expect(dialog.get_by_role("option")).to_have_text(["second"])
    dialog.get_by_label("Output, JSON").fill('{"from": "the console"}')
    visit.check()
    dialog.get_by_role("button", name="Skip it").click()

    expect(page.get_by_text("second will be skipped.")).to_be_visible()
    do(system, execution, "skips_first")
    ended = system.execution(execution, "COMPLETED")
    statuses = {task["referenceTaskName"]: task["status"] for task in ended["tasks"]}
    assert statuses == {"first": "COMPLETED", "second": "SKIPPED"}
