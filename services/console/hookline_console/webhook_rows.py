"""The rows of the list of webhooks: what the API says of each, filtered and counted. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from hookline_console.marks import Mark, platform_icon

STATES: Mapping[str, Mark] = {
    "failing": Mark("Failing", "bad", "rejected"),
    "silent": Mark("Silent", "warn", "silent"),
    "unverified": Mark("Unverified", "warn", "unmatched"),
    "paused": Mark("Paused", "line", "paused"),
    "verified": Mark("Verified", "good", "shield"),
}
_REFUSED = ("rejected", "failed", "dead")
_HEIGHT = 100
_FLOOR, _CEILING = 97, 6


class Link(msgspec.Struct, frozen=True):
    """A workflow that a webhook leads to; version 0 is any (resumes) or the latest (starts)."""

    name: str
    version: int
    address: str


class Row(msgspec.Struct, frozen=True):
    """A webhook in the list. `states` are names of STATES; `accepted` is a percentage or None
    without events; `spark` is the path of an SVG of 100 by 100, empty without steps; `waiting`
    counts the tasks that wait in the workflows that it resumes.
    """

    id: str
    name: str
    platform: str
    icon: str
    url: str
    states: Sequence[str]
    resumes: Sequence[Link]
    starts: Sequence[Link]
    events: int
    accepted: float | None
    spark: str
    waiting: int
    paused: bool


class Choice(msgspec.Struct, frozen=True):
    """What the list is filtered by; empty values filter nothing."""

    text: str = ""
    platform: str = ""
    state: str = ""


def rows(
    webhooks: Sequence[Mapping[str, Any]],
    now: Mapping[str, Any],
    day: Mapping[str, Any],
) -> Sequence[Row]:
    """A row per webhook, in the order given. `now` is the answer of /stats for the last hour, and
    `day` for the last day, with the steps of each webhook.
    """
    flags = {one["id"]: one for one in now["webhooks"]}
    steps = {one["id"]: [step["counts"] for step in one["steps"]] for one in day["webhooks"]}
    return [
        _row(
            webhook,
            flags.get(webhook["id"], {}),
            steps.get(webhook["id"], ()),
            waiting_tasks(webhook, now["waiting"]),
        )
        for webhook in webhooks
    ]


def _row(
    webhook: Mapping[str, Any],
    flags: Mapping[str, Any],
    steps: Sequence[Mapping[str, int]],
    waiting: int,
) -> Row:
    events = [sum(step.values()) for step in steps]
    refused = sum(step.get(verdict, 0) for step in steps for verdict in _REFUSED)
    return Row(
        id=webhook["id"],
        name=webhook["name"],
        platform=webhook["sourcePlatform"],
        icon=platform_icon(webhook["sourcePlatform"]),
        url=webhook["url"],
        states=states(webhook, flags),
        resumes=resumed(webhook),
        starts=started(webhook),
        events=sum(events),
        accepted=share(sum(events) - refused, sum(events)),
        spark=spark_path(events),
        waiting=waiting,
        paused=is_paused(webhook),
    )


def states(webhook: Mapping[str, Any], flags: Mapping[str, Any]) -> Sequence[str]:
    """The names of its states: whether the URL is verified, then what is wrong or chosen."""
    found = ["verified" if webhook["urlVerified"] else "unverified"]
    found += [name for name in ("failing", "silent") if flags.get(name)]
    return [*found, "paused"] if is_paused(webhook) else found


def is_paused(webhook: Mapping[str, Any]) -> bool:
    """Whether its events are kept without effect."""
    return bool(webhook.get("options", {}).get("paused"))


def resumed(webhook: Mapping[str, Any]) -> Sequence[Link]:
    """The workflows whose waiting tasks it resumes, each version once."""
    receivers: Mapping[str, int] = webhook.get("receiverWorkflowNamesToVersions", {})
    return [_link(name, version) for name, version in receivers.items()]


def started(webhook: Mapping[str, Any]) -> Sequence[Link]:
    """The workflows that it starts; one that several rules start is there once."""
    found = [_link(rule["workflow"], rule["version"]) for rule in webhook.get("startRules", ())]
    return list(dict.fromkeys(found))


def waiting_tasks(webhook: Mapping[str, Any], waiting: Mapping[str, int]) -> int:
    """How many tasks wait now in the workflows that it resumes."""
    return sum(waiting.get(link.name, 0) for link in resumed(webhook))


def _link(name: str, version: int) -> Link:
    address = f"/definitions/workflows/{quote(name, safe='')}"
    return Link(name, version, f"{address}?version={version}" if version else address)


def share(part: int, whole: int) -> float | None:
    """A percentage with one decimal that says 100 only when nothing is missing."""
    if not whole:
        return None
    return 100.0 if part == whole else min(99.9, round(100 * part / whole, 1))


def spark_path(counts: Sequence[int]) -> str:
    """A line over 100 by 100: nothing lies at the floor, the most at the ceiling."""
    if len(counts) < 2:
        return ""
    most = max(counts) or 1
    width = _HEIGHT / (len(counts) - 1)
    points = (
        f"{at * width:.1f} {_FLOOR - (_FLOOR - _CEILING) * count / most:.1f}"
        for at, count in enumerate(counts)
    )
    return "M" + "L".join(points)


def chosen(found: Sequence[Row], choice: Choice) -> Sequence[Row]:
    """The rows that the filters leave."""
    text = choice.text.casefold()
    return [
        row
        for row in found
        if (not choice.platform or row.platform == choice.platform)
        and (not choice.state or choice.state in row.states)
        and text in _searched(row)
    ]


def _searched(row: Row) -> str:
    names = [link.name for link in (*row.resumes, *row.starts)]
    return "\n".join([row.name, row.url, row.platform, *names]).casefold()


def state_counts(found: Sequence[Row]) -> Mapping[str, int]:
    """How many rows have each state; states of which there are none are left out."""
    counts = {name: sum(name in row.states for row in found) for name in STATES}
    return {name: count for name, count in counts.items() if count}
