"""The gateway: takes a webhook request, has it stored durably, and only then answers.

A plain ASGI app, since this is the hottest path of the system. What is answered in which case is
the table of specs/webhooks.md section 2.
"""

import asyncio

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from hookline_common.clock import Clock
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.errors import ApiError, BadRequest, Retryable, TooLarge
from hookline_common.opened_webhooks import OpenedWebhook
from hookline_common.rawevents import RawEvent
from hookline_common.webhooks import DEFAULT_MAX_BODY_BYTES, LARGEST_MAX_BODY_BYTES
from hookline_ingest.admission import Admission
from hookline_ingest.answers import ALLOW, Answer, error, refuse_body, send_answer
from hookline_ingest.arrivals import Arrivals
from hookline_ingest.bodies import Body, BodyMemory, SenderGone
from hookline_ingest.counters import Counters
from hookline_ingest.decisions import Decision, decide
from hookline_ingest.in_hand import InHand
from hookline_ingest.storing import Storing, not_stored

LONGEST_HEADERS = 64 * 1024


class Gateway:
    """The ASGI endpoint of `/webhook/{webhook_id}`."""

    def __init__(
        self,
        admission: Admission,
        arrivals: Arrivals,
        storing: Storing,
        memory: BodyMemory,
        in_hand: InHand,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._admission = admission
        self._arrivals = arrivals
        self._storing = storing
        self._memory = memory
        self._in_hand = in_hand
        self._clock = clock
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = asyncio.get_running_loop().time()
        body = Body(self._memory, DEFAULT_MAX_BODY_BYTES)
        try:
            with self._in_hand.one(scope["path_params"]["webhook_id"]):
                answer, event_id = await self._answer(scope, receive, body)
        except SenderGone:
            return
        except (ApiError, Retryable) as problem:
            await self._refuse(problem, body, receive, send)
            return
        finally:
            body.close()
        reached(CrashPoint.INGEST_ANSWERING)
        await send_answer(send, answer, event_id)
        self._counters.answered(answer.status, asyncio.get_running_loop().time() - started)

    async def _answer(self, scope: Scope, receive: Receive, body: Body) -> tuple[Answer, str]:
        webhook_id: str = scope["path_params"]["webhook_id"]
        webhook = await self._admission.webhook(webhook_id)
        self._admission.count(webhook)
        _check_headers(scope)
        allowed = webhook.config.options.max_body_bytes or DEFAULT_MAX_BODY_BYTES
        body.limit = min(allowed, LARGEST_MAX_BODY_BYTES)
        content = await body.read(receive)
        event = self._arrivals.event(scope, webhook_id, content, self._clock.now_ms())
        decision = await self._decide(webhook, event)
        if decision is None:
            return ALLOW, ""
        await self._storing.store(webhook, replace(event, answer=decision.stamp))
        return decision.answer, event.id

    async def _decide(self, webhook: OpenedWebhook, event: RawEvent) -> Decision | None:
        """What the request is; a refusal is only given under the newest configuration (D2)."""
        decision = decide(webhook, event)
        if decision is None or decision.stamp != "unauthorized":
            return decision
        await self._admission.refresh()
        return decide(await self._admission.webhook(webhook.config.id), event)

    async def _refuse(
        self, problem: ApiError | Retryable, body: Body, receive: Receive, send: Send
    ) -> None:
        shown = problem if isinstance(problem, ApiError) else not_stored()
        self._counters.refused(shown)
        body.close()
        if isinstance(shown, TooLarge | BadRequest) and not body.complete:
            await refuse_body(send, receive, shown)
        else:
            await send_answer(send, error(shown))


def _check_headers(scope: Scope) -> None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
        raise TooLarge(f"The headers are larger than {LONGEST_HEADERS} bytes.")
