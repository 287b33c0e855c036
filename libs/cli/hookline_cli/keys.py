"""`hookline keys`: new keys, made on this machine."""

import base64
import os
import secrets
from pathlib import Path

import click

from hookline_common.platforms.signing import new_key_pair

_OUT = click.Path(dir_okay=False, path_type=Path)


@click.group()
def keys() -> None:
    """Make keys."""


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
    click.echo(base64.b64encode(secrets.token_bytes(32)).decode())


def _write_private(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise click.ClickException(f"{path} exists already; name another with --out") from error
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
