"""The official SDK, unmodified: schemas, secrets, and workers that register their schemas."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from conductor.client.automator.task_runner import TaskRunner
from conductor.client.configuration.configuration import Configuration
from conductor.client.http.models import StartWorkflowRequest
from conductor.client.http.models.schema_def import SchemaDef, SchemaType
from conductor.client.http.models.task_def import TaskDef
from conductor.client.http.models.workflow_def import WorkflowDef
from conductor.client.http.models.workflow_task import WorkflowTask
from conductor.client.http.rest import ApiException
from conductor.client.orkes.models.metadata_tag import MetadataTag
from conductor.client.orkes_clients import OrkesClients
from conductor.client.worker.worker import Worker

from tests.engine.test_sdk_worker import served_engine

pytestmark = pytest.mark.filterwarnings("ignore")  # the SDK's own


async def with_sdk(tmp_path: Path, use: Callable[[OrkesClients], None]) -> None:
    async with served_engine(tmp_path) as address:
        clients = OrkesClients(Configuration(server_api_url=f"{address}/api"))
        await asyncio.to_thread(use, clients)


def uses_schemas(clients: OrkesClients) -> None:
    schemas = clients.get_schema_client()
    data = {"type": "object", "properties": {"n": {"type": "integer"}}}
    schemas.register_schema(SchemaDef(name="a b/c", version=2, type=SchemaType.JSON, data=data))
    found = schemas.get_schema("a b/c", 2)
    assert (found.name, found.version, found.type, found.data) == ("a b/c", 2, "JSON", data)
    assert [one.name for one in schemas.get_all_schemas()] == ["a b/c"]
    schemas.delete_schema("a b/c", 2)
    with pytest.raises(ApiException) as error:
        schemas.get_schema("a b/c", 2)
    assert error.value.code == 404
    assert "a b/c" in error.value.message
    schemas.register_schema(SchemaDef(name="x", version=1, type=SchemaType.AVRO, data={}))
    schemas.delete_schema_by_name("x")
    assert schemas.get_all_schemas() == []


def uses_secrets(clients: OrkesClients) -> None:
    secrets = clients.get_secret_client()
    secrets.put_secret("key", 'he said "hi"\nbye é')
    assert secrets.get_secret("key") == 'he said "hi"\nbye é'
    assert secrets.secret_exists("key") is True
    assert secrets.secret_exists("other") is False
    assert secrets.list_all_secret_names() == {"key"}
    assert secrets.list_secrets_that_user_can_grant_access_to() == ["key"]
    tags = [MetadataTag("team", "a"), MetadataTag("level", "b")]
    secrets.set_secret_tags(tags, "key")
    assert len(secrets.get_secret_tags("key")) == 2
    secrets.delete_secret_tags(tags, "key")
    assert secrets.get_secret_tags("key") == []
    secrets.delete_secret("key")
    with pytest.raises(ApiException) as error:
        secrets.get_secret("key")
    assert error.value.code == 404


def refuses_an_input(clients: OrkesClients) -> None:
    data = {"required": ["n"]}
    clients.get_schema_client().register_schema(
        SchemaDef(name="order", version=1, type=SchemaType.JSON, data=data)
    )
    clients.get_metadata_client().register_workflow_def(
        WorkflowDef(
            name="flow",
            version=1,
            tasks=[WorkflowTask(name="t", task_reference_name="t")],
            input_schema=SchemaDef(name="order", version=1),
            enforce_schema=True,
        )
    )
    workflows = clients.get_workflow_client()
    with pytest.raises(ApiException) as error:
        workflows.start_workflow(StartWorkflowRequest(name="flow", input={"m": 1}))
    assert error.value.code == 400
    assert "'n' is a required property" in error.value.message
    assert workflows.start_workflow(StartWorkflowRequest(name="flow", input={"n": 1}))


def double(n: int) -> int:
    return 2 * n


def a_worker_registers_its_schemas(clients: OrkesClients) -> None:
    worker = Worker(task_definition_name="double", execute_function=double)
    worker.register_task_def = worker.overwrite_task_def = worker.register_schema = True
    runner = TaskRunner(worker, clients.configuration)
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        task = registered(clients)
        assert (task.input_schema.name, task.input_schema.version) == ("double_input", 1)
        given = clients.get_schema_client().get_schema("double_input", 1)
        assert given.data["properties"]["n"]["type"] == "integer"
        node = WorkflowTask(name="double", task_reference_name="double")
        node.input_parameters = {"n": "${workflow.input.n}"}
        flow = WorkflowDef(name="doubling", version=1, tasks=[node])
        clients.get_metadata_client().register_workflow_def(flow)
        run = clients.get_workflow_client().execute_workflow(
            StartWorkflowRequest(name="doubling", version=1, input={"n": 4}),
            wait_until_task_ref="double",
        )
        assert run.output == {"result": 8}
    finally:
        runner.stop()
        thread.join(20)


def registered(clients: OrkesClients) -> TaskDef:
    """The task definition once the worker has registered it."""
    pause, metadata = threading.Event(), clients.get_metadata_client()
    for _ in range(500):
        found = [one for one in metadata.get_all_task_defs() if one.name == "double"]
        if found:
            return found[0]
        pause.wait(0.02)
    raise AssertionError("the worker did not register its task")


@pytest.mark.parametrize(
    "use", [uses_schemas, uses_secrets, refuses_an_input, a_worker_registers_its_schemas]
)
async def test_the_sdk(tmp_path: Path, use: Callable[[OrkesClients], None]) -> None:
    await with_sdk(tmp_path, use)
