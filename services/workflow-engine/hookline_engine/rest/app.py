"""Everything about definitions, webhooks and event history in one: stores, routes, life."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version

import httpx
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.clock import Clock
from hookline_common.documents import Documents
from hookline_common.errors import Retryable
from hookline_common.eventlog import EventLog
from hookline_common.sealing import Sealer
from hookline_common.web import json_answer, text_answer
from hookline_common.webhooks import ConfigRecord
from hookline_engine.config_records import RETRY_SECONDS, ConfigRecords
from hookline_engine.dead_letter_actions import DeadLetters
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.environment_store import EnvironmentStore
from hookline_engine.explaining import Explainer
from hookline_engine.replay_preview import ReplayPreview
from hookline_engine.replays import Replays
from hookline_engine.resealing import Resealing
from hookline_engine.rest import metadata, platforms, tags, webhook_events, webhooks
from hookline_engine.rest.dead_letters import dead_letters_routes
from hookline_engine.rest.environment import environment_routes
from hookline_engine.rest.match_preview import match_preview_routes
from hookline_engine.rest.replays import replays_routes
from hookline_engine.rest.resealing import resealing_routes
from hookline_engine.rest.schemas import schema_routes
from hookline_engine.rest.secrets import secret_routes
from hookline_engine.rest.services import services_routes
from hookline_engine.rest.stats import stats_routes
from hookline_engine.rest.topics import topics_routes
from hookline_engine.rest.webhook_changes import WebhookChanges
from hookline_engine.rest.webhook_tests import TestEvents
from hookline_engine.rest.webhook_views import WebhookViews
from hookline_engine.schema_store import SchemaStore
from hookline_engine.secret_store import SecretStore
from hookline_engine.tag_store import TagStore
from hookline_engine.webhook_store import WebhookStore

_log = structlog.get_logger()

Problems = Callable[[], Awaitable[Sequence[str]]]


class Registry:
    """Definitions, webhooks and history: their stores and their HTTP surface."""

    def __init__(
        self,
        documents: Documents,
        log: EventLog,
        sealer: Sealer,
        clock: Clock,
        *,
        public_url: str,
        gateway: httpx.AsyncClient,
    ) -> None:
        self._documents = documents
        self._log = log
        self._clock = clock
        self._sealer = sealer
        self._public_url = public_url
        self._gateway = gateway
        self._records = ConfigRecords(log)
        self.definitions = DefinitionStore(documents, self._records, clock)
        self.webhooks = WebhookStore(documents, self._records, clock)
        preview = ReplayPreview(documents, log, sealer, clock, self.webhooks, self.definitions)
        self.replays = Replays(documents, log, sealer, clock, preview)
        self._explainer = Explainer(documents, self.webhooks, self.definitions, clock)

    async def start(self) -> None:
        """Publish what a crash kept back between a document and its record; waits for log and
        store to answer.
        """
        for pause in itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1])):
            try:
                await self._records.heal(self._saved, self._clock.now_ms())
            except Retryable as error:
                _log.warning("waiting_to_heal_config", error=str(error))
                await asyncio.sleep(pause)
            else:
                break
        await self.replays.runner.start()

    async def stop(self) -> None:
        """Stop what runs in the background."""
        await self.replays.runner.stop()
        await self._records.close()
        await self._gateway.aclose()

    async def _saved(self) -> Sequence[ConfigRecord]:
        return [*await self.webhooks.records(), *await self.definitions.plan_records()]

    def routes(self) -> list[BaseRoute]:
        """All their routes."""
        tag_store = TagStore(self._documents)
        changes = WebhookChanges(self._sealer)
        views = WebhookViews(self._sealer, self._public_url)
        tests = TestEvents(self.webhooks, self._sealer, self._clock, self._gateway)
        return [
            *metadata.routes(self.definitions),
            *tags.routes(self.definitions, tag_store),
            *webhooks.routes(self.webhooks, self.definitions, changes, views, self._clock),
            *tests.routes(),
            *schema_routes(SchemaStore(self._documents, self._clock)),
            *secret_routes(SecretStore(self._documents, self._sealer), tag_store),
            *resealing_routes(Resealing(self._documents, self.webhooks, self._sealer)),
            *environment_routes(EnvironmentStore(self._documents)),
            *platforms.routes(),
            *webhook_events.routes(self._documents, self._log, self._explainer, self._clock),
            *replays_routes(self.replays),
            *dead_letters_routes(DeadLetters(self._documents, self._log)),
            *topics_routes(self._log),
            *match_preview_routes(self._documents, self.webhooks),
            *services_routes(self._documents),
            *stats_routes(self._documents, self.webhooks, self._clock),
        ]


def health_routes(problems: Problems) -> list[BaseRoute]:
    """`/health`, `/api/health` and `/api/version` (specs/rest.md 2.7)."""

    async def health(_: Request) -> Response:
        found = await problems()
        results = [{"healthy": False, "details": {"message": problem}} for problem in found]
        body = {"healthy": not found, "healthResults": results, "suppressedHealthResults": []}
        return json_answer(body, 503 if found else 200)

    async def show_version(_: Request) -> Response:
        return text_answer(version("hookline-engine"))

    return [
        Route("/health", health),
        Route("/api/health", health),
        Route("/api/version", show_version),
    ]
