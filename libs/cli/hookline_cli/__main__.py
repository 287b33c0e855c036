"""The command `hookline`: one group, one module per command."""

import sys

import click

from hookline_cli import (
    backup,
    completion,
    config,
    dead,
    demo,
    doctor,
    explain,
    keys,
    replay,
    run,
    samples,
    send,
    topics,
    up,
    waits,
    webhooks,
)
from hookline_cli.chaos import command as chaos
from hookline_common.errors import HooklineError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hookline-cli", prog_name="hookline")
def hookline() -> None:
    """Receive webhooks, prove who sent them, and drive workflows with them."""


for command in (
    up.up,
    demo.demo,
    send.send,
    run.run,
    samples.samples,
    webhooks.webhooks,
    waits.waits,
    replay.replay,
    explain.explain,
    dead.dead,
    topics.topics,
    backup.backup_command,
    backup.restore_command,
    chaos.chaos,
    keys.keys,
    config.config,
    doctor.doctor,
    completion.completion,
):
    hookline.add_command(command)


def main() -> None:
    """Run the command; an error of ours is one line on stderr and exit code 1."""
    try:
        hookline(prog_name="hookline")
    except HooklineError as error:
        click.echo(f"hookline: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
