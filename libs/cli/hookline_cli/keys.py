"""`hookline keys`: new keys, and what follows from a new seal key."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from hookline_cli.client import Client, url_option
from hookline_common.platforms.signing import new_key_pair
from hookline_common.seal_keys import SEAL_KEY_FILE, new_key, rotate
from hookline_common.settings import load_settings

_OUT = click.Path(dir_okay=False, path_type=Path)


@click.group()
def keys() -> None:
    """Make keys, and change the seal key."""


@keys.command()
@click.option("--out", type=_OUT, default="sendgrid-private-key.pem", show_default=True,
              help="Where the private key goes; no file is overwritten.")  # fmt: skip
def sendgrid(out: Path) -> None:
    """Make a key pair as SendGrid does: the public key is printed, the private one goes to a file.

    Give the public key to the webhook as its Verification key, and the file to
    `hookline send --private-key-file`.
    """
    pair = new_key_pair()
    _write_private(out, pair.private_pem)
    click.echo(pair.public_key)
    click.echo(f"private key in {out}", err=True)


@keys.command()
def seal() -> None:
    """Print a new key for HOOKLINE_SEAL_KEY, which all services of a deployment share."""
    click.echo(new_key())


@keys.command("rotate")
@click.option("--data", help="The data folder (default .hookline).")
def rotate_command(data: str | None) -> None:
    """Put a new seal key in front of the old ones: the first seals, all open.

    For the key file of a data folder, or HOOKLINE_SEAL_KEY_FILE. It counts from the next start on.
    """
    settings = load_settings(os.environ, data=data)
    if settings.seal_key:
        raise click.ClickException(
            "the keys are in HOOKLINE_SEAL_KEY: put a new one, from `hookline keys seal`, in front"
            " of it (NEW,OLD). With several processes put it behind first (OLD,NEW), everywhere"
        )
    path = Path(settings.seal_key_file or Path(settings.data) / SEAL_KEY_FILE)
    found = rotate(path)
    click.echo(f"{path} has {len(found)} keys now; the new one is {found[0].id}. Next:")
    click.echo("  1. Keep a copy of the file.")
    click.echo("  2. Start Hookline again, which seals with the new key from then on.")
    click.echo("  3. hookline keys reseal")
    click.echo("  4. After 30 days, when no stored event needs it any more, take the old line out.")


@keys.command()
@url_option
def reseal(client: Client) -> None:
    """Seal all stored secrets anew with the first seal key. It can be repeated at any time."""
    examined = resealed = 0
    left: list[str] = []
    cursor: str | None = ""
    page: dict[str, Any] = {}
    while cursor is not None:
        page = client.post("/seal-keys/reseal", params={"cursor": cursor} if cursor else {})
        examined += page["examined"]
        resealed += page["resealed"]
        left += [f"{name} does not open with any key" for name in page["broken"]]
        left += [f"{name} was being changed by others" for name in page["busy"]]
        cursor = page.get("cursor")
        if sys.stderr.isatty():
            click.echo(f"\r{examined} of {max(page['total'], examined)}", err=True, nl=False)
    if sys.stderr.isatty():
        click.echo(err=True)
    click.echo(
        f"{resealed} of {examined} webhooks and secrets were sealed anew, with the key"
        f" {page['key']}; the others had it already or have nothing to seal."
    )
    for line in left:
        click.echo(line, err=True)
    if left:
        raise click.ClickException(f"{len(left)} are as they were; put that right and run it again")


def _write_private(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise click.ClickException(f"{path} exists already; name another with --out") from error
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
