"""`hookline webhooks`: what webhooks there are, and what has come in."""

from datetime import datetime
from typing import Any

import click

from hookline_cli.client import Client, url_option


@click.group()
def webhooks() -> None:
    """List webhooks and the events that they received."""


@webhooks.command("list")
@url_option
def list_webhooks(client: Client) -> None:
    """Show every webhook with its address."""
    known = client.get("/metadata/webhook")
    if not known:
        click.echo("No webhook yet. Make one with: hookline samples apply wait_for_review")
        return
    for webhook in known:
        state = "verified" if webhook.get("urlVerified") else "unverified"
        click.echo(f"{webhook['name']:<24} {webhook.get('sourcePlatform', ''):<16} {state:<11}"
                   f" {webhook['url']}")  # fmt: skip


@webhooks.command("events")
@click.argument("webhook")
@click.option("--verdict", help="Only events with this verdict, such as rejected or unmatched.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@url_option
def list_events(client: Client, webhook: str, verdict: str | None, limit: int) -> None:
    """Show the newest events of WEBHOOK (an id or a name) and what became of them."""
    found = client.webhook(webhook)
    filters: dict[str, Any] = {"webhookId": found["id"], "limit": limit}
    if verdict:
        filters["verdict"] = verdict
    events = client.get("/webhook-events", params=filters)["events"]
    if not events:
        click.echo(f"No event yet. Send one with: hookline send {found['name']} EVENT")
        return
    for event in events:
        click.echo(describe(event))


def describe(event: dict[str, Any]) -> str:
    """One line: when, what, the verdict, and the executions or the reason."""
    when = datetime.fromtimestamp(event["receivedAt"] / 1000).astimezone()
    effects = ", ".join(
        f"{effect['kind']} {effect.get('workflowName', '')} {effect.get('workflowId', '')}"
        for effect in event.get("effects", [])
    )
    why = effects or event.get("detail") or event.get("reason") or ""
    return (
        f"{when:%H:%M:%S} {event.get('type') or '-':<28} {event['verdict']:<20}"
        f" {event['id']}  {why}"
    )
