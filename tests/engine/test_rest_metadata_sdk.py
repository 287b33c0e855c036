"""The official Conductor SDK registers, reads and removes definitions, with and without keys."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conductor.client.configuration.configuration import Configuration
from conductor.client.configuration.settings.authentication_settings import AuthenticationSettings
from conductor.client.http.models.task_def import TaskDef
from conductor.client.http.models.workflow_def import WorkflowDef
from conductor.client.http.models.workflow_task import WorkflowTask
from conductor.client.http.rest import ApiException
from conductor.client.orkes.models.metadata_tag import MetadataTag
from conductor.client.orkes_clients import OrkesClients

from hookline_common.serving import Door, Listener, open_door
from hookline_common.web import ApiKeys, create_app
from tests.engine.rest_surface import Surface, open_stores, open_surface

# The SDK's models warn about their own fields.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning")


@asynccontextmanager
async def served(surface: Surface, keys: ApiKeys | None) -> AsyncIterator[str]:
    listener = Listener.bind("127.0.0.1", 0, "HOOKLINE_PORT")
    app = create_app(surface.registry.routes(), problems=surface.log.problems, keys=keys)
    failures: list[Any] = []
    server = await open_door(Door(app, listener), failures.append)
    try:
        yield f"http://127.0.0.1:{listener.port}/api"
    finally:
        await server.close()
    assert failures == []


async def with_sdk(
    tmp_path: Path,
    use: Callable[[OrkesClients], None],
    keys: ApiKeys | None = None,
    login: AuthenticationSettings | None = None,
) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
        served(surface, keys) as url,
    ):

        def run() -> None:
            clients = OrkesClients(Configuration(server_api_url=url, authentication_settings=login))
            use(clients)

        await asyncio.to_thread(run)


def registers(clients: OrkesClients) -> None:
    metadata = clients.get_metadata_client()
    task = WorkflowTask(name="a/b work", task_reference_name="t")
    metadata.register_workflow_def(WorkflowDef(name="a/b flow", version=1, tasks=[task]))
    metadata.register_workflow_def(WorkflowDef(name="a/b flow", version=2, tasks=[task]))
    assert metadata.get_workflow_def("a/b flow").version == 2
    assert metadata.get_workflow_def("a/b flow", version=1).version == 1
    assert len(metadata.get_all_workflow_defs()) == 2
    with pytest.raises(ApiException) as error:
        metadata.register_workflow_def(
            WorkflowDef(name="a/b flow", version=2, tasks=[task]), overwrite=False
        )
    assert error.value.code == 409
    metadata.update_workflow_def(
        WorkflowDef(name="a/b flow", version=2, tasks=[task], description="new")
    )
    assert metadata.get_workflow_def("a/b flow").description == "new"
    metadata.unregister_workflow_def("a/b flow", 2)
    assert metadata.get_workflow_def("a/b flow").version == 1
    with pytest.raises(ApiException) as error:
        metadata.get_workflow_def("missing flow")
    assert error.value.code == 404
    assert "missing flow" in error.value.message


def registers_tasks(clients: OrkesClients) -> None:
    metadata = clients.get_metadata_client()
    metadata.register_task_def(TaskDef(name="a/b work"))
    found = metadata.get_task_def("a/b work")
    assert found["name"] == "a/b work" if isinstance(found, dict) else found.name == "a/b work"
    metadata.update_task_def(TaskDef(name="a/b work", retry_count=7))
    assert len(metadata.get_all_task_defs()) == 1
    metadata.addTaskTag(MetadataTag("team", "x"), "a/b work")
    metadata.addTaskTag(MetadataTag("team", "y"), "a/b work")
    assert len(metadata.getTaskTags("a/b work")) == 2
    metadata.deleteTaskTag(MetadataTag("team", "x"), "a/b work")
    assert len(metadata.getTaskTags("a/b work")) == 1
    metadata.unregister_task_def("a/b work")
    with pytest.raises(ApiException) as error:
        metadata.get_task_def("a/b work")
    assert error.value.code == 404


def limits(clients: OrkesClients) -> None:
    metadata = clients.get_metadata_client()
    task = WorkflowTask(name="work", task_reference_name="t")
    metadata.register_workflow_def(WorkflowDef(name="flow", version=1, tasks=[task]))
    metadata.setWorkflowRateLimit(5, "flow")
    assert metadata.getWorkflowRateLimit("flow") == 5
    metadata.removeWorkflowRateLimit("flow")
    assert metadata.getWorkflowRateLimit("flow") is None


@pytest.mark.parametrize("use", [registers, registers_tasks, limits])
async def test_the_sdk_works_on_an_open_server(
    tmp_path: Path, use: Callable[[OrkesClients], None]
) -> None:
    await with_sdk(tmp_path, use)


async def test_the_sdk_works_with_keys(tmp_path: Path) -> None:
    login = AuthenticationSettings(key_id="ann", key_secret="s3cret")
    await with_sdk(tmp_path, registers, ApiKeys({"ann": "s3cret"}), login)


async def test_the_sdk_with_keys_works_on_an_open_server(tmp_path: Path) -> None:
    login = AuthenticationSettings(key_id="ann", key_secret="s3cret")
    await with_sdk(tmp_path, registers, None, login)
