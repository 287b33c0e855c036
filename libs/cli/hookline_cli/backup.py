"""`hookline backup` and `hookline restore`: the embedded data folder, also while it runs."""

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path

import click

from hookline_cli.backups import DATA_FILE, Manifest, Refused, back_up, restore
from hookline_common.adapters.embedded.backup import Progress
from hookline_common.seal_keys import SEAL_KEY_FILE
from hookline_common.settings import Settings, load_settings

_FOLDER = click.Path(file_okay=False, path_type=Path)
_data = click.option("--data", help="The data folder (default .hookline).")


@click.command("backup")
@click.argument("target", type=_FOLDER)
@click.option("--without-key", is_flag=True, help="Leave the seal key out.")
@_data
def backup_command(target: Path, without_key: bool, data: str | None) -> None:
    """Copy the embedded data folder to the new folder TARGET, while Hookline runs or not.

    The copy has everything that was acknowledged before it began, and is checked. It holds the
    seal key too, so keep it as safe as the data folder itself.
    """
    settings = load_settings(os.environ, data=data)
    source = _embedded_folder(settings)
    key = source / SEAL_KEY_FILE
    included = key.is_file() and not (without_key or settings.seal_key or settings.seal_key_file)
    with _progress("copying") as show:
        manifest = back_up(source, target, key if included else None, show)
    click.echo(f"{manifest.bytes} bytes are in {target}, checked. {_of_key(manifest, settings)}")
    click.echo(f"Restore it with: hookline restore {target} --data FOLDER")


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Keep what is in the folder aside, and replace it.")
@_data
def restore_command(source: Path, replace: bool, data: str | None) -> None:
    """Put the backup SOURCE into the data folder, which nobody may be using.

    The backup is compared with what it was when it was made, and checked, before anything in the
    folder is touched.
    """
    folder = _embedded_folder(load_settings(os.environ, data=data))
    with _progress("restoring") as show:
        done = restore(source, folder, show, replace=replace)
    click.echo(f"{folder} is as it was on {done.manifest.made_at}.")
    if done.aside is not None:
        click.echo(f"What was there before is in {done.aside}. To undo, stop Hookline and move its")
        click.echo(
            f"files back to {folder}, without {DATA_FILE}-wal and -shm of what is there now."
        )
    if not done.manifest.seal_key:
        click.echo(
            f"The seal key is not in the backup: put yours into {folder / SEAL_KEY_FILE} or"
            " HOOKLINE_SEAL_KEY before you start Hookline."
        )


def _embedded_folder(settings: Settings) -> Path:
    """The data folder; raises Refused where log or store are elsewhere."""
    own = f"sqlite:{settings.data}/{DATA_FILE}"
    if (settings.log, settings.store) != (own, own):
        raise Refused(
            "this is for log and store in the data folder; here HOOKLINE_LOG or HOOKLINE_STORE name"
            " others: back up those with their own tools (mongodump, a replicated topic)"
        )
    return Path(settings.data)


def _of_key(manifest: Manifest, settings: Settings) -> str:
    if manifest.seal_key:
        return "The seal key is in it: keep it safe."
    where = "HOOKLINE_SEAL_KEY" if settings.seal_key else settings.seal_key_file or SEAL_KEY_FILE
    return f"The seal key ({where}) is not in it: keep a copy, without it no stored secret opens."


@contextlib.contextmanager
def _progress(label: str) -> Generator[Progress, None, None]:
    """A bar where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(min(done, total) - bar.pos)

        yield show
