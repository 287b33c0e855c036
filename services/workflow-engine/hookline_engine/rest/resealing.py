"""Sealing stored secrets under the newest key over HTTP, for operators."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.web import json_answer
from hookline_engine.resealing import Resealing
from hookline_engine.rest.requests import parameters

LARGEST_PAGE = 500


def resealing_routes(resealing: Resealing) -> list[BaseRoute]:
    """The endpoint that does it page by page."""

    async def reseal(request: Request) -> Response:
        """POST /seal-keys/reseal: one page; go on with the cursor that comes back."""
        query = parameters(request)
        limit = query.integer("limit", 100, least=1, most=LARGEST_PAGE)
        return json_answer(await resealing.page(query.text("cursor"), limit))

    return [Route("/api/seal-keys/reseal", reseal, methods=["POST"])]
