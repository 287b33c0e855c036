"""`hookline settings`: every setting, as the table that docs/operating.md shows."""

import click

from hookline_common.settings import TABLE, Setting


@click.command()
def settings() -> None:
    """Show every environment variable with its default and what is allowed."""
    click.echo(table())


def table() -> str:
    """The settings as a Markdown table."""
    lines = ["| variable | default | allowed | what it is for |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_row(setting) for setting in TABLE)])


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else ""
    cells = (f"`{setting.variable}`", default, setting.allowed, setting.says)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
