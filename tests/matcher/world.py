"""A matcher on the embedded log and store, and short ways to say what happens to it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hookline_common.cloudevents import judged_record
from hookline_common.collections import (
    DELIVERIES,
    EVENT_COUNTS,
    TAKES,
    WAITERS,
    WEBHOOK_EVENTS,
)
from hookline_common.config_view import ConfigView
from hookline_common.documents import Document, Documents
from hookline_common.eventlog import Delivered, EventLog, Position, Record
from hookline_common.eventrecords import EventRecord, Waiter
from hookline_common.matching import canonical
from hookline_common.messages import (
    COMMANDS_CODEC,
    CONFIG_CODEC,
    OUTCOMES_CODEC,
    WAITS_CODEC,
    Command,
    CompleteTask,
    EffectApplied,
    EffectRefused,
    EventDeadLettered,
    Outcome,
    StartWorkflow,
    Wait,
    WaitClosed,
    WaitOpened,
)
from hookline_common.rawevents import JudgedEvent, RawEvent, Replay
from hookline_common.topics import CONFIG, OUTCOMES, WAITS
from hookline_common.webhooks import (
    Options,
    StartRule,
    WebhookConfig,
    WebhookDeleted,
    WorkflowPlans,
)
from hookline_matcher.handler import MatcherHandler
from tests.matcher.stepping import SteppingDocuments

T0 = 1_800_000_000_000
SECOND = 1000
MINUTE = 60 * SECOND


class HandClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = T0

    def now_ms(self) -> int:
        return self.now


class World:
    """One store and log, and a matcher `handler`; `another()` is a second one on the same."""

    def __init__(self, log: EventLog, documents: Documents, clock: HandClock) -> None:
        self.log = log
        self.store = documents
        self.clock = clock
        self.steps = SteppingDocuments(documents)
        self.configs: list[ConfigView] = []
        self.handler = self.matcher(self.steps)
        self._offset = 0

    def matcher(self, documents: Any) -> MatcherHandler:
        config = ConfigView(self.log)
        self.configs.append(config)
        return MatcherHandler(documents, config, self.clock)

    def another(self) -> MatcherHandler:
        return self.matcher(self.store)

    async def close(self) -> None:
        for config in self.configs:
            await config.close()

    # --- what is configured ---

    async def webhook(
        self,
        webhook_id: str = "hook",
        receivers: dict[str, int] | None = None,
        rules: Sequence[StartRule] = (),
        revision: int = 1,
        incarnation: int = 1,
        **options: Any,
    ) -> None:
        config = WebhookConfig(
            id=webhook_id,
            incarnation=incarnation,
            revision=revision,
            name=webhook_id,
            platform="custom",
            source_platform="Custom",
            verifier="HEADER_BASED",
            receivers={"order": 0} if receivers is None else receivers,
            start_rules=tuple(rules),
            options=Options(**options),
        )
        await self._publish(webhook_id, config)

    async def delete_webhook(self, webhook_id: str = "hook") -> None:
        await self._publish(webhook_id, WebhookDeleted(webhook_id, 1, 99, self.clock.now))

    async def definition(self, *paths: tuple[str, ...], workflow: str = "order") -> None:
        plans = WorkflowPlans(workflow=workflow, version=1, revision=1, paths=paths)
        await self._publish(f"plans:{workflow}:1", plans)

    async def _publish(self, key: str, record: Any) -> None:
        await self.log.append([Record(CONFIG.name, key, CONFIG_CODEC.encode(record))])

    # --- what happens ---

    async def happens(
        self, *messages: Delivered, by: MatcherHandler | None = None
    ) -> list[Command]:
        records = await (by or self.handler).handle(list(messages))
        return [COMMANDS_CODEC.decode(record.value) for record in records]

    def event(
        self,
        event_id: str,
        body: Any = None,
        at: int = T0,
        webhook: str = "hook",
        delivery: str | None = None,
        replay: Replay | None = None,
        verdict: Any = "verified",
        headers: tuple[tuple[str, str], ...] = (),
        query: str = "",
        raw: bytes | None = None,
        incarnation: int = 1,
        appended: int | None = None,
    ) -> Delivered:
        judged = JudgedEvent(
            raw=RawEvent(
                id=event_id,
                webhook_id=webhook,
                received_at=at,
                method="POST",
                url=f"https://example.com/webhook/{webhook}",
                query=query,
                headers=(("content-type", "application/json"), *headers),
                body=msgspec.json.encode(body or {}) if raw is None else raw,
                replay=replay,
            ),
            verdict=verdict,
            verified_at=at,
            incarnation=incarnation,
            webhook_name=webhook,
            delivery_id=delivery,
            type="order.paid",
            reason=None if verdict == "verified" else "signature_mismatch",
            position=("webhooks.received", 0, 7),
        )
        return self._delivered(judged_record(judged, event_id), appended or at)

    def opened(
        self,
        task_id: str,
        matches: dict[str, Any] | None = None,
        at: int = T0,
        started: int = T0 - MINUTE,
        workflow_id: str | None = None,
        ref: str = "wait",
        iteration: int = 0,
        workflow: str = "order",
        **wait: Any,
    ) -> Delivered:
        matches = matches or {}
        paths = tuple(sorted(matches))
        message = WaitOpened(
            task_id=task_id,
            workflow_id=workflow_id or f"wf-{task_id}",
            run=0,
            task_ref=ref,
            iteration=iteration,
            opened_at=at,
            execution_started_at=started,
            wait=Wait(
                workflow=workflow,
                version=1,
                paths=paths,
                values=tuple(canonical(matches[path]) for path in paths),
                **wait,
            ),
        )
        return self._wait(message.workflow_id, message)

    def closed(self, task_id: str, workflow_id: str | None = None) -> Delivered:
        owner = workflow_id or f"wf-{task_id}"
        return self._wait(owner, WaitClosed(task_id, owner, self.clock.now, "completed"))

    def applied(self, command: Command) -> Delivered:
        """The engine did what the command asks for."""
        assert isinstance(command, CompleteTask | StartWorkflow)
        resume = isinstance(command, CompleteTask)
        return self._outcome(
            EffectApplied(
                event_id=command.event.event_id,
                effect_id=command.effect_id,
                kind="resume" if resume else "start",
                at=self.clock.now,
                service="engine",
                workflow_id=command.workflow_id,
                workflow_name="order" if resume else command.name,
                task_id=command.task_id if resume else None,
                task_ref="wait" if resume else None,
            )
        )

    def refused(self, command: Command, code: str = "task_terminal") -> Delivered:
        """The engine could not do what the command asks for."""
        assert isinstance(command, CompleteTask | StartWorkflow)
        resume = isinstance(command, CompleteTask)
        return self._outcome(
            EffectRefused(
                event_id=command.event.event_id,
                effect_id=command.effect_id,
                kind="resume" if resume else "start",
                at=self.clock.now,
                service="engine",
                code=code,
                reason="it could not be done",
                workflow_id=command.workflow_id,
                task_id=command.task_id if resume else None,
            )
        )

    def dead(self, event_id: str, topic: str = "webhooks.received") -> Delivered:
        return self._outcome(
            EventDeadLettered(
                event_id=event_id,
                webhook_id="hook",
                at=self.clock.now,
                service="verifier",
                topic=topic,
                error="Undecodable",
                reason="the bytes make no sense",
            )
        )

    def _wait(self, workflow_id: str, message: WaitOpened | WaitClosed) -> Delivered:
        record = Record(WAITS.name, workflow_id, WAITS_CODEC.encode(message))
        return self._delivered(record, self.clock.now)

    def _outcome(self, outcome: Outcome) -> Delivered:
        record = Record(OUTCOMES.name, outcome.event_id, OUTCOMES_CODEC.encode(outcome))
        return self._delivered(record, self.clock.now)

    def _delivered(self, record: Record, timestamp_ms: int) -> Delivered:
        self._offset += 1
        return Delivered(record, Position(record.topic, 0, self._offset), timestamp_ms)

    # --- what is stored ---

    async def record(self, event_id: str) -> EventRecord:
        document = (await self.store.get(WEBHOOK_EVENTS, [event_id]))[event_id]
        return msgspec.json.decode(document.body, type=EventRecord)

    async def document(self, event_id: str) -> Document:
        return (await self.store.get(WEBHOOK_EVENTS, [event_id]))[event_id]

    async def verdict(self, event_id: str) -> str:
        return (await self.record(event_id)).verdict

    async def state(self, task_id: str) -> tuple[str, str | None]:
        document = (await self.store.get(WAITERS, [task_id]))[task_id]
        waiter = msgspec.json.decode(document.body, type=Waiter)
        return str(document.fields["state"]), waiter.taken_by

    async def counts(self, webhook_id: str = "hook", at: int = T0) -> dict[str, Any]:
        key = f"{webhook_id}:{at // MINUTE}"
        found = await self.store.get(EVENT_COUNTS, [key])
        fields = found[key].fields if key in found else {}
        return {
            name: value
            for name, value in fields.items()
            if name not in ("webhook_id", "minute") and value
        }

    async def how_many_takes(self) -> int:
        return await self.store.count(TAKES)

    async def how_many_claims(self) -> int:
        return await self.store.count(DELIVERIES)


def resumed(commands: Sequence[Command]) -> list[tuple[str, str]]:
    """Which event completes which task."""
    return [
        (command.event.event_id, command.task_id)
        for command in commands
        if isinstance(command, CompleteTask)
    ]


def started(commands: Sequence[Command]) -> list[StartWorkflow]:
    return [command for command in commands if isinstance(command, StartWorkflow)]
