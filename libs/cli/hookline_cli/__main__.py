"""The command `hookline`: one group, one module per command."""

import importlib
import sys
from collections.abc import Mapping

import click

from hookline_common.errors import HooklineError

_COMMANDS: Mapping[str, str] = {
    "backup": "backup:backup_command",
    "chaos": "chaos.command:chaos",
    "completion": "completion:completion",
    "config": "config:config",
    "dead": "dead:dead",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "explain": "explain:explain",
    "keys": "keys:keys",
    "replay": "replay:replay",
    "restore": "backup:restore_command",
    "run": "run:run",
    "samples": "samples:samples",
    "send": "send:send",
    "topics": "topics:topics",
    "up": "up:up",
    "waits": "waits:waits",
    "webhooks": "webhooks:webhooks",
}
"""Module and name of each command: only the one that is called is imported, so that it starts
without all services.
"""


class Commands(click.Group):
    """The commands of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names, sorted."""
        return sorted(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name, imported now."""
        module, _, name = _COMMANDS.get(cmd_name, "").partition(":")
        return getattr(importlib.import_module(f"hookline_cli.{module}"), name) if name else None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="hookline-cli", prog_name="hookline")
def hookline() -> None:
    """Receive webhooks, prove who sent them, and drive workflows with them."""


def main() -> None:
    """Run the command; an error of ours is one line on stderr and exit code 1."""
    try:
        hookline(prog_name="hookline")
    except HooklineError as error:
        click.echo(f"hookline: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
