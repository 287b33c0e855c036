"""`hookline replay`: have stored events take effect that could not when they came."""

import json
from typing import Any

import click

from hookline_cli.client import Client, address_options, url_option
from hookline_cli.completion import offering
from hookline_cli.moments import Moment
from hookline_cli.replay_reports import describe_job, describe_preview, describe_totals
from hookline_cli.replay_watch import follow

VERDICTS = ("rejected", "unmatched", "failed", "dead", "paused", "resumed", "started",
            "resumed_and_started")  # fmt: skip
_PREVIEWED = 100


@click.group(invoke_without_command=True)
@click.option("--webhook", help="Only events of this webhook (an id or a name).")
@click.option("--verdict", "verdicts", multiple=True, shell_complete=offering(lambda: VERDICTS),
              metavar="VERDICT[,…]", help="Such as rejected,unmatched.")  # fmt: skip
@click.option("--type", "types", multiple=True, metavar="TYPE[,…]",
              help="Only of these types, as the platform calls them.")  # fmt: skip
@click.option(
    "--since", type=Moment(), help="Only from this time on: an ISO time, or how long ago."
)
@click.option("--until", type=Moment(), help="Only before this time.")
@click.option("--id", "ids", multiple=True, metavar="EVENT[,…]", help="Only these events.")
@click.option("--text", help="Only where this text is in id, type, name or the payload's start.")
@click.option("--restart", is_flag=True, help="Start workflows again that were started before.")
@click.option("--per-second", type=click.IntRange(1, 10_000), help="How fast (default 200).")
@click.option("--dry-run", is_flag=True, help="Only say what would resume and start.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: the whole answer as JSON.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--detach", is_flag=True, help="Begin, and do not follow.")
@click.option("--resume", metavar="JOB", help="Go on with a replay that was paused, and follow it.")
@address_options
@click.pass_context
def replay(context: click.Context, url: str, key: str, **asked: Any) -> None:
    """Send stored events through Hookline once more, with their original time of arrival.

    For events that were rejected for a wrong secret, or that no workflow took because it was
    defined too late. What started or resumed before does not happen twice.
    """
    if context.invoked_subcommand is not None:
        context.default_map = {context.invoked_subcommand: {"url": url, "key": key}}
        return
    client = Client(url, key)
    if asked["resume"]:
        client.call("PUT", f"/replays/{asked['resume']}/resume")
        follow(client, asked["resume"])
        return
    body = _body(client, asked)
    if asked["dry_run"]:
        _preview(client, body, as_json=asked["as_json"])
    elif asked["yes"] or _confirmed(client, body):
        job = client.post("/replays", body)
        _begun(client, job, detach=asked["detach"])


def _begun(client: Client, job: dict[str, Any], *, detach: bool) -> None:
    if detach:
        click.echo(f"{job['id']} replays {job['counts']['selected']} events; look after it with: "
                   f"hookline replay show {job['id']}")  # fmt: skip
        return
    follow(client, job["id"])


def _body(client: Client, asked: dict[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "webhookId": client.webhook(asked["webhook"])["id"] if asked["webhook"] else None,
        "verdicts": _split(asked["verdicts"]),
        "types": _split(asked["types"]),
        "from": asked["since"],
        "to": asked["until"],
        "ids": _split(asked["ids"]),
        "text": asked["text"],
    }
    chosen = {name: value for name, value in chosen.items() if value not in (None, [])}
    if not chosen:
        raise click.UsageError(
            "Say which events: --webhook, --verdict, --type, --since, --until, --id or --text."
        )
    body: dict[str, Any] = {"filter": chosen, "restart": asked["restart"]}
    if asked["per_second"]:
        body["perSecond"] = asked["per_second"]
    return body


def _split(values: tuple[str, ...]) -> list[str]:
    parts = (part.strip() for value in values for part in value.split(","))
    return [part for part in parts if part]


def _preview(client: Client, body: dict[str, Any], *, as_json: bool) -> None:
    found = client.post(
        "/replays", {**body, "dryRun": True, "limit": 1000 if as_json else _PREVIEWED}
    )
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in describe_preview(found):
        click.echo(line)


def _confirmed(client: Client, body: dict[str, Any]) -> bool:
    """Show what it would come to, and ask."""
    found = client.post("/replays", {**body, "dryRun": True, "limit": _PREVIEWED})
    for line in describe_totals(found):
        click.echo(line, err=True)
    return found["selected"] > 0 and click.confirm("Replay them?", err=True, abort=True)


@replay.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@url_option
def list_replays(client: Client, limit: int) -> None:
    """Show the newest replays and how far they are."""
    jobs = client.get("/replays", params={"limit": limit})["replays"]
    if not jobs:
        click.echo("No replay yet. Try: hookline replay --verdict rejected --dry-run")
    for job in jobs:
        click.echo(describe_job(job))


@replay.command()
@click.argument("job")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@url_option
def show(client: Client, job: str, as_json: bool) -> None:
    """Show one replay."""
    found = client.get(f"/replays/{job}")
    click.echo(json.dumps(found, indent=2) if as_json else describe_job(found))


@replay.command()
@click.argument("job")
@url_option
def watch(client: Client, job: str) -> None:
    """Follow a replay to its end; Ctrl-C pauses it."""
    follow(client, job)


@replay.command()
@click.argument("job")
@url_option
def pause(client: Client, job: str) -> None:
    """Pause a replay; `hookline replay --resume JOB` goes on with it."""
    click.echo(describe_job(client.call("PUT", f"/replays/{job}/pause")))


@replay.command()
@click.argument("job")
@url_option
def stop(client: Client, job: str) -> None:
    """End a replay for good."""
    click.echo(describe_job(client.call("PUT", f"/replays/{job}/stop")))
