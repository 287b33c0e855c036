"""Resuming: settle which wait takes which event, and the effects and commands that follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from hookline_common.eventlog import Record
from hookline_common.eventrecords import Effect
from hookline_common.ids import digest
from hookline_common.messages import COMMANDS_CODEC, Command, CompleteTask, EventRef
from hookline_common.topics import COMMANDS
from hookline_matcher.events import EventInHand
from hookline_matcher.headers import public
from hookline_matcher.takes import Meeting, Takes, take_id_of
from hookline_matcher.waiters import Waiters, WaitInHand

INLINE_PAYLOAD_BYTES = 64 * 1024

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Proposal:
    """A wait and the events that it may take, the first choice first."""

    wait: WaitInHand
    events: list[EventInHand] = field(default_factory=list[EventInHand])


class Resumes:
    """Takes waits for events, each wait at most one, each event any number."""

    def __init__(self, takes: Takes, waiters: Waiters) -> None:
        self._takes = takes
        self._waiters = waiters

    async def settle(self, proposals: Iterable[Proposal], now_ms: int) -> list[Meeting]:
        """The meetings that came about. Usually one round: a second one is for waits whose first
        choice their execution has taken before.
        """
        met: list[Meeting] = []
        waiting = await self._without_spent([each for each in proposals if each.events])
        while waiting:
            came_about, waiting = await self._round(waiting, now_ms)
            met += came_about
        return met

    async def _without_spent(self, proposals: list[Proposal]) -> list[Proposal]:
        """Saves rounds where there is a choice: what is spent is not proposed at all."""
        choices = [each for each in proposals if len(each.events) > 1]
        if not choices:
            return proposals
        meetings = [Meeting(event, each.wait) for each in choices for event in each.events]
        left: dict[str, list[EventInHand]] = {}
        for meeting in await self._takes.unspent(meetings):
            left.setdefault(meeting.wait.id, []).append(meeting.event)
        for each in choices:
            each.events = left.get(each.wait.id, [])
        return [each for each in proposals if each.events]

    async def _round(
        self, proposals: list[Proposal], now_ms: int
    ) -> tuple[list[Meeting], list[Proposal]]:
        chosen: dict[str, Proposal] = {}
        again: list[Proposal] = []
        for each in proposals:
            key = take_id_of(Meeting(each.events[0], each.wait))
            if chosen.setdefault(key, each) is not each:
                again.append(each)
        meetings = {key: Meeting(each.events[0], each.wait) for key, each in chosen.items()}
        held = await self._takes.claim(meetings, now_ms)
        again += [_next_choice(each) for key, each in chosen.items() if key not in held]
        moved = {
            meetings[key].wait.id: (meetings[key].wait, meetings[key].event.id) for key in held
        }
        lost = await self._waiters.take(moved, now_ms)
        await self._takes.let_go(
            [document for key, document in held.items() if meetings[key].wait.id in lost]
        )
        met = [meetings[key] for key in held if meetings[key].wait.id not in lost]
        return met, [each for each in again if each.events]


def _next_choice(proposal: Proposal) -> Proposal:
    return Proposal(proposal.wait, proposal.events[1:])


def resume_effect(meeting: Meeting) -> Effect:
    """The effect of a meeting, which has no outcome yet."""
    waiter = meeting.wait.waiter
    return Effect(
        id=digest("resume", waiter.task_id, meeting.event.id),
        kind="resume",
        status="pending",
        workflow_id=waiter.workflow_id,
        workflow_name=waiter.wait.workflow,
        version=waiter.wait.version,
        task_id=waiter.task_id,
        task_ref=waiter.task_ref,
    )


def resume_command(meeting: Meeting, effect_id: str) -> Record:
    """The command that completes the task. Its effect id makes a second one harmless (F4)."""
    event, waiter = meeting.event, meeting.wait.waiter
    return command_record(
        CompleteTask(
            workflow_id=waiter.workflow_id,
            task_id=waiter.task_id,
            run=waiter.run,
            effect_id=effect_id,
            event=event_ref(event),
            payload=inline_payload(event),
            envelope=envelope(event) if waiter.wait.include_event else None,
        )
    )


def pending_resumes(event: EventInHand, waits: Mapping[str, WaitInHand]) -> Sequence[Record]:
    """The commands of the event's resumes without an outcome, as far as their wait is given."""
    return [
        resume_command(Meeting(event, wait), effect.id)
        for effect in event.record.effects
        if effect.kind == "resume"
        and effect.status == "pending"
        and (wait := waits.get(effect.task_id or ""))
    ]


def command_record(command: Command) -> Record:
    """A command as a record, keyed by workflow id."""
    return Record(COMMANDS.name, command.workflow_id, COMMANDS_CODEC.encode(command))


def inline_payload(event: EventInHand) -> msgspec.Raw | None:
    """The payload to put into a command; None if the engine shall read the event's record."""
    payload = event.record.payload
    if payload is None or memoryview(payload).nbytes > INLINE_PAYLOAD_BYTES:
        return None
    return payload


def event_ref(event: EventInHand) -> EventRef:
    """What a command says about the event that caused it."""
    record = event.record
    return EventRef(
        event_id=record.id,
        webhook_id=record.webhook_id,
        webhook_name=record.webhook_name,
        received_at=record.received_at,
        delivery_id=record.delivery_id,
        type=record.type,
    )


def envelope(event: EventInHand) -> msgspec.Raw:
    """`_webhook` of a task's output (webhooks.md section 4)."""
    record = event.record
    shown = {
        "webhookId": record.webhook_id,
        "webhookName": record.webhook_name,
        "eventId": record.id,
        "deliveryId": record.delivery_id,
        "type": record.type,
        "receivedAt": record.received_at,
        "method": record.method,
        "headers": public(record.headers),
        "query": record.query,
    }
    return msgspec.Raw(_encode(shown))
