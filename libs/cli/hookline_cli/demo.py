"""`hookline demo`: plays a whole story on a running system, and checks every step of it."""

import click

from hookline_cli.client import Client, url_option
from hookline_cli.story import Step, Story
from hookline_common.errors import HooklineError


def _played(step: Step) -> tuple[str, str, bool]:
    """What was expected, what came, and whether the steps behind it can be played at all."""
    try:
        expected, got = step()
    except HooklineError as error:
        return "an answer", str(error), False
    return expected, got, True


@click.command()
@click.option("--patience", type=float, default=15.0, show_default=True,
              help="Seconds to wait for each thing to happen.")  # fmt: skip
@url_option
def demo(client: Client, patience: float) -> None:
    """Define, wait, send, resume, start, reject a forgery: exits with 1 if anything is amiss."""
    story = Story(client, patience)
    failed = 0
    for number, (title, step) in enumerate(story.steps(), 1):
        expected, got, goes_on = _played(step)
        failed += expected != got
        click.echo(f"{'ok  ' if expected == got else 'FAIL'} {number}. {title}")
        click.echo(f"       expected {expected}")
        click.echo(f"       got      {got}")
        if not goes_on:
            break
    click.echo("")
    click.echo("\n".join(story.history()))
    if failed:
        click.echo(f"\n{failed} of the steps did not go as expected.", err=True)
        raise SystemExit(1)
    click.echo("\nAll as expected.")
