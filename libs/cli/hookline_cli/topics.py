"""`hookline topics`: what the log holds, how far its readers are, and what passes through it."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click

from hookline_cli.client import Client, url_option
from hookline_cli.completion import offering
from hookline_cli.log_commands import create, rewind_command
from hookline_cli.moments import Moment
from hookline_common.topics import BY_NAME

FOLLOW_SECONDS = 1.0
"""Between looks of `tail --follow`; while nobody follows nothing looks."""
_PAGE = 500
_SHOWN_EXTENSIONS = ("verdict", "reason", "deliveryid", "webhookname", "replay", "method")
"""What a line of `tail` shows of an event's extensions; `--json` has all."""

_topic = click.argument("topic", shell_complete=offering(lambda: [*BY_NAME]))
_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group()
def topics() -> None:
    """Look into the log: topics, the lag of their readers, records."""


topics.add_command(create)
topics.add_command(rewind_command)


@topics.command("list")
@_as_json
@url_option
def list_topics(client: Client, as_json: bool) -> None:
    """Show every topic: partitions, retention, records so far, who reads it and how far behind."""
    found = client.get("/topics")["topics"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for topic in found:
        click.echo(_describe_topic(topic))


@topics.command()
@click.option("--group", help="Only of this group.")
@_as_json
@url_option
def lag(client: Client, group: str | None, as_json: bool) -> None:
    """Show how far each group is behind on each partition."""
    found = [
        {"topic": topic["name"], "group": one["group"], "members": one["members"], **partition}
        for topic in client.get("/topics")["topics"]
        for one in topic["groups"]
        if group in (None, one["group"])
        for partition in one["partitions"]
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        raise click.BadParameter(f"no group {group!r} reads anything", param_hint="--group")
    for line in _lag_lines(found):
        click.echo(line)


@topics.command()
@_topic
@click.option("--from", "begin", type=Moment(), help="From this time on, or since so long ago.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True)
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@url_option
def tail(
    client: Client, topic: str, begin: int | None, limit: int, follow: bool, as_json: bool
) -> None:
    """Show the newest records of TOPIC, or those from a time on."""
    shown = 0
    for record in _records(client, topic, begin, limit, follow=follow):
        click.echo(json.dumps(record) if as_json else describe_record(record))
        shown += 1
    if not shown and not follow:
        click.echo(f"No record in {topic} yet." if begin is None else "No record since then.",
                   err=True)  # fmt: skip


def _records(
    client: Client, topic: str, begin: int | None, limit: int, *, follow: bool
) -> Iterator[dict[str, Any]]:
    """Up to `limit` records; then, if followed, whatever comes."""
    ask: Callable[[dict[str, Any]], Any] = lambda query: client.get(  # noqa: E731 - one use
        f"/topics/{topic}/records", params=query
    )
    query: dict[str, Any] = {"limit": min(limit, _PAGE)}
    if begin is not None:
        query["from"] = begin
    left = limit
    while left > 0 or follow:
        page = ask(query)
        yield from page["records"]
        left -= len(page["records"])
        if page["atEnd"]:
            if not follow:
                return
            time.sleep(FOLLOW_SECONDS)
        query = {"limit": _PAGE if follow else min(max(left, 1), _PAGE), "cursor": page["cursor"]}


def describe_record(record: dict[str, Any]) -> str:
    """One line: where, when, what it is about, and how its value begins."""
    when = datetime.fromtimestamp(record["timestamp"] / 1000).astimezone()
    where = f"{record['partition']}:{record['offset']}"
    return (
        f"{where:<9} {when:%m-%d %H:%M:%S} {_about(record)}"
        f"{_dead(record)} {record.get('preview') or '(tombstone)'}"
    )


def _about(record: dict[str, Any]) -> str:
    event = record.get("event")
    if event is None:
        return f"{record.get('kind') or '-'} key={record['key']}"
    extensions = event.get("extensions", {})
    shown = [f"{name}={extensions[name]}" for name in _SHOWN_EXTENSIONS if name in extensions]
    named = [event["id"], event.get("subject") or event.get("type", "-"), event.get("source", "")]
    return " ".join([*named, event.get("time", ""), *shown])


def _dead(record: dict[str, Any]) -> str:
    dead = record.get("dead")
    return f" [{dead['reason']} {dead['error']}: {dead['message']}]" if dead else ""


def _describe_topic(topic: dict[str, Any]) -> str:
    days = topic["retentionMs"] / 86_400_000
    kept = "compacted" if topic["cleanup"] == "compact" else f"{days:g} days"
    records = sum(one["end"] for one in topic["partitions"])
    readers = ", ".join(f"{one['group']} (lag {one['lag']})" for one in topic["groups"])
    return (
        f"{topic['name']:<24} {len(topic['partitions']):>2} partitions  {kept:<9}"
        f"  {records:>9} records so far  {readers or '-'}"
    )


def _lag_lines(found: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{'group':<13} {'topic':<24} {'partition':>9} {'committed':>10} {'end':>10} {'lag':>8}"
    for one in found:
        alone = "" if one["members"] else "  no member"
        yield (
            f"{one['group']:<13} {one['topic']:<24} {one['partition']:>9} {one['committed']:>10}"
            f" {one['end']:>10} {one['lag']:>8}{alone}"
        )
