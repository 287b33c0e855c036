"""The command `hookline chaos`."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click

from hookline_cli.chaos.audit import audit
from hookline_cli.chaos.cases import as_many
from hookline_cli.chaos.report import report
from hookline_cli.chaos.stream import Plan, Watcher, run_stream
from hookline_cli.client import Client, address_options

_EVERY = 10


class _OnTerminal(Watcher):
    """A line on stderr that is written over; nothing where nobody looks."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def played(self, count: int) -> None:
        if count % _EVERY == 0:
            self._say(f"{count} cases played")

    def settling(self, says: str) -> None:
        self._say(says)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _say(self, text: str) -> None:
        if self._shown:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)


@click.command()
@click.option("--seed", type=int, default=1, show_default=True,
              help="What is sent follows from it alone.")  # fmt: skip
@click.option("--events", type=click.IntRange(1), default=300, show_default=True,
              help="How many events to send, rounded up to whole cases.")  # fmt: skip
@click.option("--patience", type=float, default=60.0, show_default=True,
              help="Seconds to wait for an answer, and for everything to settle.")  # fmt: skip
@click.option("--gateway", default="",
              help="The gateway's address, if not that of the webhooks.")  # fmt: skip
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path),
              help="Keep the workers' ledger in this file (it is appended to).")  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave webhooks and definitions where they are.")
@address_options
def chaos(
    url: str,
    key: str,
    seed: int,
    events: int,
    patience: float,
    gateway: str,
    ledger: Path | None,
    keep: bool,
) -> None:
    """Send a seeded stream of signed events with a known outcome, and audit what became of them.

    Exits with 1 if anything was lost, done twice or left without a verdict. It makes webhooks,
    workflows and workers of its own, and takes them away at the end.
    """
    Client(url, key).get("/metadata/webhook")  # the stream would ask again for a whole minute
    with tempfile.TemporaryDirectory(prefix="hookline-chaos-") as folder:
        plan = Plan(
            seed=seed,
            choose=lambda stream: as_many(stream, events),
            api=(url.rstrip("/").removesuffix("/api"),),
            ledger=ledger or Path(folder) / "ledger.jsonl",
            gateways=(gateway,) if gateway else (),
            key=key,
            patience_seconds=patience,
            keep=keep,
        )
        watcher = _OnTerminal()
        run = asyncio.run(run_stream(plan, watcher))
        watcher.end()
    violations = audit(run.played, run.observed, run.ledger, run.broken_off)
    click.echo("\n".join(report(run, violations)))
    click.echo(f"again: hookline chaos --seed {seed} --events {events}")
    if violations:
        sys.exit(1)
