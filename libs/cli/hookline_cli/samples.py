"""`hookline samples`: small definitions to try things with, applied over the REST API."""

import json
import secrets
from importlib import resources
from typing import Any

import click

from hookline_cli.client import ApiFailure, Client, url_option
from hookline_cli.completion import offering
from hookline_common.errors import HooklineError

_FOLDER = "sample_files"


def names() -> list[str]:
    """The names of all samples."""
    files = resources.files("hookline_cli").joinpath(_FOLDER).iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


@click.group()
def samples() -> None:
    """List and apply sample workflows with their webhooks."""


@samples.command("list")
def list_samples() -> None:
    """Show the samples."""
    for name in names():
        click.echo(f"  {name:<20} {load(name)['description']}")
    click.echo("\nApply one with: hookline samples apply NAME")


@samples.command("apply")
@click.argument("name", shell_complete=offering(names))
@url_option
def apply_sample(client: Client, name: str) -> None:
    """Register the definitions and webhooks of a sample; applying it again is harmless."""
    sample = load(name)
    for line in apply(client, sample):
        click.echo(line)
    click.echo("\nNow try:")
    for command in sample["next"]:
        click.echo(f"  {command}")


def load(name: str) -> dict[str, Any]:
    """The sample of that name."""
    if name not in names():
        raise HooklineError(f"no sample {name!r}; there are: {', '.join(names())}")
    file = resources.files("hookline_cli").joinpath(_FOLDER, f"{name}.json")
    return json.loads(file.read_text())


def apply(client: Client, sample: dict[str, Any]) -> list[str]:
    """Register everything in the sample; one line for each thing that is there now."""
    lines: list[str] = []
    if sample["taskDefs"]:
        client.post("/metadata/taskdefs", sample["taskDefs"])
    client.call("PUT", "/metadata/workflow", json=sample["workflows"])
    lines += [f"workflow {one['name']} version {one['version']}" for one in sample["workflows"]]
    for webhook in sample["webhooks"]:
        lines.append(_webhook(client, webhook))
    return lines


def _webhook(client: Client, webhook: dict[str, Any]) -> str:
    """Made with a secret of its own, which only the server knows from then on."""
    try:
        made = client.post("/metadata/webhook", {**webhook, "secretValue": secrets.token_hex(20)})
    except ApiFailure as failure:
        if failure.status != 409:
            raise
        made = client.webhook(webhook["name"])
    return f"webhook {made['name']} at {made['url']}"
