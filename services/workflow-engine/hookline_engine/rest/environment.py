"""Values that workflows share, over HTTP (specs/rest.md 2.9)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import NotFound
from hookline_common.web import empty_answer, json_answer, text_answer
from hookline_engine.environment_store import EnvironmentStore
from hookline_engine.rest.named_values import read_value, value_name

_PREFIX = "/api/environment"


def environment_routes(store: EnvironmentStore) -> list[BaseRoute]:
    """The endpoints of the environment."""
    served = Environment(store)
    one = f"{_PREFIX}/{{key}}"
    return [
        Route(_PREFIX, served.all),
        Route(one, served.one),
        Route(one, served.put, methods=["PUT"]),
        Route(one, served.delete, methods=["DELETE"]),
    ]


class Environment:
    """The endpoints under `/environment`."""

    def __init__(self, store: EnvironmentStore) -> None:
        self._store = store

    async def all(self, _: Request) -> Response:
        """GET: all names with their values."""
        found = await self._store.all()
        return json_answer([{"name": name, "value": value} for name, value in found.items()])

    async def one(self, request: Request) -> Response:
        """GET: one value as text."""
        name = value_name(request)
        value = await self._store.value(name)
        if value is None:
            message = f"No such environment variable found by name: {name}"
            raise NotFound(message, code="variable_not_found")
        return text_answer(value)

    async def put(self, request: Request) -> Response:
        """PUT: create or replace."""
        await self._store.put(value_name(request), await read_value(request))
        return empty_answer()

    async def delete(self, request: Request) -> Response:
        """DELETE: one that is not there is fine."""
        await self._store.delete(value_name(request))
        return empty_answer()
