"""The official Python SDK, unmodified, against a real server."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from conductor.client.automator.task_runner import TaskRunner
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models import StartWorkflowRequest, TaskResult
from conductor.client.http.models.task_def import TaskDef
from conductor.client.http.models.workflow_def import WorkflowDef
from conductor.client.http.models.workflow_task import WorkflowTask
from conductor.client.http.rest import ApiException
from conductor.client.orkes_clients import OrkesClients
from conductor.client.worker.worker import Worker

from hookline_common.clock import SystemClock
from hookline_common.running import Parts, Surface, app_for
from hookline_common.serving import Door, Listener, open_door
from hookline_common.settings import load_settings
from hookline_engine.service import build
from tests.engine.rest_surface import SEALER, open_stores

pytestmark = pytest.mark.filterwarnings("ignore")  # the SDK's own


@asynccontextmanager
async def served_engine(folder: Path) -> AsyncIterator[str]:
    """The URL of an engine that uvicorn serves on a free port."""
    async with open_stores(folder, SystemClock()) as (log, documents):
        parts = Parts(
            settings=load_settings({}),
            log=log,
            documents=documents,
            clock=SystemClock(),
            sealer=SEALER,
        )
        engine = build(parts)
        listener = Listener.bind("127.0.0.1", 0, "HOOKLINE_PORT")
        failures: list[BaseException] = []
        await engine.start()
        app = app_for(parts, [engine], Surface.API)
        door = await open_door(Door(app, listener), failures.append)
        try:
            yield listener.address
        finally:
            await door.close()
            await engine.stop()
        assert not failures


async def test_the_sdk_registers_starts_polls_and_updates(tmp_path: Path) -> None:
    async with served_engine(tmp_path) as address:
        await asyncio.to_thread(_use_the_clients, address)


def _use_the_clients(address: str) -> None:
    clients = OrkesClients(Configuration(server_api_url=f"{address}/api"))
    workflows, tasks, metadata = (
        clients.get_workflow_client(),
        clients.get_task_client(),
        clients.get_metadata_client(),
    )
    metadata.register_task_def(TaskDef(name="sdk_task"))
    node = WorkflowTask(name="sdk_task", task_reference_name="sdk_task", type="SIMPLE")
    definition = WorkflowDef(name="sdk_flow", version=1, tasks=[node])
    metadata.register_workflow_def(definition, overwrite=True)
    workflow_id = workflows.start_workflow(StartWorkflowRequest(name="sdk_flow", input={"a": 1}))
    assert tasks.get_queue_size_for_task("sdk_task") == 1
    task = tasks.poll_task("sdk_task", "me")
    assert task.status == "IN_PROGRESS"
    tasks.add_task_log(task.task_id, 'he said "hi"\nbye é')
    assert [entry.log for entry in tasks.get_task_logs(task.task_id)] == ['he said "hi"\nbye é']
    result = TaskResult(
        task_id=task.task_id,
        workflow_instance_id=workflow_id,
        status="COMPLETED",
        output_data={"b": 2},
    )
    assert tasks.update_task(result) == task.task_id
    assert tasks.get_task(task.task_id).status == "COMPLETED"
    assert workflows.get_workflow(workflow_id).status == "COMPLETED"
    assert tasks.poll_task("sdk_task").task_id is None
    with pytest.raises(ApiException) as caught:
        workflows.get_workflow("no-such-id")
    assert caught.value.code == 404
    assert "no-such-id" in caught.value.message
    found = workflows.search(query=f'workflowId="{workflow_id}"')
    assert [one.workflow_id for one in found.results] == [workflow_id]
    _steer(workflows)


def _steer(workflows: object) -> None:
    """Pause, resume, terminate, restart, delete, through the SDK."""
    workflow_id = workflows.start_workflow(StartWorkflowRequest(name="sdk_flow"))  # type: ignore[attr-defined]
    workflows.pause_workflow(workflow_id)
    assert workflows.get_workflow(workflow_id).status == "PAUSED"
    workflows.resume_workflow(workflow_id)
    assert workflows.get_workflow(workflow_id).status == "RUNNING"
    workflows.terminate_workflow(workflow_id, "done with it")
    assert workflows.get_workflow_status(workflow_id).status == "TERMINATED"
    workflows.restart_workflow(workflow_id)
    assert workflows.get_workflow(workflow_id).status == "RUNNING"
    workflows.delete_workflow(workflow_id)
    with pytest.raises(ApiException):
        workflows.get_workflow(workflow_id)


async def test_a_worker_of_the_sdk_does_its_tasks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with served_engine(tmp_path) as address:
        await asyncio.to_thread(_work, address)
    troubles = [record for record in caplog.records if record.name.startswith("conductor")]
    assert not [one for one in troubles if one.levelno >= logging.ERROR], troubles


def _work(address: str) -> None:
    os.environ.setdefault("HOME", str(Path.cwd()))
    configuration = Configuration(server_api_url=f"{address}/api")
    clients = OrkesClients(configuration)
    node = WorkflowTask(name="double", task_reference_name="double", type="SIMPLE")
    node.input_parameters = {"n": "${workflow.input.n}"}
    definition = WorkflowDef(name="doubling", version=1, tasks=[node])
    clients.get_metadata_client().register_workflow_def(definition, overwrite=True)
    workflows = clients.get_workflow_client()
    ids = [
        workflows.start_workflow(StartWorkflowRequest(name="doubling", input={"n": n}))
        for n in range(3)
    ]
    worker = Worker(task_definition_name="double", execute_function=_double)
    runner = TaskRunner(worker, configuration)
    done = threading.Event()
    thread = threading.Thread(target=_run_until, args=(runner, done))
    thread.start()
    try:
        for n, workflow_id in enumerate(ids):
            run = _ended(workflows, workflow_id)
            assert run.output == {"result": 2 * n}
    finally:
        done.set()
        thread.join(10)


def _double(n: int) -> int:
    return 2 * n


def _run_until(runner: TaskRunner, done: threading.Event) -> None:
    while not done.is_set():
        runner.run_once()


def _ended(workflows: object, workflow_id: str) -> object:
    deadline = threading.Event()
    for _ in range(500):
        run = workflows.get_workflow(workflow_id)  # type: ignore[attr-defined]
        if run.status != "RUNNING":
            return run
        deadline.wait(0.02)
    raise AssertionError("the workflow did not end in time")
