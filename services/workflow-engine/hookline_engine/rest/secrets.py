"""Secrets that workflows name, and their tags, over HTTP (specs/rest.md 2.9)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import BadRequest, NotFound, SealBroken, Unavailable
from hookline_common.web import empty_answer, json_answer, text_answer
from hookline_engine.rest.named_values import read_value, value_name
from hookline_engine.rest.requests import read_list_or_one
from hookline_engine.secret_store import SecretStore
from hookline_engine.tag_store import TagStore, parse_tags

_PREFIX = "/api/secrets"


def secret_routes(store: SecretStore, tags: TagStore) -> list[BaseRoute]:
    """The endpoints of secrets."""
    secrets, tagged = Secrets(store, tags), SecretTags(store, tags)
    one = f"{_PREFIX}/{{key}}"
    return [
        Route(_PREFIX, secrets.names, methods=["GET", "POST"]),
        Route(f"{_PREFIX}/v2", secrets.names_with_tags),
        Route("/api/secrets-v2", secrets.names_with_tags),
        Route(one, secrets.one),
        Route(one, secrets.put, methods=["PUT"]),
        Route(one, secrets.delete, methods=["DELETE"]),
        Route(f"{one}/exists", secrets.exists),
        Route(f"{one}/tags", tagged.all),
        Route(f"{one}/tags", tagged.put, methods=["PUT"]),
        Route(f"{one}/tags", tagged.remove, methods=["DELETE"]),
    ]


class Secrets:
    """The endpoints under `/secrets`."""

    def __init__(self, store: SecretStore, tags: TagStore) -> None:
        self._store = store
        self._tags = tags

    async def names(self, _: Request) -> Response:
        """GET and POST: the names, never the values."""
        return json_answer(await self._store.names())

    async def names_with_tags(self, _: Request) -> Response:
        """GET: each name with its tags."""
        shown = [
            {"name": name, "tags": await self._tags.tags("secret", name)}
            for name in await self._store.names()
        ]
        return json_answer(shown)

    async def one(self, request: Request) -> Response:
        """GET: the value as text."""
        name = value_name(request)
        try:
            value = await self._store.value(name)
        except SealBroken as error:
            raise Unavailable(f"The secret {name} cannot be opened: {error}") from error
        if value is None:
            raise _no_such_secret(name)
        return text_answer(value)

    async def put(self, request: Request) -> Response:
        """PUT: create or replace."""
        name, value = value_name(request), await read_value(request)
        if not value:
            raise BadRequest("A secret needs a value.", code="empty_value", field="")
        await self._store.put(name, value)
        return empty_answer()

    async def delete(self, request: Request) -> Response:
        """DELETE: with its tags; one that is not there is fine."""
        name = value_name(request)
        await self._store.delete(name)
        await self._tags.put("secret", name, [])
        return empty_answer()

    async def exists(self, request: Request) -> Response:
        """GET: true or false."""
        return json_answer(await self._store.exists(value_name(request)))


class SecretTags:
    """The endpoints `/secrets/{key}/tags`."""

    def __init__(self, store: SecretStore, tags: TagStore) -> None:
        self._store = store
        self._tags = tags

    async def all(self, request: Request) -> Response:
        """GET: the tags."""
        return json_answer(await self._tags.tags("secret", await self._known(request)))

    async def put(self, request: Request) -> Response:
        """PUT: replace all."""
        name = await self._known(request)
        await self._tags.put("secret", name, parse_tags(await read_list_or_one(request)))
        return empty_answer()

    async def remove(self, request: Request) -> Response:
        """DELETE: remove those in the body."""
        name = await self._known(request)
        await self._tags.remove("secret", name, parse_tags(await read_list_or_one(request)))
        return empty_answer()

    async def _known(self, request: Request) -> str:
        name = value_name(request)
        if not await self._store.exists(name):
            raise _no_such_secret(name)
        return name


def _no_such_secret(name: str) -> NotFound:
    return NotFound(f"No such secret found by name: {name}", code="secret_not_found")
