"""The record of an event (specs/webhooks.md section 7) and of a waiting task: documents that the
matcher writes and the engine's REST API reads."""

from typing import Any, Literal

import msgspec

from hookline_common.messages import Wait
from hookline_common.rawevents import Verification
from hookline_common.rawjson import RawOrNone

Verdict = Literal[
    "pending",
    "resumed",
    "started",
    "resumed_and_started",
    "unmatched",
    "duplicate",
    "rejected",
    "failed",
    "handshake",
    "paused",
    "dead",
]

MAX_STEPS = 50


class Step(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What one service did with the event, and when (epoch milliseconds)."""

    service: str
    did: str
    at: int
    position: str | None = None
    attempt: int = 1
    error: str | None = None


class Effect(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """An execution that the event resumed or started. `status`: pending, applied, refused,
    failed.
    """

    id: str
    kind: Literal["resume", "start"]
    status: str
    workflow_id: str = ""
    workflow_name: str = ""
    version: int = 0
    task_id: str | None = None
    task_ref: str | None = None
    code: str | None = None
    error: str | None = None
    at: int = 0


class EventRecord(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One event, from arrival to its last effect. Secrets in `headers` are redacted.

    `headers` are [name, value] pairs in order; `payload` is the payload as JSON (payloads.py).
    `verdict` "pending" is never final: some effect has no outcome yet. `position` is where the
    raw request lies: [topic, partition, offset]. `counts_from` is the time that the rules of
    matching and the index field `received_at` go by: `received_at`, for a replay the moment it was
    appended (E4). `stands_for` is the id that keeps one delivery from being taken twice: the
    replayed event's, or that of the first event of a delivery whose claim was taken over (E1).
    """

    id: str
    webhook_id: str
    webhook_name: str
    incarnation: int
    received_at: int
    verdict: Verdict
    method: str = "POST"
    url: str = ""
    query: dict[str, Any] = {}
    headers: tuple[tuple[str, str], ...] = ()
    remote_address: str = ""
    size_bytes: int = 0
    payload: RawOrNone = None
    delivery_id: str | None = None
    type: str | None = None
    reason: str | None = None
    detail: str | None = None
    verified: bool = False
    verification: Verification | None = None
    verified_at: int = 0
    matched_at: int = 0
    done_at: int = 0
    effects: tuple[Effect, ...] = ()
    steps: tuple[Step, ...] = ()
    duplicate_of: str | None = None
    replay_of: str | None = None
    replays: tuple[str, ...] = ()
    kept_until: int = 0
    plan_revision: int = 0
    position: tuple[str, int, int] | None = None
    counts_from: int = 0
    stands_for: str | None = None


class Waiter(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A waiting task in the collection `waiters`; the id of the document is the task id (F1)."""

    task_id: str
    workflow_id: str
    run: int
    task_ref: str
    iteration: int
    opened_at: int
    execution_started_at: int
    wait: Wait
    taken_by: str | None = None
    closed_at: int = 0
    close_reason: str | None = None
