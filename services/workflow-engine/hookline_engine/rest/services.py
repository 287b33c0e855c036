"""`GET /services` (rest.md 2.10a): which processes of each service run, and which are ready."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.documents import Documents
from hookline_common.instances import Instance, instances
from hookline_common.web import json_answer

SERVICES = ("ingest", "verifier", "matcher", "engine")
"""Those that every deployment needs, in the order in which an event passes them."""


def services_routes(documents: Documents) -> list[BaseRoute]:
    """The endpoint."""

    async def show(_: Request) -> Response:
        """GET: every service with its instances; `ready`: at least one of them is."""
        found: dict[str, list[Instance]] = {name: [] for name in SERVICES}
        for one in await instances(documents):
            found.setdefault(one.service, []).append(one)
        shown = [
            {"service": name, "ready": any(one.ready for one in those), "instances": those}
            for name, those in found.items()
        ]
        return json_answer({"services": shown})

    return [Route("/api/services", show)]
