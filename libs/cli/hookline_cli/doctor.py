"""`hookline doctor`: whether everything that Hookline needs is in place, and what to do if not."""

import json
import logging
import os
import sys

import click
import msgspec

from hookline_cli.diagnosis import Finding, examine
from hookline_cli.setting_options import setting_options
from hookline_common.errors import Misconfigured
from hookline_common.settings import load_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@setting_options
def doctor(as_json: bool, **options: object) -> None:
    """Check versions, ports, access, disk, log, store, seal key, public URL and clock.

    Looks at what `hookline up` with these options and this environment would use, whether it runs
    or not, and changes nothing. Exits with 1 if something would not work.
    """
    logging.disable()  # what clients of the servers log of a failure is in the finding
    try:
        findings = list(examine(load_settings(os.environ, **options)))
    except Misconfigured as error:
        findings = [Finding("settings", "fail", str(error), "Correct the variable.")]
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(one) for one in findings], indent=2))
    else:
        for one in findings:
            click.echo(f"{one.level.upper():<4}  {one.check}: {one.says}")
            if one.remedy:
                click.echo(f"      {one.remedy}")
    if any(one.level == "fail" for one in findings):
        sys.exit(1)
