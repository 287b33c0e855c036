"""`hookline config`: what is in force, where it comes from, and the reference of settings."""

import json
import os
from collections.abc import Mapping
from typing import Any

import click
import msgspec

from hookline_cli.client import DEFAULT_URL
from hookline_cli.setting_options import option_of, setting_options
from hookline_common.setting_values import without_password
from hookline_common.settings import TABLE, Setting, Settings, load_settings
from hookline_common.webhooks import SECRET_SHOWN

OF_COMMANDS: tuple[Setting, ...] = (
    Setting(
        "HOOKLINE_URL",
        "url",
        DEFAULT_URL,
        "http://… or https://…",
        "The running system that the commands talk to, as --url.",
    ),
    Setting(
        "HOOKLINE_KEY",
        "key",
        "",
        "ID:SECRET",
        "The key that the commands use where the API has keys, as --key.",
        secret=True,
    ),
)
"""What the commands read beside the settings of a running system."""


class Effective(msgspec.Struct, frozen=True):
    """One setting in force. `source`: default, environment, or option."""

    variable: str
    value: str
    source: str


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@setting_options
@click.pass_context
def config(context: click.Context, as_json: bool, **options: object) -> None:
    """Show the settings in force here and where each comes from; secrets are not shown.

    The options are those of `hookline up`, which win over the environment.
    """
    if context.invoked_subcommand is not None:
        return
    found = effective(os.environ, options)
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(one) for one in found], indent=2))
        return
    widths = [max(len(getattr(one, name)) for one in found) for name in ("variable", "value")]
    for one in found:
        click.echo(f"{one.variable:<{widths[0]}}  {one.value:<{widths[1]}}  {one.source}")


@config.command()
def reference() -> None:
    """Print every setting with its default and what is allowed, as docs/settings.md shows it."""
    click.echo(table(TABLE))
    click.echo("")
    click.echo(table(OF_COMMANDS))


def effective(environ: Mapping[str, str], options: Mapping[str, object]) -> list[Effective]:
    """Every setting as `hookline up` with these options would take it; raises Misconfigured."""
    settings = load_settings(environ, **options)
    own = [_effective(one, settings, environ, options) for one in TABLE]
    return own + [
        Effective(
            one.variable,
            _shown(one, environ.get(one.variable) or one.default),
            "environment" if environ.get(one.variable) else "default",
        )
        for one in OF_COMMANDS
    ]


def _effective(
    setting: Setting, settings: Settings, environ: Mapping[str, str], options: Mapping[str, object]
) -> Effective:
    source = "default"
    if options.get(setting.field) is not None:
        source = f"option {option_of(setting.field)}"
    elif environ.get(setting.variable, "").strip():
        source = "environment"
    return Effective(setting.variable, _shown(setting, getattr(settings, setting.field)), source)


def _shown(setting: Setting, value: Any) -> str:
    """A value as text; of a secret only whether there is one."""
    if value is None or value in ("", ()):
        return ""
    if setting.secret:
        return SECRET_SHOWN
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, bool | float):
        return f"{value:g}"
    return without_password(str(value))


def table(settings: tuple[Setting, ...]) -> str:
    """Settings as a Markdown table."""
    lines = ["| variable | default | allowed | what it is for |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_row(setting) for setting in settings)])


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else ""
    cells = (f"`{setting.variable}`", default, setting.allowed, setting.says)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
