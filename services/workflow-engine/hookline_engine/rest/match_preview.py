"""`POST /match-preview` (rest.md 2.10a): clauses of a definition beside the last events."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.documents import Documents
from hookline_common.errors import BadRequest
from hookline_common.matching import check_matches
from hookline_common.web import json_answer
from hookline_engine.match_preview import last_events, previewed
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import read_object
from hookline_engine.webhook_store import WebhookStore

DEFAULT_EVENTS = 20
MOST_EVENTS = 200


def match_preview_routes(documents: Documents, webhooks: WebhookStore) -> list[BaseRoute]:
    """The endpoint."""
    preview = MatchPreview(documents, webhooks)
    return [Route("/api/match-preview", preview.show, methods=["POST"])]


class MatchPreview:
    """Holds clauses against the history; it only reads."""

    def __init__(self, documents: Documents, webhooks: WebhookStore) -> None:
        self._documents = documents
        self._webhooks = webhooks

    async def show(self, request: Request) -> Response:
        """POST `{matches, webhookId or workflow, limit}`: the last events, the newest first, each
        clause with what was expected and what came; and how many would have met them all.
        """
        body = Fields(await read_object(request))
        body.refuse_unknown(("matches", "webhookId", "workflow", "limit"))
        matches = body.mapping("matches")
        if matches is None:
            raise body.error("matches", "Say which clauses: matches is missing.", "missing_field")
        check_matches(matches.as_mapping())
        limit = body.integer("limit", least=1, most=MOST_EVENTS) or DEFAULT_EVENTS
        found = await last_events(self._documents, await self._webhook_ids(body), limit)
        shown = [previewed(event, matches.as_mapping()) for event in found]
        met = sum(one.meets for one in shown)
        return json_answer({"examined": len(shown), "met": met, "events": shown})

    async def _webhook_ids(self, body: Fields) -> Sequence[str]:
        webhook, workflow = body.word("webhookId"), body.word("workflow")
        if (webhook is None) == (workflow is None):
            message = "Name either a webhook (webhookId) or a workflow that webhooks resume."
            raise BadRequest(message, code="missing_field", field="/webhookId")
        if webhook is not None:
            return [(await self._webhooks.get(webhook)).id]
        return [one.id for one in await self._webhooks.all() if workflow in one.receivers]
