"""`hookline run`: start a workflow."""

import json
import time
from pathlib import Path
from typing import Any

import click

from hookline_cli.client import Client, parse_assignments, url_option

_POLL_SECONDS = 0.1


@click.command()
@click.argument("workflow")
@click.option("--version", type=int, help="The version (default: the newest).")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="JSON|@FILE|key=value",
    help="The input; repeatable.",
)
@click.option("--correlation-id", help="A name of yours for the execution.")
@click.option("--idempotency-key", help="Start at most one execution with this key.")
@click.option(
    "--wait", type=float, metavar="SECONDS", help="Wait until it ends, and show the output."
)
@url_option
def run(
    client: Client,
    workflow: str,
    version: int | None,
    inputs: tuple[str, ...],
    correlation_id: str | None,
    idempotency_key: str | None,
    wait: float | None,
) -> None:
    """Start WORKFLOW and print the id of the execution."""
    request: dict[str, Any] = {"name": workflow, "input": parse_inputs(inputs)}
    optional = {
        "version": version,
        "correlationId": correlation_id,
        "idempotencyKey": idempotency_key,
    }
    request |= {name: value for name, value in optional.items() if value is not None}
    workflow_id = client.post("/workflow", request)
    click.echo(workflow_id)
    if wait is not None:
        _show_end(client, workflow_id, wait)


def parse_inputs(inputs: tuple[str, ...]) -> dict[str, Any]:
    """JSON objects, @files of JSON and key=value pairs, merged from left to right."""
    merged: dict[str, Any] = {}
    for text in inputs:
        if text.startswith("@"):
            merged |= _object(_read(Path(text[1:])), text)
        elif text.lstrip().startswith("{"):
            merged |= _object(text, text)
        else:
            merged |= parse_assignments((text,))
    return merged


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"@{path} cannot be read: {error}") from error


def _object(text: str, shown: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{shown} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise click.BadParameter(f"{shown} is not a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType] - any JSON object


def _show_end(client: Client, workflow_id: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    execution = client.get(f"/workflow/{workflow_id}")
    while execution["status"] in ("RUNNING", "PAUSED") and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        execution = client.get(f"/workflow/{workflow_id}")
    click.echo(f"{execution['status']} {json.dumps(execution.get('output', {}))}")
    if execution["status"] != "COMPLETED":
        raise SystemExit(1)
