"""What a backup is: a folder with the data file, perhaps the seal key, and at last a manifest."""

import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hookline_common.adapters.embedded.backup import (
    Progress,
    check_whole,
    copy_data_file,
    sync_path,
)
from hookline_common.adapters.embedded.lock import FolderLock
from hookline_common.errors import HooklineError
from hookline_common.seal_keys import SEAL_KEY_FILE

DATA_FILE = "hookline.db"
MANIFEST = "backup.json"
ASIDE = "before-restore-"
_LOCK = f"{DATA_FILE}.lock"
_CHUNK = 1024 * 1024


class Refused(HooklineError):
    """The backup or restore cannot be done as asked."""


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What a whole backup says of itself. `bytes` and `sha256` are those of the data file."""

    made_at: str
    bytes: int
    sha256: str
    seal_key: bool


class Restored(msgspec.Struct, frozen=True):
    """What a restore did: the folder with what was there before, if anything was."""

    manifest: Manifest
    aside: Path | None


# --- backup ---------------------------------------------------------------------------------------


def back_up(source: Path, target: Path, seal_key: Path | None, progress: Progress) -> Manifest:
    """Copy the data file, whether or not a process has it, and the seal key into a new folder.

    Raises Refused, BackupFailed; what is left of a failed one is removed.
    """
    if not (source / DATA_FILE).is_file():
        raise Refused(f"there is no {DATA_FILE} in {source}; name its folder with --data")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise Refused(f"{target} exists already and is not an empty folder; name another")
    with _reported(f"{source} cannot be copied to {target}"), _undone(target):
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_data_file(source / DATA_FILE, target / DATA_FILE, progress)
        if seal_key is not None:
            _write(target / SEAL_KEY_FILE, seal_key.read_bytes())
        copied = target / DATA_FILE
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(made_at, copied.stat().st_size, _digest(copied), seal_key is not None)
        _write(target / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        sync_path(target)
    return manifest


@contextmanager
def _undone(target: Path) -> Generator[None, None, None]:
    try:
        yield
    except BaseException:
        for name in (MANIFEST, SEAL_KEY_FILE, DATA_FILE, f"{DATA_FILE}-journal"):
            (target / name).unlink(missing_ok=True)
        raise


# --- restore --------------------------------------------------------------------------------------


def read_manifest(source: Path) -> Manifest:
    """What the backup says of itself; raises Refused for what is no whole backup."""
    try:
        text = (source / MANIFEST).read_bytes()
        manifest = msgspec.json.decode(text, type=Manifest)
        size = (source / DATA_FILE).stat().st_size
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused(f"{source} is not a whole backup of Hookline: {error}") from error
    if size != manifest.bytes:
        raise Refused(
            f"{source / DATA_FILE} has {size} bytes, and had {manifest.bytes} when it was backed up"
        )
    return manifest


def restore(source: Path, data: Path, progress: Progress, *, replace: bool) -> Restored:
    """Put a backup into a data folder that nobody uses.

    What is there already is kept in a folder inside, and only touched with `replace`. The copy is
    compared and checked before it takes its place. Raises Refused, FolderInUse, BackupFailed.
    """
    manifest = read_manifest(source)
    with _reported(f"{source} cannot be restored to {data}"):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        present = _present(data)
        if present and not replace:
            raise Refused(
                f"{data} is not empty; name another folder with --data, or pass --replace,"
                " which keeps what is there aside"
            )
        lock = FolderLock.take(data / DATA_FILE)
        try:
            return Restored(manifest, _restore(source, data, manifest, progress))
        finally:
            lock.release()


def _present(data: Path) -> list[str]:
    return [path.name for path in data.iterdir() if path.name != _LOCK]


def _restore(source: Path, data: Path, manifest: Manifest, progress: Progress) -> Path | None:
    staged = data / f"{DATA_FILE}.restoring"
    try:
        _copy(source / DATA_FILE, staged, manifest.bytes, progress)
        if _digest(staged) != manifest.sha256:
            raise Refused(f"{source / DATA_FILE} is not what was backed up: its SHA-256 differs")
        check_whole(staged)
        aside = _put_aside(data)
        # The old log must be gone before the new file is there: it would be applied to it.
        for name in (f"{DATA_FILE}-wal", f"{DATA_FILE}-shm"):
            (data / name).unlink(missing_ok=True)
        if manifest.seal_key:
            fresh = data / f"{SEAL_KEY_FILE}.restoring"
            fresh.unlink(missing_ok=True)
            _write(fresh, (source / SEAL_KEY_FILE).read_bytes())
            fresh.replace(data / SEAL_KEY_FILE)
        staged.replace(data / DATA_FILE)
        sync_path(data)
    finally:
        staged.unlink(missing_ok=True)
    return aside


def _put_aside(data: Path) -> Path | None:
    """A second name for each file in a folder of their own, so that none is ever missing."""
    names = [DATA_FILE, f"{DATA_FILE}-wal", f"{DATA_FILE}-shm", SEAL_KEY_FILE]
    old = [data / name for name in names if (data / name).exists()]
    if not old:
        return None
    aside = data / f"{ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside.mkdir(mode=0o700)
    for path in old:
        os.link(path, aside / path.name)
    sync_path(aside)
    return aside


def _copy(source: Path, target: Path, size: int, progress: Progress) -> None:
    target.unlink(missing_ok=True)
    done = 0
    with source.open("rb") as reading, os.fdopen(_new(target), "wb") as writing:
        while chunk := reading.read(_CHUNK):
            writing.write(chunk)
            done += len(chunk)
            progress(done, size)
        writing.flush()
        os.fsync(writing.fileno())


# --- files ----------------------------------------------------------------------------------------


@contextmanager
def _reported(what: str) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise Refused(f"{what}: {error.strerror or error}") from error


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(_new(path), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
