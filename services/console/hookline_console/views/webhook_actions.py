"""What is done to a webhook beside its form: test, rotate, pause, delete."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.pages import Page, Site, change, read
from hookline_console.sessions import Notice, Undo
from hookline_console.views.webhook_edit import HOME

OVERLAPS = {"": 0, "1": 1, "7": 7, "30": 30}
"""For how many days the secrets before a new one stay valid; 0: until somebody removes them."""
_API = "/metadata/webhook/{}"
_DAY_MS = 86_400_000


def routes(site: Site) -> Sequence[BaseRoute]:
    """Everything below `/definitions/webhooks/{id}/`, without the history."""
    one = f"{HOME}/{{id}}"
    return [
        read(site, f"{one}/test", ask_test),
        change(site, f"{one}/test", test),
        read(site, f"{one}/secrets", secrets),
        change(site, f"{one}/secrets", add_secret),
        change(site, f"{one}/secrets/{{secret}}/remove", remove_secret),
        change(site, f"{one}/pause", pause),
        change(site, f"{one}/resume", resume),
        change(site, f"{one}/delete", delete),
    ]


async def ask_test(page: Page) -> Response:
    """The samples of the platform."""
    return await _test_shown(page)


async def test(page: Page) -> Response:
    """Sign a sample as the platform does, send it through the gateway, and show its event."""
    text = page.form.text("set")
    try:
        values: Any = json.loads(text) if text else {}
    except json.JSONDecodeError as error:
        return await _test_shown(page, 400, f"Not JSON: {error}")
    body = {"event": page.form.text("event"), "set": values}
    try:
        answer = await page.api.post(path(_API + "/test", page.param("id")), body)
    except ApiRefusal as refusal:
        if refusal.status not in (400, 409):
            raise
        return await _test_shown(page, refusal.status, str(refusal))
    event = answer.get("eventId")
    if not event:
        return await _test_shown(page, 400, f"The gateway answered {answer.get('status')}.")
    return page.go(path("/events/{}", event), Notice("Signed, and sent through the gateway."))


async def _test_shown(page: Page, status: int = 200, error: str = "") -> Response:
    webhook, platforms = await asyncio.gather(
        page.api.get(path(_API, page.param("id"))), page.api.get("/metadata/webhook-platforms")
    )
    platform = next((p for p in platforms if p["label"] == webhook["sourcePlatform"]), None)
    return await page.show(
        "webhook_test.html",
        status=status,
        webhook=webhook,
        platform=platform,
        samples=platform["samples"] if platform else [],
        chosen=page.form.text("event") or page.query("event"),
        values=page.form.text("set") or page.query("set"),
        error=error,
    )


async def secrets(page: Page) -> Response:
    """The secrets, without their values, and a form for one more."""
    return await _secrets_shown(page)


async def add_secret(page: Page) -> Response:
    """One more secret; those in use stay valid for as long as was chosen."""
    label = page.form.text("label") or "new"
    address = path(_API, page.param("id"))
    try:
        added = await page.api.post(
            f"{address}/secrets", {"value": page.form.raw("value"), "label": label}
        )
    except ApiRefusal as refusal:
        if refusal.status not in (400, 409):
            raise
        return await _secrets_shown(page, refusal.status, str(refusal))
    text = f"The secret {label} counts now, beside those before: put it in at the platform."
    days = OVERLAPS.get(page.form.text("overlap"))
    if days:
        await _end_others(page, added["id"], page.now + days * _DAY_MS)
        text += f" Those before end in {days} day{'s' if days > 1 else ''}."
    return page.go(path(HOME + "/{}/secrets", page.param("id")), Notice(text))


async def _end_others(page: Page, kept: str, at: int) -> None:
    """Let every other secret end then, unless it ends earlier."""
    address = path(_API, page.param("id"))
    webhook = await page.api.get(address)
    for one in webhook["secrets"]:
        if one["id"] != kept:
            one["expiresAt"] = min(at, one.get("expiresAt") or at)
    await page.api.put(address, webhook)


async def remove_secret(page: Page) -> Response:
    """From the next event on it proves nothing."""
    address = path(_API + "/secrets/{}", page.param("id"), page.param("secret"))
    await page.api.delete(address)
    return page.go(path(HOME + "/{}/secrets", page.param("id")), Notice("The secret is gone."))


async def _secrets_shown(page: Page, status: int = 200, error: str = "") -> Response:
    webhook = await page.api.get(path(_API, page.param("id")))
    return await page.show(
        "webhook_secrets.html", status=status, webhook=webhook, error=error, overlaps=OVERLAPS
    )


async def pause(page: Page) -> Response:
    """Keep events, but do nothing with them."""
    return await _paused(page, paused=True)


async def resume(page: Page) -> Response:
    """Act on events again."""
    return await _paused(page, paused=False)


async def _paused(page: Page, *, paused: bool) -> Response:
    address = path(_API, page.param("id"))
    webhook = await page.api.get(address)
    webhook["options"]["paused"] = paused
    await page.api.put(address, webhook)
    word, opposite = ("paused", "resume") if paused else ("resumed", "pause")
    undo = Undo(path(HOME + "/{}/" + opposite, webhook["id"]))
    notice = Notice(f"{webhook['name']} is {word}.", undo=undo)
    return page.go(page.own_address(page.form.text("back"), HOME), notice)


async def delete(page: Page) -> Response:
    """Remove it, once its name was typed."""
    address = path(_API, page.param("id"))
    webhook = await page.api.get(address)
    if page.form.text("name") != webhook["name"]:
        notice = Notice(f"Not deleted: type {webhook['name']} to delete it.", "warn")
        return page.go(path(HOME + "/{}", webhook["id"]), notice)
    await page.api.delete(address)
    text = f"Deleted {webhook['name']}. Its history stays until its retention ends."
    return page.go(HOME, Notice(text))
