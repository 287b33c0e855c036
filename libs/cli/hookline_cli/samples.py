"""`hookline samples`: the gallery's examples to try things with, applied over the REST API."""

import secrets
from typing import Any

import click

from hookline_cli.client import ApiFailure, Client, url_option
from hookline_cli.completion import offering
from hookline_console import gallery
from hookline_console.gallery import Example


@click.group()
def samples() -> None:
    """List and apply sample workflows with their webhooks."""


@samples.command("list")
def list_samples() -> None:
    """Show the samples."""
    for name in gallery.names():
        click.echo(f"  {name:<24} {gallery.load(name).description}")
    click.echo("\nApply one with: hookline samples apply NAME")


@samples.command("apply")
@click.argument("name", shell_complete=offering(lambda: list(gallery.names())))
@url_option
def apply_sample(client: Client, name: str) -> None:
    """Register the definitions and webhooks of a sample; applying it again is harmless."""
    example = gallery.load(name)
    for line in apply(client, example):
        click.echo(line)
    click.echo("\nNow try:")
    for command in example.next:
        click.echo(f"  {command}")


def apply(client: Client, example: Example) -> list[str]:
    """Register everything in the example; one line for each thing that is there now."""
    if example.task_defs:
        client.post("/metadata/taskdefs", example.task_defs)
    client.call("PUT", "/metadata/workflow", json=example.workflows)
    flows = [f"workflow {one['name']} version {one['version']}" for one in example.workflows]
    return flows + [_webhook(client, webhook) for webhook in example.webhooks]


def _webhook(client: Client, webhook: dict[str, Any]) -> str:
    """Made with a secret of its own, which only the server knows from then on."""
    try:
        made = client.post("/metadata/webhook", {**webhook, "secretValue": secrets.token_hex(20)})
    except ApiFailure as failure:
        if failure.status != 409:
            raise
        made = client.webhook(webhook["name"])
    return f"webhook {made['name']} at {made['url']}"
