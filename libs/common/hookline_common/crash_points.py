"""Named places at which a test lets a process die: every step that a crash must not tear apart.

Nothing that is shipped arms them, and no setting does: only the composition roots of tests
(tests/chaos) call `arm`, with what their own environment names. Elsewhere `reached` finds nothing.
"""

import enum
import os
import signal
from collections.abc import Callable, Mapping
from typing import NamedTuple

LAST_WORDS = "killed itself at crash point "


class CrashPoint(enum.Enum):
    """`…ING` is just before the step, `…ED` just after it; `READ` is a batch in hand."""

    INGEST_APPENDING = "ingest-appending"
    INGEST_APPENDED = "ingest-appended"
    INGEST_ANSWERING = "ingest-answering"

    VERIFIER_READ = "verifier-read"
    VERIFIER_SAVING_URL = "verifier-saving-url"
    VERIFIER_SAVED_URL = "verifier-saved-url"
    VERIFIER_PUBLISHING = "verifier-publishing"
    VERIFIER_PUBLISHED = "verifier-published"
    VERIFIER_COMMITTING = "verifier-committing"

    MATCHER_READ = "matcher-read"
    MATCHER_INSERTING_PLANS = "matcher-inserting-plans"
    MATCHER_INSERTED_PLANS = "matcher-inserted-plans"
    MATCHER_RAISED_PLANS = "matcher-raised-plans"
    MATCHER_STAMPED_PLANS = "matcher-stamped-plans"
    MATCHER_OPENING_WAITS = "matcher-opening-waits"
    MATCHER_OPENED_WAITS = "matcher-opened-waits"
    MATCHER_CLOSING_WAITS = "matcher-closing-waits"
    MATCHER_CLOSED_WAITS = "matcher-closed-waits"
    MATCHER_CLAIMING = "matcher-claiming"
    MATCHER_CLAIMED = "matcher-claimed"
    MATCHER_MOVING_CLAIMS = "matcher-moving-claims"
    MATCHER_MOVED_CLAIMS = "matcher-moved-claims"
    MATCHER_RECORDING = "matcher-recording"
    MATCHER_RECORDED = "matcher-recorded"
    MATCHER_TAKING = "matcher-taking"
    MATCHER_TAKEN = "matcher-taken"
    MATCHER_MOVING_WAITS = "matcher-moving-waits"
    MATCHER_MOVED_WAITS = "matcher-moved-waits"
    MATCHER_SAVING_EVENTS = "matcher-saving-events"
    MATCHER_SAVED_EVENTS = "matcher-saved-events"
    MATCHER_HEARING_OUTCOMES = "matcher-hearing-outcomes"
    MATCHER_HEARD_OUTCOMES = "matcher-heard-outcomes"
    MATCHER_COUNTING = "matcher-counting"
    MATCHER_COUNTED = "matcher-counted"
    MATCHER_PUBLISHING = "matcher-publishing"
    MATCHER_PUBLISHED = "matcher-published"
    MATCHER_COMMITTING = "matcher-committing"

    ENGINE_READ = "engine-read"
    ENGINE_CLAIMING_KEY = "engine-claiming-key"
    ENGINE_CLAIMED_KEY = "engine-claimed-key"
    ENGINE_SAVING_BODIES = "engine-saving-bodies"
    ENGINE_SAVED_BODIES = "engine-saved-bodies"
    ENGINE_SAVING_HEADS = "engine-saving-heads"
    ENGINE_SAVED_HEADS = "engine-saved-heads"
    ENGINE_QUEUEING = "engine-queueing"
    ENGINE_QUEUED = "engine-queued"
    ENGINE_EMITTING = "engine-emitting"
    ENGINE_EMITTED = "engine-emitted"
    ENGINE_CLEARING = "engine-clearing"
    ENGINE_CLEARED = "engine-cleared"
    ENGINE_PUBLISHING = "engine-publishing"
    ENGINE_PUBLISHED = "engine-published"
    ENGINE_COMMITTING = "engine-committing"

    OUTBOX_EMITTING_AGAIN = "outbox-emitting-again"
    OUTBOX_EMITTED_AGAIN = "outbox-emitted-again"
    TIMERS_WAKING = "timers-waking"
    TIMERS_WOKEN = "timers-woken"
    TASKS_CLAIMED = "tasks-claimed"
    TASKS_HANDED_OUT = "tasks-handed-out"
    TASKS_ANSWERING = "tasks-answering"
    HTTP_CALLING = "http-calling"
    HTTP_CALLED = "http-called"
    API_APPLYING = "api-applying"
    API_APPLIED = "api-applied"
    API_ANSWERING = "api-answering"
    CONFIG_SAVING = "config-saving"
    CONFIG_SAVED = "config-saved"
    CONFIG_PUBLISHING = "config-publishing"
    CONFIG_PUBLISHED = "config-published"


class LoopPoints(NamedTuple):
    """The crash points of a consumer loop; None in a loop that no test lets die."""

    read: CrashPoint | None = None
    publishing: CrashPoint | None = None
    published: CrashPoint | None = None
    committing: CrashPoint | None = None


_LOOPS: Mapping[str, LoopPoints] = {
    "verifier": LoopPoints(
        CrashPoint.VERIFIER_READ,
        CrashPoint.VERIFIER_PUBLISHING,
        CrashPoint.VERIFIER_PUBLISHED,
        CrashPoint.VERIFIER_COMMITTING,
    ),
    "matcher": LoopPoints(
        CrashPoint.MATCHER_READ,
        CrashPoint.MATCHER_PUBLISHING,
        CrashPoint.MATCHER_PUBLISHED,
        CrashPoint.MATCHER_COMMITTING,
    ),
    "engine": LoopPoints(
        CrashPoint.ENGINE_READ,
        CrashPoint.ENGINE_PUBLISHING,
        CrashPoint.ENGINE_PUBLISHED,
        CrashPoint.ENGINE_COMMITTING,
    ),
}


def loop_points(service: str) -> LoopPoints:
    """The crash points of a service's consumer loop."""
    return _LOOPS.get(service, LoopPoints())


class Trap:
    """Lets the process die, as by kill -9, when a point is reached for the nth time."""

    def __init__(
        self, point: CrashPoint, nth: int = 1, die: Callable[[CrashPoint], None] | None = None
    ) -> None:
        self._point = point
        self._left = nth
        self._die = die or _die

    def reached(self, point: CrashPoint | None) -> None:
        """Count, and die at the nth time."""
        if point is self._point:
            self._left -= 1
            if self._left == 0:
                self._die(self._point)


def trap_at(wanted: str) -> Trap:
    """The trap that `<value of a member>[:nth]` describes; raises ValueError where it is none."""
    name, _, nth = wanted.partition(":")
    return Trap(CrashPoint(name), int(nth or "1"))


def _die(point: CrashPoint) -> None:
    os.write(2, f"{LAST_WORDS}{point.value}\n".encode())  # unbuffered: nothing is flushed any more
    os.kill(os.getpid(), signal.SIGKILL)


class _Places:
    """All crash points of this process, and the one trap that a test may have set among them."""

    __slots__ = ("trap",)

    def __init__(self) -> None:
        self.trap: Trap | None = None

    def arm(self, trap: Trap) -> None:
        """Set a trap: once, by a test's composition root, before anything runs."""
        self.trap = trap

    def reached(self, point: CrashPoint | None) -> None:
        """Say that the process is at this point."""
        if self.trap is not None:
            self.trap.reached(point)


_places = _Places()
arm = _places.arm
reached = _places.reached
