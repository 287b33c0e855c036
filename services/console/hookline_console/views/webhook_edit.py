"""The form of a webhook: a new one, or one that is there."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from hookline_console.api import ApiRefusal, path
from hookline_console.json_lines import json_text
from hookline_console.pages import Page, Site, change, read
from hookline_console.run_forms import STRATEGIES, BadField
from hookline_console.sessions import Notice
from hookline_console.webhook_forms import (
    CUSTOM,
    OPTIONS,
    Rule,
    placed,
    receivers_of,
    rules_of,
    shown_as_json,
    typed_headers,
    typed_receivers,
    typed_rules,
    webhook_from_json,
    webhook_of,
)

HOME = "/definitions/webhooks"
_TILES = ("GitHub", "Slack", "Stripe", "Microsoft Teams", "SendGrid", "Custom")
"""The platforms of the customer's page; the others follow in a list."""
_SAVE_AGAIN = "Save again to put this in its place, or discard it to see what there is now."


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/definitions/webhooks/new` and `/definitions/webhooks/{id}`."""
    return [
        read(site, f"{HOME}/new", new),
        change(site, f"{HOME}/new", create),
        change(site, f"{HOME}/{{id}}/as-json", as_json),
        change(site, f"{HOME}/{{id}}/as-form", as_form),
        read(site, f"{HOME}/{{id}}", edit),
        change(site, f"{HOME}/{{id}}", save),
    ]


async def new(page: Page) -> Response:
    """An empty form, for the platform of the address."""
    platform = page.query("platform") or page.query("sourcePlatform", "Custom")
    workflow = page.query("workflow")
    receivers = {workflow: 0} if workflow else {}
    return await _shown(
        page, {"sourcePlatform": platform, "receiverWorkflowNamesToVersions": receivers}
    )


async def edit(page: Page) -> Response:
    """The form of a webhook as it is stored; `?platform=` shows it for another one."""
    webhook = await _stored(page)
    if platform := page.query("platform") or page.query("sourcePlatform"):
        webhook["sourcePlatform"] = platform
    return await _shown(page, webhook)


async def create(page: Page) -> Response:
    """Make it; an unverified URL comes of it, to be copied to the platform."""
    return await _saved(page, {})


async def save(page: Page) -> Response:
    """Keep what was changed."""
    return await _saved(page, await _stored(page))


async def as_json(page: Page) -> Response:
    """The JSON that the form stands for."""
    try:
        webhook = webhook_of(page.form, await _before(page))
    except BadField as error:
        return page.data({"message": str(error), "field": error.field}, 400)
    return page.data({"json": json_text(shown_as_json(webhook))})


async def as_form(page: Page) -> Response:
    """The form of what was typed as JSON."""
    try:
        webhook = webhook_from_json(page.form.raw("json"))
    except BadField as error:
        return page.data({"message": str(error), "field": error.field}, 400)
    stored = await _before(page)
    blank: dict[str, Any] = {
        "sourcePlatform": CUSTOM,
        "receiverWorkflowNamesToVersions": {},
        "options": {},
    }
    return await _shown(page, blank | webhook | _identity(stored))


async def _before(page: Page) -> dict[str, Any]:
    return {} if page.param("id") == "new" else await _stored(page)


async def _stored(page: Page) -> dict[str, Any]:
    return await page.api.get(path("/metadata/webhook/{}", page.param("id")))


async def _saved(page: Page, stored: dict[str, Any]) -> Response:
    webhook: dict[str, Any] = dict(stored)
    try:
        text = page.form.raw("json")
        webhook = webhook_from_json(text) if text else webhook_of(page.form, stored)
        if _changed_meanwhile(page, stored):
            who = stored.get("updatedBy") or "someone"
            raise BadField("form", f"Not saved: {who} has changed it since. {_SAVE_AGAIN}")
        answer = await _sent(page, webhook, stored)
    except BadField as error:
        shown = webhook | _typed(page) | _identity(stored)
        return await _shown(page, shown, 400, {error.field: str(error)})
    except ApiRefusal as refusal:
        if refusal.status not in (400, 409):
            raise
        errors = dict(placed(*fault) for fault in refusal.faults)
        return await _shown(page, webhook | _identity(stored), 400, errors)
    warnings = " ".join(one["message"] for one in answer.get("warnings") or ())
    text = "Saved." if stored else "Saved. Copy its URL to the platform."
    kind = "warn" if warnings else "good"
    return page.go(path(HOME + "/{}", answer["id"]), Notice(f"{text} {warnings}".strip(), kind))


def _changed_meanwhile(page: Page, stored: Mapping[str, Any]) -> bool:
    seen = page.form.text("seen")
    return bool(seen) and seen != _last_change(stored)


def _last_change(webhook: Mapping[str, Any]) -> str:
    return str(webhook.get("updateTime") or webhook.get("createTime") or "")


async def _sent(page: Page, webhook: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    if stored:
        return await page.api.put(path("/metadata/webhook/{}", stored["id"]), webhook)
    return await page.api.post("/metadata/webhook", webhook)


def _typed(page: Page) -> dict[str, Any]:
    typed = {"name": page.form.text("name"), "sourcePlatform": page.form.text("sourcePlatform")}
    return {name: value for name, value in typed.items() if value}


def _identity(stored: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("id", "url", "urlVerified", "secrets", "createTime", "updateTime")
    return {name: stored[name] for name in kept if name in stored}


async def _shown(
    page: Page,
    webhook: dict[str, Any],
    status: int = 200,
    errors: Mapping[str, str] | None = None,
) -> Response:
    is_stored = bool(webhook.get("url"))
    platforms, names, stats, last = await asyncio.gather(
        page.api.get("/metadata/webhook-platforms"),
        page.api.get("/metadata/workflow/names"),
        page.api.get("/stats"),
        _last_events(page, webhook if is_stored else {}),
    )
    by_label = {one["label"]: one for one in platforms}
    platform = by_label.get(webhook["sourcePlatform"]) or by_label[CUSTOM]
    form = page.form
    receivers = typed_receivers(form) or receivers_of(webhook)
    headers = typed_headers(form) or list(dict(webhook.get("headers") or {}).items())
    options = {one.name: form.text(f"option.{one.name}") for one in OPTIONS}
    waiting = sum(stats["waiting"].get(name, 0) for name, _ in receivers)
    return await page.show(
        "webhook_edit.html",
        status=status,
        webhook=webhook,
        is_stored=is_stored,
        seen=_last_change(webhook),
        errors=errors or {},
        tiles=_TILES,
        others=_others(list(by_label), webhook["sourcePlatform"]),
        platform=platform,
        names=names,
        receivers=[*receivers, ("", "")],
        rules=typed_rules(form) or rules_of(webhook) or [Rule()],
        headers=[*headers, ("", "")],
        asks_headers=platform["label"] == CUSTOM or bool(webhook.get("headers")),
        values=options if any(options.values()) else webhook.get("options") or {},
        strategies=STRATEGIES,
        options=OPTIONS,
        waiting=waiting,
        last=last,
        as_json=page.form.raw("json") or json_text(shown_as_json(webhook)),
    )


def _others(labels: Sequence[str], stored: str) -> list[str]:
    """The platforms beside the tiles; a label of one's own is among them."""
    known = [label for label in labels if label not in _TILES]
    return known if stored in labels else [*known, stored]


async def _last_events(page: Page, webhook: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not webhook:
        return []
    return (await page.api.get("/webhook-events", webhookId=webhook["id"], limit=5))["events"]
