"""A worker written with the official Python SDK, unmodified, and a webhook, in one workflow."""

import sys
from pathlib import Path

import httpx
import pytest
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models import RerunWorkflowRequest, SkipTaskRequest, StartWorkflowRequest
from conductor.client.orkes_clients import OrkesClients

from tests.servers.hookline import System, end
from tests.servers.processes import started
from tests.system.sdk_worker import WORKFLOW

pytestmark = pytest.mark.filterwarnings("ignore")  # the SDK's own
ROOT = Path(__file__).parents[2]


def test_a_worker_does_its_task_and_a_webhook_resumes_what_comes_after(
    system: System, tmp_path: Path
) -> None:
    webhook = system.post(
        "/metadata/webhook",
        {"name": "shop-of-the-sdk", "sourcePlatform": "Custom",
         "headers": {"X-Shop": "3f8c1e5b9a7d"}, "receiverWorkflowNamesToVersions": {WORKFLOW: 1}},
    )  # fmt: skip
    environ = {
        "CONDUCTOR_SERVER_URL": f"{system.api}/api",
        "CONDUCTOR_WORKER_ISOLATION": "thread",  # no processes that could outlive a failing test
        "PYTHONPATH": str(ROOT),
    }
    log = tmp_path / "worker.log"
    clients = OrkesClients(Configuration(server_api_url=f"{system.api}/api"))
    workflows = clients.get_workflow_client()
    with started([sys.executable, "-m", "tests.system.sdk_worker"], log, environ) as worker:
        system.until(lambda: "the worker works" in log.read_text(), "the worker to work", 30)
        request = StartWorkflowRequest(name=WORKFLOW, version=1, input={"customer": "ada"})
        workflow_id = workflows.start_workflow(request)

        system.until(lambda: _waits(workflows, workflow_id), f"the wait\n{log.read_text()}")
        answer = httpx.post(
            webhook["url"],
            json={"order": "order-of-ada", "amount": 12},
            headers={"X-Shop": "3f8c1e5b9a7d"},
        )
        assert answer.status_code == 200
        system.execution(workflow_id, "COMPLETED")
        code = end(worker)
    assert code == 0, log.read_text()
    assert "the worker has ended" in log.read_text()

    run = workflows.get_workflow(workflow_id, include_tasks=True)
    assert run.output == {"order": "order-of-ada", "amount": 12}
    assert [(task.task_type, task.status) for task in run.tasks] == [
        ("open_order", "COMPLETED"),
        ("WAIT_FOR_WEBHOOK", "COMPLETED"),
    ]
    assert run.tasks[1].output_data == {"order": "order-of-ada", "amount": 12}
    event = system.event(answer.headers["hookline-event-id"])
    assert event["effects"][0]["workflowId"] == workflow_id


def _waits(workflows: object, workflow_id: str) -> bool:
    run = workflows.get_workflow(workflow_id, include_tasks=True)  # type: ignore[attr-defined]
    return [task.status for task in run.tasks] == ["COMPLETED", "IN_PROGRESS"]


def test_the_sdk_skips_a_task_and_runs_an_execution_again_from_another(system: System) -> None:
    tasks = [
        {"name": name, "taskReferenceName": name, "type": "SIMPLE"} for name in ("first", "second")
    ]
    definition = {"name": "skipped_and_rerun", "version": 1, "schemaVersion": 2, "tasks": tasks}
    system.call("PUT", "/metadata/workflow", json=[definition])
    clients = OrkesClients(Configuration(server_api_url=f"{system.api}/api"))
    workflows, workers = clients.get_workflow_client(), clients.get_task_client()
    workflow_id = workflows.start_workflow(StartWorkflowRequest(name="skipped_and_rerun"))

    skip = SkipTaskRequest(task_input={"a": 1}, task_output={"it's": None, "ok": True})
    workflows.skip_task_from_workflow(workflow_id, "second", skip)
    workers.update_task_by_ref_name(workflow_id, "first", "COMPLETED", {"n": 1})
    run = workflows.get_workflow(workflow_id, include_tasks=True)
    assert run.status == "COMPLETED"
    by_ref = {task.reference_task_name: task for task in run.tasks}
    assert by_ref["second"].status == "SKIPPED"
    assert by_ref["second"].input_data == {"a": 1}
    assert by_ref["second"].output_data == {"it's": None, "ok": True}

    request = RerunWorkflowRequest(
        re_run_from_task_id=by_ref["second"].task_id, task_input={"again": True}
    )
    assert workflows.rerun_workflow(workflow_id, request) == workflow_id
    run = workflows.get_workflow(workflow_id, include_tasks=True)
    assert run.status == "RUNNING"
    (live,) = [task for task in run.tasks if task.status == "SCHEDULED"]
    assert (live.reference_task_name, live.input_data) == ("second", {"again": True})
