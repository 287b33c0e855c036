"""Counts of events per time step, verdict and webhook, out of the counters of minutes. Pure."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import get_args

import msgspec

from hookline_common.eventrecords import Verdict
from hookline_common.webhooks import WebhookConfig

MINUTE_MS = 60_000
VERDICTS: tuple[str, ...] = tuple(one for one in get_args(Verdict) if one != "pending")
_BAD = frozenset({"rejected", "failed", "dead"})
_FAILING_SHARE = 0.5


class Minute(msgspec.Struct, frozen=True):
    """The counter of a webhook in a minute of arrival, given in epoch milliseconds."""

    webhook_id: str
    at: int
    counts: Mapping[str, int]


class Span(msgspec.Struct, frozen=True):
    """From `begin` on, up to and without `end`, in steps; epoch milliseconds, whole minutes."""

    begin: int
    end: int
    step: int

    def starts(self) -> range:
        """Where each step begins."""
        return range(self.begin, self.end, self.step)


class StepCounts(msgspec.Struct, frozen=True, rename="camel"):
    """How many events of each verdict came in the step that begins at `at`."""

    at: int
    counts: Mapping[str, int]


class WebhookCounts(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A webhook in the span. `failing`: at least half of its events were rejected, failed or dead;
    `silent`: none has come for longer than its `silentAfterSeconds`, if it has that. `steps`, if
    they were asked for, are its counts in each step of the span.
    """

    id: str
    name: str
    counts: Mapping[str, int]
    failing: bool
    silent: bool
    steps: Sequence[StepCounts] | None = None


def by_step(minutes: Iterable[Minute], span: Span) -> Sequence[StepCounts]:
    """A count for every step, also where nothing came."""
    found: dict[int, Counter[str]] = {at: Counter() for at in span.starts()}
    for minute in minutes:
        found[minute.at - (minute.at - span.begin) % span.step].update(minute.counts)
    return [StepCounts(at, _shown(counts)) for at, counts in found.items()]


def watched(webhook: WebhookConfig) -> bool:
    """Whether somebody wants to know when nothing comes."""
    return webhook.options.silent_after_seconds is not None and not webhook.options.paused


def is_silent(webhook: WebhookConfig, last_event_at: int | None, now_ms: int) -> bool:
    """Whether a watched webhook has had nothing for too long, since its last change at least."""
    patience = (webhook.options.silent_after_seconds or 0) * 1000
    return now_ms - max(last_event_at or 0, webhook.update_time, webhook.create_time) > patience


def by_webhook(
    minutes: Iterable[Minute],
    webhooks: Iterable[WebhookConfig],
    silent: Container[str],
    span: Span | None = None,
) -> Sequence[WebhookCounts]:
    """A count for every webhook that there is, by name; `silent`: the ids of those that are. With
    `span` the steps of each, too.
    """
    found: dict[str, list[Minute]] = {}
    for minute in minutes:
        found.setdefault(minute.webhook_id, []).append(minute)
    return [
        _of_webhook(webhook, found.get(webhook.id, []), span, silent=webhook.id in silent)
        for webhook in sorted(webhooks, key=lambda one: one.name)
    ]


def total(steps: Iterable[StepCounts]) -> Mapping[str, int]:
    """All steps in one."""
    counts: Counter[str] = Counter()
    for step in steps:
        counts.update(step.counts)
    return _shown(counts)


def _of_webhook(
    webhook: WebhookConfig, minutes: Sequence[Minute], span: Span | None, *, silent: bool
) -> WebhookCounts:
    counts: Counter[str] = Counter()
    for minute in minutes:
        counts.update(minute.counts)
    everything = sum(counts.values())
    bad = sum(counts[verdict] for verdict in _BAD)
    return WebhookCounts(
        id=webhook.id,
        name=webhook.name,
        counts=_shown(counts),
        failing=everything > 0 and bad >= everything * _FAILING_SHARE,
        silent=silent,
        steps=by_step(minutes, span) if span else None,
    )


def _shown(counts: Counter[str]) -> Mapping[str, int]:
    """A counter may be below nothing for a moment: a verdict changes in two steps."""
    return {verdict: max(0, counts[verdict]) for verdict in VERDICTS}
