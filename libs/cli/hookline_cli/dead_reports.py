"""What `hookline dead` says of dead letters and of what was done about them."""

import json
from datetime import datetime
from typing import Any

import click


def report(found: dict[str, Any], name: str, *, dry_run: bool, as_json: bool) -> None:
    """Say what came of a redrive or a drop."""
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found["skipped"]:
        why = "there is none" if one["reason"] == "not_found" else f"it is {one['reason']} already"
        click.echo(f"{one['id']}  left alone: {why}", err=True)
    if dry_run:
        click.echo(f"{letters_of(found['matched'])} would be {name}.")
        return
    click.echo(f"{letters_of(found[name])} {name}.")
    if found["expired"]:
        click.echo(f"{letters_of(found['expired'])} expired: the log has let go of them.", err=True)
    if found["remaining"]:
        held = letters_of(found["remaining"])
        click.echo(f"{held} held by another run, or by one that broke off:"
                   " try again in a minute.", err=True)  # fmt: skip


def letters_of(count: int) -> str:
    """How many, in words."""
    return "1 dead letter" if count == 1 else f"{count} dead letters"


def describe_letter(letter: dict[str, Any]) -> str:
    """One line: the id, when, which topic, the error, what it is about."""
    state = "" if letter["state"] == "waiting" else f" [{letter['state']}]"
    about = letter.get("eventId") or letter["key"]
    return (
        f"{letter['id']}  {_time(letter['lastAt'])}  {letter['topic']:<20}"
        f" {letter['reason']} {letter['error']}: {letter['message'][:80]}  {about}{state}"
    )


def describe_in_full(found: dict[str, Any]) -> list[str]:
    """A letter with its message, in lines."""
    failure = f"{found['reason']} {found['error']}: {found['message']}"
    lines = {
        "id": f"{found['id']} ({found['state']})",
        "failure": failure,
        "attempts": f"{found['attempts']}, {_time(found['firstAt'])} to {_time(found['lastAt'])}",
        "raised at": f"{found.get('stack', '-')} in {found['service']} (group {found['group']})",
        "source": f"{found['topic']}:{found['partition']}:{found['offset']} key {found['key']}",
        "event": found.get("eventId"),
        "webhook": found.get("webhookId"),
        "redrive of": found.get("redriveOf"),
    }
    shown = [f"{name:<11} {value}" for name, value in lines.items() if value]
    event = found.get("event")
    if event:
        shown += [f"ce_{name:<20} {value}" for name, value in event.items() if name != "extensions"]
        shown += [f"ce_{name:<20} {value}" for name, value in event["extensions"].items()]
    shown += [f"{name:<23} {value}" for name, value in found.get("headers", {}).items()]
    return [*shown, "", _value(found)]


def _value(found: dict[str, Any]) -> str:
    if found.get("valueExpired"):
        return "(the log keeps the message no longer)"
    if "value" in found:
        return json.dumps(found["value"], indent=2, ensure_ascii=False)
    return found.get("text", f"({found['sizeBytes']} bytes; --json has them in base64)")


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000).astimezone():%Y-%m-%d %H:%M:%S}"
