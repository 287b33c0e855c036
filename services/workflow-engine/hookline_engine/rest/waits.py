"""The waits of executions over HTTP, for operators (protocols.md F7)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.web import json_answer
from hookline_engine.rest.requests import parameters
from hookline_engine.waits import Waits

LARGEST_PAGE = 1_000


def routes(waits: Waits) -> list[BaseRoute]:
    """The endpoint that writes them again, page by page."""

    async def rebuild(request: Request) -> Response:
        """POST /waits/rebuild: one page; go on with the cursor that comes back."""
        query = parameters(request)
        limit = query.integer("limit", 500, least=1, most=LARGEST_PAGE)
        return json_answer(await waits.rebuild(query.text("cursor"), limit))

    return [Route("/api/waits/rebuild", rebuild, methods=["POST"])]
