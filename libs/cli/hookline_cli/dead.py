"""`hookline dead`: messages that were put aside, and what to do about them."""

import contextlib
import json
import sys
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import click

from hookline_cli.client import Client, url_option
from hookline_cli.completion import offering
from hookline_cli.dead_reports import describe_in_full, describe_letter, letters_of, report
from hookline_cli.moments import Moment
from hookline_common.topics import DEAD_LETTERS, DEAD_SUFFIX

F = TypeVar("F", bound=Callable[..., Any])

PAGE = 100
"""How many a call takes back or drops: as many are done, and no more, when Ctrl-C comes."""
STATES = ("waiting", "redriven", "dropped", "expired")
_TOPICS = tuple(name.removesuffix(DEAD_SUFFIX) for name in DEAD_LETTERS.topic_names)

_SELECTION = (
    click.option("--topic", multiple=True, shell_complete=offering(lambda: _TOPICS),
                 help="Only of this topic; repeatable."),
    click.option("--error", multiple=True, metavar="CLASS", help="Only with this error."),
    click.option("--reason", multiple=True, type=click.Choice(["poison", "stuck", "unexpected"]),
                 help="Only put aside for this reason."),
    click.option("--event", multiple=True, metavar="ID", help="Only about this event."),
    click.option("--webhook", help="Only of this webhook (an id or a name)."),
    click.option("--since", type=Moment(),
                 help="Only put aside from this time on, or since so long ago."),
    click.option("--until", type=Moment(), help="Only put aside before this time."),
)  # fmt: skip


def _selection(function: F) -> F:
    for option in reversed(_SELECTION):
        function = option(function)
    return function


@click.group()
def dead() -> None:
    """Look at messages that could not be processed, take them back, or drop them."""


@dead.command("list")
@_selection
@click.option("--state", type=click.Choice([*STATES, "all"]), default="waiting", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@url_option
def list_letters(client: Client, state: str, limit: int, as_json: bool, **chosen: Any) -> None:
    """Show the newest dead letters."""
    query = {**_filter(client, chosen), "limit": limit}
    if state != "all":
        query["state"] = state
    found = client.get("/dead-letters", params=query)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found["deadLetters"]:
        click.echo(_nothing(chosen, state))
        return
    for letter in found["deadLetters"]:
        click.echo(describe_letter(letter))
    if "nextCursor" in found:
        click.echo(f"… and more than these {limit}; narrow it down, or use --limit", err=True)


def _nothing(chosen: dict[str, Any], state: str) -> str:
    filtered = any(chosen.values()) or state not in ("waiting", "all")
    if filtered:
        return "No dead letter like that. All of them: hookline dead list --state all"
    return "No dead letter: every message could be processed."


@dead.command()
@click.argument("letter")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the value in base64.")
@url_option
def show(client: Client, letter: str, as_json: bool) -> None:
    """Show a dead letter: its error, where it comes from, its message."""
    found = client.get(f"/dead-letters/{letter}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in describe_in_full(found):
        click.echo(line)


@dead.command()
@click.argument("letters", nargs=-1)
@_selection
@click.option("--all", "everything", is_flag=True, help="All that are waiting.")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@url_option
def redrive(
    client: Client,
    letters: tuple[str, ...],
    everything: bool,
    dry_run: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Take dead letters (by id or filter) back to their topics, once the cause is mended.

    It is safe to run again, also after Ctrl-C: what was taken back is not taken twice.
    """
    body = _body(client, letters, chosen, everything=everything)
    found = _looked_up(client, "POST", "/dead-letters/redrive", body)
    if not dry_run and found["matched"]:
        found = _in_pages(client, "POST", "/dead-letters/redrive", body, found, "redriven")
    report(found, "redriven", dry_run=dry_run, as_json=as_json)


@dead.command()
@click.argument("letters", nargs=-1)
@_selection
@click.option("--all", "everything", is_flag=True, help="All that are waiting.")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@url_option
def drop(
    client: Client,
    letters: tuple[str, ...],
    everything: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Give dead letters up (by id or filter): they are not taken back any more."""
    body = _body(client, letters, chosen, everything=everything)
    found = _looked_up(client, "DELETE", "/dead-letters", body)
    if not dry_run and found["matched"]:
        if not yes:
            click.confirm(f"Drop {letters_of(found['matched'])}?", err=True, abort=True)
        found = _in_pages(client, "DELETE", "/dead-letters", body, found, "dropped")
    report(found, "dropped", dry_run=dry_run, as_json=as_json)


# --- which ----------------------------------------------------------------------------------------


def _filter(client: Client, chosen: dict[str, Any]) -> dict[str, Any]:
    webhook = client.webhook(chosen["webhook"])["id"] if chosen["webhook"] else None
    named: dict[str, Any] = {
        "topic": list(chosen["topic"]),
        "error": list(chosen["error"]),
        "reason": list(chosen["reason"]),
        "eventId": list(chosen["event"]),
        "webhookId": webhook,
        "from": chosen["since"],
        "to": chosen["until"],
    }
    return {name: value for name, value in named.items() if value not in (None, [])}


def _body(
    client: Client, letters: tuple[str, ...], chosen: dict[str, Any], *, everything: bool
) -> dict[str, Any]:
    wanted = _filter(client, chosen)
    if sum((bool(letters), bool(wanted), everything)) != 1:
        raise click.UsageError("Say which dead letters: ids, or filters such as --topic, or --all.")
    if letters:
        return {"ids": list(letters)}
    return {"filter": wanted or {"all": True}}


def _looked_up(client: Client, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """How many it is about; nothing is done."""
    return client.call(method, path, json={**body, "dryRun": True})


def _until_now(body: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """A message that fails again comes back as a new dead letter, which this run leaves alone."""
    if "ids" in body:
        return body
    chosen = body["filter"]
    return {"filter": {**chosen, "to": min(chosen.get("to", now_ms), now_ms)}}


# --- doing ----------------------------------------------------------------------------------------


def _in_pages(
    client: Client, method: str, path: str, body: dict[str, Any], found: dict[str, Any], name: str
) -> dict[str, Any]:
    """Do it page by page; the sums, and what the last page left."""
    body = {**_until_now(body, found["now"]), "limit": PAGE}
    total = {**found, name: 0, "expired": 0}
    with _progress(found["matched"], name) as advance:
        while True:
            page = client.call(method, path, json=body)
            total |= {key: total[key] + page[key] for key in (name, "expired")}
            total["remaining"] = page["remaining"]
            advance(page[name] + page["expired"])
            if not page["remaining"] or not page[name] + page["expired"]:
                return total


@contextlib.contextmanager
def _progress(length: int, label: str) -> Generator[Callable[[int], None]]:
    """A bar on stderr where somebody looks; what it gives moves it on."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(
        length=length, label=label, file=sys.stderr, show_pos=True, hidden=hidden
    ) as bar:
        yield bar.update
