"""The schema registry over HTTP (specs/rest.md 2.10, Orkes' rows)."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import BadRequest
from hookline_common.web import caller, empty_answer, json_answer
from hookline_engine.definitions.lenient import Reader
from hookline_engine.definitions.model import SchemaDef, as_json
from hookline_engine.rest.definition_bodies import as_pointer, not_empty
from hookline_engine.rest.fields import pointer_step
from hookline_engine.rest.requests import (
    as_object,
    parameters,
    path_integer,
    read_json,
    wrong_type,
)
from hookline_engine.schema_store import SchemaStore, no_such_schema
from hookline_engine.schemas import schema_fault

_PREFIX = "/api/schema"


def schema_routes(store: SchemaStore) -> list[BaseRoute]:
    """The endpoints of schemas."""
    served = Schemas(store)
    one, version = f"{_PREFIX}/{{name}}", f"{_PREFIX}/{{name}}/{{version}}"
    return [
        Route(_PREFIX, served.save, methods=["POST"]),
        Route(_PREFIX, served.all),
        Route(one, served.latest),
        Route(one, served.delete_all, methods=["DELETE"]),
        Route(version, served.one),
        Route(version, served.delete, methods=["DELETE"]),
    ]


class Schemas:
    """The endpoints under `/schema`."""

    def __init__(self, store: SchemaStore) -> None:
        self._store = store

    async def save(self, request: Request) -> Response:
        """POST: create or replace; with `newVersion` as the next version. One, or a list."""
        as_new = parameters(request).boolean("newVersion", default=False)
        schemas = _read(await read_json(request), caller(request))
        save = self._store.add_version if as_new else self._store.put
        for schema in schemas:
            await save(schema)
        return empty_answer()

    async def all(self, _: Request) -> Response:
        """GET: all versions of all schemas."""
        return json_answer([as_json(schema) for schema in await self._store.all()])

    async def latest(self, request: Request) -> Response:
        """GET: the highest version."""
        name = request.path_params["name"]
        found = await self._store.latest(name)
        if found is None:
            raise no_such_schema(name)
        return json_answer(as_json(found))

    async def one(self, request: Request) -> Response:
        """GET: one version."""
        key = request.path_params["name"], path_integer(request, "version")
        found = await self._store.found([key])
        if key not in found:
            raise no_such_schema(*key)
        return json_answer(as_json(found[key]))

    async def delete(self, request: Request) -> Response:
        """DELETE: one version."""
        version = path_integer(request, "version")
        await self._store.delete(request.path_params["name"], version)
        return empty_answer()

    async def delete_all(self, request: Request) -> Response:
        """DELETE: all versions."""
        await self._store.delete(request.path_params["name"])
        return empty_answer()


def _read(body: Any, author: str | None) -> Sequence[SchemaDef]:
    """The schemas in a request, all of them good; raises BadRequest."""
    if isinstance(body, list):
        parts = not_empty(cast("list[Any]", body))
        schemas = [_one(part, f"/{index}") for index, part in enumerate(parts)]
    elif isinstance(body, dict):
        schemas = [_one(body, "")]
    else:
        raise wrong_type("", "a schema or a list of them", body)
    if author is None:
        return schemas
    return [msgspec.structs.replace(schema, created_by=author) for schema in schemas]


def _one(body: Any, pointer: str) -> SchemaDef:
    fields = as_object(body, pointer)
    for name in ("name", "type"):
        if not fields.get(name):
            message = f"A schema needs a {name}."
            raise BadRequest(message, code="missing_field", field=pointer + pointer_step(name))
    reader = Reader()
    schema = reader.read(SchemaDef, fields, "arg0")
    if schema is None:
        first = reader.violations[0]
        place = pointer + as_pointer(first.path.removeprefix("arg0"))
        message = f"{place[1:].replace('/', '.')!r} {first.message}."
        raise BadRequest(message, code="invalid_value", field=place)
    if schema.version < 1:
        message = f"The version of a schema is at least 1, not {schema.version}."
        raise BadRequest(message, code="out_of_range", field=f"{pointer}/version")
    fault = schema_fault(schema.data) if schema.type == "JSON" else None
    if fault is not None:
        place = f"{pointer}/data{fault.pointer}"
        message = f"This is no JSON schema: {place} {fault.message}."
        raise BadRequest(message, code="invalid_schema", field=place)
    return schema
