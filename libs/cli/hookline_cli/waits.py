"""`hookline waits`: what executions wait for."""

import sys
from typing import Any

import click

from hookline_cli.client import Client, url_option

_PAGE = 500


@click.group()
def waits() -> None:
    """Look after the waits of executions."""


@waits.command()
@url_option
def rebuild(client: Client) -> None:
    """Tell the matcher again of every wait that is open, from the executions themselves.

    For a matcher whose waits were lost. It can run at any time and more than once: what the matcher
    knows already stays as it is.
    """
    looked_at = written = 0
    cursor: str | None = ""
    while cursor is not None:
        page = _next_page(client, cursor)
        looked_at += page["executions"]
        written += page["waits"]
        cursor = page.get("cursor")
        _show_progress(looked_at, max(page["running"], looked_at))
    if sys.stderr.isatty():
        click.echo(err=True)
    click.echo(f"{written} open waits of {looked_at} running executions were written again")


def _next_page(client: Client, cursor: str) -> dict[str, Any]:
    query: dict[str, Any] = {"limit": _PAGE}
    if cursor:
        query["cursor"] = cursor
    return client.post("/waits/rebuild", params=query)


def _show_progress(done: int, total: int) -> None:
    """One line that is written over, where somebody looks."""
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {total} executions", err=True, nl=False)
