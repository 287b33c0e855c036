"""The catalogue of platforms over HTTP: fields, labels, set-up steps and sample events."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.platforms.catalogue import descriptions
from hookline_common.web import json_answer, without_nulls


def routes() -> list[BaseRoute]:
    """`GET /api/metadata/webhook-platforms`."""
    return [Route("/api/metadata/webhook-platforms", platforms)]


async def platforms(_: Request) -> Response:
    """GET: what users need to know of each platform."""
    return json_answer([without_nulls(described) for described in descriptions()])
