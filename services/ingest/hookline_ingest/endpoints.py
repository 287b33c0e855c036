"""The gateway: takes a webhook request, has it stored durably, and only then answers.

A plain ASGI app, since this is the hottest path of the system. What is answered in which case is
the table of specs/webhooks.md section 2.
"""

import asyncio
from collections.abc import Callable

import structlog
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from hookline_common.clock import Clock
from hookline_common.cloudevents import raw_record
from hookline_common.errors import (
    ApiError,
    DurabilityLost,
    NotFound,
    Poison,
    Retryable,
    SealBroken,
    TooLarge,
    Unavailable,
)
from hookline_common.eventlog import EventLog, Record, Sync
from hookline_common.opened_webhooks import OpenedWebhook, OpenedWebhooks
from hookline_common.ordering import received_key
from hookline_common.rawevents import RawEvent
from hookline_common.sealed_events import seal_event
from hookline_common.sealing import Sealer
from hookline_common.webhooks import DEFAULT_MAX_BODY_BYTES, LARGEST_MAX_BODY_BYTES
from hookline_ingest.answers import ALLOW, Answer, error, refuse_body, send_answer
from hookline_ingest.arrivals import Arrivals
from hookline_ingest.backlog import Backlog
from hookline_ingest.bodies import Body, BodyMemory, SenderGone
from hookline_ingest.counters import Counters
from hookline_ingest.decisions import Decision, decide
from hookline_ingest.freshness import Freshness
from hookline_ingest.rate_limits import RateLimits

LONGEST_HEADERS = 64 * 1024
RETRY_AFTER_SECONDS = 2
_log = structlog.get_logger()


class Gateway:
    """The ASGI endpoint of `/webhook/{webhook_id}`."""

    def __init__(
        self,
        *,
        log: EventLog,
        clock: Clock,
        sealer: Sealer,
        webhooks: OpenedWebhooks,
        freshness: Freshness,
        backlog: Backlog,
        memory: BodyMemory,
        limits: RateLimits,
        arrivals: Arrivals,
        counters: Counters,
        deadline_seconds: float,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        """`deadline_seconds`: how long the log may take; `on_fatal` is told of lost durability."""
        self._log = log
        self._clock = clock
        self._sealer = sealer
        self._webhooks = webhooks
        self._freshness = freshness
        self._backlog = backlog
        self._memory = memory
        self._limits = limits
        self._arrivals = arrivals
        self._counters = counters
        self._deadline = deadline_seconds
        self._on_fatal = on_fatal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = asyncio.get_running_loop().time()
        body = Body(self._memory, DEFAULT_MAX_BODY_BYTES)
        try:
            answer, event_id = await self._answer(scope, receive, body)
        except SenderGone:
            return
        except (ApiError, Retryable) as problem:
            await self._refuse(problem, body, receive, send)
            return
        finally:
            body.close()
        await send_answer(send, answer, event_id)
        self._counters.answered(answer.status, asyncio.get_running_loop().time() - started)

    async def _answer(self, scope: Scope, receive: Receive, body: Body) -> tuple[Answer, str]:
        webhook_id: str = scope["path_params"]["webhook_id"]
        webhook = await self._webhook(webhook_id)
        options = webhook.config.options
        if options.rate_limit_per_second:
            self._limits.take(webhook_id, options.rate_limit_per_second)
        self._backlog.check()
        _check_headers(scope)
        body.limit = min(options.max_body_bytes or DEFAULT_MAX_BODY_BYTES, LARGEST_MAX_BODY_BYTES)
        content = await body.read(receive)
        event = self._arrivals.event(scope, webhook_id, content, self._clock.now_ms())
        decision = await self._decide(webhook, event)
        if decision is None:
            return ALLOW, ""
        await self._store(webhook, replace(event, answer=decision.stamp))
        return decision.answer, event.id

    async def _webhook(self, webhook_id: str) -> OpenedWebhook:
        """The webhook; before it is said to be unknown the configuration is read again (D2)."""
        try:
            webhook = self._webhooks.get(webhook_id)
            if webhook is not None:
                self._freshness.soon()
                return webhook
            await self._fresh()
            webhook = self._webhooks.get(webhook_id)
        except SealBroken as broken:
            # It exists, so it is not a 404, which would make senders give up (D3).
            _log.error("webhook_cannot_be_opened", webhook_id=webhook_id, error=str(broken))
            raise Unavailable(
                "The webhook cannot be used at the moment.", retry_after_seconds=60
            ) from broken
        if webhook is None:
            raise NotFound("There is no such webhook.", code="webhook_not_found")
        return webhook

    async def _fresh(self) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                await self._freshness.fresh()
        except TimeoutError as late:
            raise _unavailable() from late

    async def _decide(self, webhook: OpenedWebhook, event: RawEvent) -> Decision | None:
        """What the request is; a refusal is only given under the newest configuration (D2)."""
        decision = decide(webhook, event)
        if decision is None or decision.stamp != "unauthorized":
            return decision
        await self._fresh()
        return decide(await self._webhook(webhook.config.id), event)

    async def _store(self, webhook: OpenedWebhook, event: RawEvent) -> None:
        """Return when the log has acknowledged the event."""
        stored = seal_event(event, webhook, self._sealer)
        record = raw_record(stored, received_key(webhook, event))
        try:
            async with asyncio.timeout(self._deadline):
                await self._append(record)
        except (TimeoutError, Retryable) as failure:
            _log.warning("event_not_stored", webhook_id=event.webhook_id, error=str(failure))
            raise _unavailable() from failure

    async def _append(self, record: Record) -> None:
        try:
            await self._log.append((record,), Sync.NOW)
        except Poison as too_large:
            raise TooLarge("The request is too large to be stored.") from too_large
        except DurabilityLost as lost:
            self._on_fatal(lost)
            raise _unavailable() from lost

    async def _refuse(
        self, problem: ApiError | Retryable, body: Body, receive: Receive, send: Send
    ) -> None:
        shown = problem if isinstance(problem, ApiError) else _unavailable()
        self._counters.refused(shown)
        body.close()
        if isinstance(shown, TooLarge) and not body.complete:
            await refuse_body(send, receive, shown)
        else:
            await send_answer(send, error(shown))


def _check_headers(scope: Scope) -> None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
        raise TooLarge(f"The headers are larger than {LONGEST_HEADERS} bytes.")


def _unavailable() -> Unavailable:
    """Says nothing of what lies behind the gateway."""
    return Unavailable(
        "The event could not be stored; send it again.", retry_after_seconds=RETRY_AFTER_SECONDS
    )
