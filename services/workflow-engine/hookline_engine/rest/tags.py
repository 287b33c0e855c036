"""Tags and rate-limit settings of definitions over HTTP (specs/rest.md 2.1, Orkes' rows)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.errors import NotFound
from hookline_common.web import empty_answer, json_answer
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.rest.requests import parameters, read_list_or_one, read_object
from hookline_engine.tag_store import TagKind, TagStore, parse_tags

_PREFIX = "/api/metadata"


def routes(definitions: DefinitionStore, tags: TagStore) -> list[BaseRoute]:
    """The endpoints of tags."""
    limits = RateLimits(definitions, tags)
    limit_path = f"{_PREFIX}/tags/workflow/{{name}}"
    kinds: tuple[TagKind, ...] = ("workflow", "task")
    return [
        *(
            route
            for kind in kinds
            for route in _tag_routes(DefinitionTags(definitions, tags, kind))
        ),
        Route(f"{_PREFIX}/tags", AllTags(tags).all),
        Route(limit_path, limits.get),
        Route(limit_path, limits.put, methods=["POST"]),
        Route(limit_path, limits.delete, methods=["DELETE"]),
    ]


def _tag_routes(served: "DefinitionTags") -> list[BaseRoute]:
    path = f"{_PREFIX}/{served.kind}/{{name}}/tags"
    return [
        Route(path, served.get),
        Route(path, served.add, methods=["POST"]),
        Route(path, served.put, methods=["PUT"]),
        Route(path, served.remove, methods=["DELETE"]),
    ]


class AllTags:
    """The endpoint `/metadata/tags`."""

    def __init__(self, tags: TagStore) -> None:
        self._tags = tags

    async def all(self, _: Request) -> Response:
        """GET: every tag once."""
        return json_answer(await self._tags.all_tags())


class DefinitionTags:
    """The endpoints `/metadata/workflow/{name}/tags` or `/metadata/task/{name}/tags`."""

    def __init__(self, definitions: DefinitionStore, tags: TagStore, kind: TagKind) -> None:
        self._definitions = definitions
        self._tags = tags
        self.kind: TagKind = kind

    async def get(self, request: Request) -> Response:
        """GET: the tags; an empty list also when there is no such definition."""
        return json_answer(await self._tags.tags(self.kind, request.path_params["name"]))

    async def add(self, request: Request) -> Response:
        """POST: add one (or several)."""
        name = await self._known(request)
        await self._tags.add(self.kind, name, parse_tags(await read_list_or_one(request)))
        return empty_answer()

    async def put(self, request: Request) -> Response:
        """PUT: replace all."""
        name = await self._known(request)
        await self._tags.put(self.kind, name, parse_tags(await read_list_or_one(request)))
        return empty_answer()

    async def remove(self, request: Request) -> Response:
        """DELETE: remove those in the body; one that is not there is fine."""
        tags = parse_tags(await read_list_or_one(request))
        await self._tags.remove(self.kind, request.path_params["name"], tags)
        return empty_answer()

    async def _known(self, request: Request) -> str:
        name = request.path_params["name"]
        if self.kind == "workflow":
            found = await self._definitions.workflow_def(name) is not None
        else:
            found = name in await self._definitions.task_defs([name])
        if not found:
            raise NotFound(f"There is no {self.kind} definition named {name}.")
        return name


class RateLimits:
    """The endpoints `/metadata/tags/workflow/{name}`."""

    def __init__(self, definitions: DefinitionStore, tags: TagStore) -> None:
        self._definitions = definitions
        self._tags = tags

    async def get(self, request: Request) -> Response:
        """GET: `{"rateLimit": …}`, `{}` when none was set."""
        name, version = await self._known(request)
        limit = await self._tags.rate_limit(name, version)
        return json_answer({} if limit is None else {"rateLimit": limit})

    async def put(self, request: Request) -> Response:
        """POST: set it."""
        name, version = await self._known(request)
        body = await read_object(request)
        await self._tags.put_rate_limit(name, version, body.get("rateLimit", {}))
        return empty_answer()

    async def delete(self, request: Request) -> Response:
        """DELETE: remove it."""
        name, version = await self._known(request)
        await self._tags.put_rate_limit(name, version, None)
        return empty_answer()

    async def _known(self, request: Request) -> tuple[str, int | None]:
        name = request.path_params["name"]
        version = parameters(request).optional_integer("version")
        if await self._definitions.workflow_def(name, version) is None:
            raise NotFound(f"There is no workflow definition named {name}.")
        return name, version
