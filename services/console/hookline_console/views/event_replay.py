"""Replay events: a dry run that says what would happen, then the start of the replay."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.event_rows import filters_of
from hookline_console.event_story import filled
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice

PREVIEWED = 100
DEFAULT_PER_SECOND = 200
_FIELDS = ("ids", "webhookId", "verdict", "type", "text", "from", "to")


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/events/replay`, with the filters of a list or `ids`."""
    return [read(site, "/events/replay", preview), change(site, "/events/replay", start)]


async def preview(page: Page) -> Response:
    """What the replay would come to; nothing changes."""
    given = {name: page.query(name) for name in _FIELDS if page.query(name)}
    if "ids" not in given:
        given.setdefault("to", str(page.now))
    return await _shown(page, given, page.query("restart") == "1", page.query("perSecond"))


async def start(page: Page) -> Response:
    """Start it, and on to its progress."""
    given = {name: page.form.text(name) for name in _FIELDS if page.form.text(name)}
    restart, speed = page.form.on("restart"), page.form.text("perSecond")
    try:
        job = await page.api.post("/replays", _asked(given, restart, speed))
    except ApiRefusal as refusal:
        if refusal.status not in (400, 409, 422):
            raise
        return await _shown(page, given, restart, speed, refusal)
    count = job["counts"]["selected"]
    told = f"The replay of {count} event{'' if count == 1 else 's'} has begun."
    return page.go(path("/operations/replays/{}", job["id"]), Notice(told))


async def _shown(
    page: Page,
    given: Mapping[str, str],
    restart: bool,
    speed: str,
    refusal: ApiRefusal | None = None,
) -> Response:
    found: Mapping[str, Any] | None = None
    try:
        asked = _asked(given, restart, "" if refusal else speed)
        found = await page.api.post("/replays", {**asked, "dryRun": True, "limit": PREVIEWED})
    except ApiRefusal as refused:
        if refused.status not in (400, 409, 422):
            raise
        refusal = refusal or refused
    return await page.show(
        "event_replay.html",
        status=400 if refusal else 200,
        given=given,
        restart=restart,
        per_second=speed or str(DEFAULT_PER_SECOND),
        found=found,
        events=[filled(one) for one in found["events"]] if found else [],
        error=str(refusal or ""),
        error_field=refusal.field if refusal else "",
        back=path("/events/{}", given["ids"]) if _is_one(given) else "/events",
        one=_is_one(given),
    )


def _is_one(given: Mapping[str, str]) -> bool:
    return "ids" in given and "," not in given["ids"]


def _asked(given: Mapping[str, str], restart: bool, speed: str) -> dict[str, Any]:
    """The body of `/replays`; raises ApiRefusal for a speed that is no number."""
    asked: dict[str, Any] = {"filter": _filter(given), "restart": restart}
    if speed and not speed.isdigit():
        message = "Write how many events a second, from 1 to 10,000."
        raise ApiRefusal(message, 400, "invalid_value", "/perSecond")
    return asked | ({"perSecond": int(speed)} if speed else {})


def _filter(given: Mapping[str, str]) -> dict[str, Any]:
    """Named events, or what the filters of the list let through, in milliseconds."""
    if "ids" in given:
        return {"ids": [one for one in given["ids"].split(",") if one]}
    wanted = filters_of(lambda name: given.get(name, ""), 0)
    return wanted.for_replay()
