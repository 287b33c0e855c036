"""Workflow and task definitions over HTTP (specs/rest.md 2.1)."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import ApiError, NotFound
from hookline_common.web import caller, empty_answer, json_answer, without_nulls
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.definitions.model import TaskDef, WorkflowDef, as_json
from hookline_engine.rest.definition_bodies import not_empty, read_task_def, read_workflow_def
from hookline_engine.rest.requests import (
    parameters,
    path_integer,
    read_list_or_one,
    read_object,
)

_PREFIX = "/api/metadata"


def routes(store: DefinitionStore) -> list[BaseRoute]:
    """The endpoints of definitions."""
    return [*_workflow_routes(WorkflowDefinitions(store)), *_task_routes(TaskDefinitions(store))]


def _workflow_routes(served: "WorkflowDefinitions") -> list[BaseRoute]:
    prefix = f"{_PREFIX}/workflow"
    return [
        Route(prefix, served.add, methods=["POST"]),
        Route(prefix, served.put, methods=["PUT"]),
        Route(prefix, served.all),
        Route(f"{prefix}/validate", served.validate, methods=["POST"]),
        Route(f"{prefix}/names", served.names),
        Route(f"{prefix}/names-and-versions", served.names_and_versions),
        Route(f"{prefix}/latest-versions", served.latest),
        Route(f"{prefix}/{{name}}", served.one),
        Route(f"{prefix}/{{name}}/versions", served.versions),
        Route(f"{prefix}/{{name}}/{{version}}", served.delete, methods=["DELETE"]),
    ]


def _task_routes(served: "TaskDefinitions") -> list[BaseRoute]:
    prefix = f"{_PREFIX}/taskdefs"
    return [
        Route(prefix, served.put, methods=["POST"]),
        Route(prefix, served.update, methods=["PUT"]),
        Route(prefix, served.all),
        Route(f"{prefix}/{{name}}", served.one),
        Route(f"{prefix}/{{name}}", served.delete, methods=["DELETE"]),
    ]


class WorkflowDefinitions:
    """The endpoints under `/metadata/workflow`."""

    def __init__(self, store: DefinitionStore) -> None:
        self._store = store

    async def add(self, request: Request) -> Response:
        """POST: a new version, or with `overwrite` a new or replaced one."""
        overwrite = parameters(request).boolean("overwrite", default=False)
        body = await read_object(request)
        author = caller(request)
        definition = await read_workflow_def(body, "registerWorkflowDef", self._store, author)
        save = self._store.put_workflow_def if overwrite else self._store.add_workflow_def
        await save(definition)
        return empty_answer()

    async def put(self, request: Request) -> Response:
        """PUT: create or replace each; a failure of one does not keep back the others."""
        bodies, author = not_empty(await read_list_or_one(request)), caller(request)
        definitions = [
            await read_workflow_def(body, "updateWorkflowDef", self._store, author, index)
            for index, body in enumerate(bodies)
        ]
        saved, failed = list[str](), dict[str, str]()
        for definition in definitions:
            try:
                await self._store.put_workflow_def(definition)
                saved.append(definition.name)
            except ApiError as error:
                failed[definition.name] = str(error)
        return json_answer({"bulkErrorResults": failed, "bulkSuccessfulResults": saved})

    async def validate(self, request: Request) -> Response:
        """POST: validate only."""
        await read_workflow_def(await read_object(request), "validateWorkflowDef", self._store)
        return empty_answer()

    async def all(self, _: Request) -> Response:
        """GET: all versions of all workflows."""
        return json_answer(_shown(await self._store.workflow_defs()))

    async def one(self, request: Request) -> Response:
        """GET: one version, or the latest."""
        name = request.path_params["name"]
        version = parameters(request).optional_integer("version")
        found = await self._store.workflow_def(name, version)
        if found is None:
            which = "" if version is None else f", version {version}"
            raise NotFound(
                f"No such workflow found by name: {name}{which}", code="workflow_def_not_found"
            )
        return json_answer(as_json(found))

    async def names(self, _: Request) -> Response:
        """GET: the names, sorted."""
        found = await self._store.workflow_defs()
        return json_answer(sorted({definition.name for definition in found}))

    async def names_and_versions(self, _: Request) -> Response:
        """GET: the versions of each name (rest.md 3.9)."""
        found = await self._store.workflow_defs()
        return json_answer(
            {
                name: [_summary(version, "updateTime") for version in versions]
                for name, versions in groupby(found, key=lambda definition: definition.name)
            }
        )

    async def versions(self, request: Request) -> Response:
        """GET: the versions of one name, ascending."""
        found = await self._store.workflow_defs(request.path_params["name"])
        return json_answer([_summary(definition) for definition in found])

    async def latest(self, _: Request) -> Response:
        """GET: the highest version of each."""
        newest = {definition.name: definition for definition in await self._store.workflow_defs()}
        return json_answer(_shown(newest.values()))

    async def delete(self, request: Request) -> Response:
        """DELETE: one version."""
        version = path_integer(request, "version")
        await self._store.delete_workflow_def(request.path_params["name"], version)
        return empty_answer()


class TaskDefinitions:
    """The endpoints under `/metadata/taskdefs`."""

    def __init__(self, store: DefinitionStore) -> None:
        self._store = store

    async def put(self, request: Request) -> Response:
        """POST: create or replace a list of them."""
        bodies, author = not_empty(await read_list_or_one(request)), caller(request)
        definitions = [
            read_task_def(body, "registerTaskDef", author, index)
            for index, body in enumerate(bodies)
        ]
        await self._store.put_task_defs(definitions)
        return empty_answer()

    async def update(self, request: Request) -> Response:
        """PUT: replace one that exists."""
        body = await read_object(request)
        await self._store.update_task_def(read_task_def(body, "updateTaskDef", caller(request)))
        return empty_answer()

    async def all(self, _: Request) -> Response:
        """GET: all of them."""
        return json_answer(_shown(await self._store.all_task_defs()))

    async def one(self, request: Request) -> Response:
        """GET: one."""
        name = request.path_params["name"]
        found = (await self._store.task_defs([name])).get(name)
        if found is None:
            message = f"No such taskType found by name: {name}"
            raise NotFound(message, code="task_def_not_found")
        return json_answer(as_json(found))

    async def delete(self, request: Request) -> Response:
        """DELETE: one."""
        await self._store.delete_task_def(request.path_params["name"])
        return empty_answer()


def _shown(definitions: Iterable[WorkflowDef | TaskDef]) -> list[Any]:
    return [as_json(definition) for definition in definitions]


def _summary(definition: WorkflowDef, *more: str) -> dict[str, Any]:
    shown = {
        "name": definition.name,
        "version": definition.version,
        "createTime": definition.create_time,
    }
    return without_nulls(
        shown | ({"updateTime": definition.update_time} if "updateTime" in more else {})
    )
