"""Where seal keys come from: environment, a file, or a file made on the first embedded start."""

import base64
import binascii
import os
import secrets
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from hookline_common.errors import Misconfigured
from hookline_common.sealing import KEY_BYTES, Sealer, SealKey
from hookline_common.settings import Settings

SEAL_KEY_FILE = "seal.key"


def open_sealer(settings: Settings) -> Sealer:
    """The sealer of this process; raises Misconfigured if there is no usable key."""
    if settings.seal_key:
        return Sealer(parse_seal_keys(settings.seal_key, "HOOKLINE_SEAL_KEY"))
    if settings.seal_key_file:
        return Sealer(_read(Path(settings.seal_key_file), "HOOKLINE_SEAL_KEY_FILE"))
    if not settings.store.startswith("sqlite:"):
        raise Misconfigured(
            "HOOKLINE_SEAL_KEY is not set; services on a shared store need the same key: "
            "32 bytes in base64, as `openssl rand -base64 32` makes them."
        )
    return Sealer(_read(key_file_in(settings.data), "the seal key file"))


def key_file_in(data: str) -> Path:
    """The file with the seal key in a data folder, made if there is none yet."""
    path = Path(data) / SEAL_KEY_FILE
    if not path.exists():
        _make(path)
    return path


def rotate(path: Path) -> Sequence[SealKey]:
    """Put a new key in front of those in a file, at once or not at all; the keys from now on.

    Raises Misconfigured for a file that is not there or has no usable keys.
    """
    before = path.read_text(encoding="ascii") if path.exists() else ""
    keys = _read(path, "the seal key file")
    _write(path, f"{new_key()}\n{before}")
    return [*_read(path, "the seal key file")[:1], *keys]


def new_key() -> str:
    """A new key as text."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def parse_seal_keys(text: str, source: str) -> list[SealKey]:
    """`KEY`, or `ID:KEY[,ID:KEY…]`; a key without an id is named by a digest of itself."""
    keys = [_parse(item.strip(), source) for item in text.split(",") if item.strip()]
    if not keys or len({key.id for key in keys}) != len(keys):
        raise Misconfigured(f"{source} has no key, or two with the same id.")
    return keys


def _parse(item: str, source: str) -> SealKey:
    key_id, _, encoded = item.rpartition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Misconfigured(
            f"{source} is not usable (its value is not shown); allowed is: 32 bytes in base64, "
            "or several ID:KEY separated by commas."
        )
    return SealKey(key_id or blake2b(key, digest_size=4, person=b"seal key").hexdigest(), key)


def _read(path: Path, source: str) -> list[SealKey]:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{source} {str(path)!r} cannot be read: {error}") from error
    return parse_seal_keys(text.replace("\n", ","), f"{source} {str(path)!r}")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, f"{new_key()}\n")


def _write(path: Path, text: str) -> None:
    """Write keys durably before anything is sealed with them; nobody else may read them."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
