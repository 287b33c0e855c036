"""What `hookline doctor` looks at, each check on its own; nothing is changed by any of them."""

import asyncio
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import httpx
import msgspec

from hookline_cli.client import http_client
from hookline_common import adapters
from hookline_common.adapters.embedded.backup import check_whole
from hookline_common.errors import HooklineError
from hookline_common.seal_checks import check_seals
from hookline_common.seal_keys import SEAL_KEY_FILE, open_sealer
from hookline_common.setting_values import without_password
from hookline_common.settings import Settings, check_api_exposure, is_loopback
from hookline_common.topics import RECEIVED

Level: TypeAlias = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)
LITTLE_DISK_BYTES, NO_DISK_BYTES = 1 << 30, 100 << 20
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 5, 60
_ANSWER_SECONDS = 5.0


class Finding(msgspec.Struct, frozen=True):
    """What one check has found; `remedy` says what to do where it is not ok."""

    check: str
    level: Level
    says: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """All checks, in the order in which one thing needs another."""
    yield versions()
    yield from ports(settings)
    yield exposure(settings)
    if settings.log.startswith("sqlite:") or settings.store.startswith("sqlite:"):
        yield disk(settings)
    yield asyncio.run(log(settings))
    yield asyncio.run(store(settings))
    yield from public_url(settings)


def versions() -> Finding:
    """Python, and that all parts of Hookline are of one version."""
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("versions", "fail", f"Python {python}", "Install Python 3.11 or newer.")
    found = {
        one.name: one.version for one in distributions() if one.name.lower().startswith("hookline")
    }
    says = f"Python {python}, Hookline {', '.join(sorted(set(found.values())))}"
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
        return Finding("versions", "fail", listed, "Install all parts in one version.")
    return Finding("versions", "ok", says)


def ports(settings: Settings) -> Iterator[Finding]:
    """Hookline answers there, or the port is free, or another program has it."""
    api = 8080 if settings.port is None else settings.port
    yield _port("api port", settings.host, api, "--port or HOOKLINE_PORT")
    gateway = settings.gateway_port
    option = "--gateway-port or HOOKLINE_GATEWAY_PORT"
    yield _port("gateway port", settings.gateway_host, gateway, option)


def _port(check: str, host: str, port: int, option: str) -> Finding:
    where = f"{host}:{port}"
    if port == 0:
        return Finding(check, "ok", "any free one")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if _is_hookline(host, port):
            return Finding(check, "ok", f"Hookline answers on {where}")
        remedy = f"Stop the program that has it, or choose another with {option}."
        return Finding(check, "fail", f"{where} cannot be used: {error.strerror}", remedy)
    return Finding(check, "ok", f"{where} is free")


def _is_hookline(host: str, port: int) -> bool:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared only
    with http_client(_ANSWER_SECONDS) as http:
        for scheme in ("http", "https"):
            try:
                return http.get(f"{scheme}://{shown}:{port}/livez").is_success
            except httpx.HTTPError:
                continue
    return False


def exposure(settings: Settings) -> Finding:
    """Whether others could call the API without a key."""
    try:
        check_api_exposure(settings)
    except HooklineError as error:
        return Finding("api access", "fail", str(error), "Set one of the two.")
    if settings.api_keys:
        return Finding("api access", "ok", f"with a key ({len(settings.api_keys)} known)")
    if settings.api_open and not is_loopback(settings.host):
        remedy = "Set HOOKLINE_API_KEYS unless something in front of it asks who calls."
        return Finding("api access", "warn", f"open to whoever reaches {settings.host}", remedy)
    return Finding("api access", "ok", "from this machine only")


def disk(settings: Settings) -> Finding:
    """Room in the data folder."""
    folder = Path(settings.data).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    says = f"{free >> 20} MiB free at {settings.data}"
    remedy = "Make room, or move the folder with --data; see HOOKLINE_MAX_DISK."
    if free < NO_DISK_BYTES:
        return Finding("disk", "fail", says, remedy)
    if free < LITTLE_DISK_BYTES:
        return Finding("disk", "warn", says, remedy)
    return Finding("disk", "ok", says)


async def log(settings: Settings) -> Finding:
    """Whether the log answers."""
    if settings.log.startswith("sqlite:"):
        return _file("log", settings.log)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            opened = await adapters.open_log(settings.log)
            try:
                count = await opened.partitions(RECEIVED.name)
                problems = await opened.problems()
            finally:
                await opened.close()
    except (HooklineError, TimeoutError) as error:
        return _silent("log", settings.log, error, "HOOKLINE_LOG")
    if problems:
        return Finding("log", "fail", "; ".join(problems), "See docs/operating.md, Kafka.")
    return Finding("log", "ok", f"{settings.log} answers; {RECEIVED.name} has {count} partitions")


async def store(settings: Settings) -> Finding:
    """Whether the store answers, and the seal keys open what is in it."""
    if settings.store.startswith("sqlite:"):
        return _file("store", settings.store, _own_key(settings))
    try:
        sealer = open_sealer(settings)
        async with asyncio.timeout(_ANSWER_SECONDS):
            opened = await adapters.open_documents(settings.store)
            try:
                problems = await opened.problems()
                if not problems:
                    await check_seals(opened, sealer)
            finally:
                await opened.close()
    except (HooklineError, TimeoutError) as error:
        return _silent("store", without_password(settings.store), error, "HOOKLINE_STORE")
    if problems:
        remedy = "Start it, or correct HOOKLINE_STORE."
        return Finding("store", "fail", "; ".join(problems), remedy)
    shown = without_password(settings.store)
    return Finding("store", "ok", f"{shown} answers; the seal key opens what is stored")


def _own_key(settings: Settings) -> str:
    key = Path(settings.data) / SEAL_KEY_FILE
    if settings.seal_key or settings.seal_key_file:
        return "; the seal key is given"
    return f"; keep a copy of {key}" if key.exists() else "; the first start makes a seal key"


def _file(check: str, url: str, more: str = "") -> Finding:
    path = Path(url.removeprefix("sqlite:"))
    if not path.exists():
        return Finding(check, "ok", f"{path} is made at the first start{more}")
    try:
        check_whole(path)
    except HooklineError as error:
        return Finding(check, "fail", str(error), "Restore a backup: hookline restore.")
    return Finding(check, "ok", f"{path} is sound ({path.stat().st_size >> 20} MiB){more}")


def _silent(check: str, where: str, error: BaseException, variable: str) -> Finding:
    says = f"{where}: {error or f'no answer within {_ANSWER_SECONDS:g} s'}"
    return Finding(check, "fail", says, f"Start it, or correct {variable}.")


def public_url(settings: Settings) -> Iterator[Finding]:
    """Whether platforms can reach the gateway there; and the clock, by what answers."""
    url = settings.public_url
    parts = urlsplit(url)
    if is_loopback(parts.hostname or ""):
        remedy = "Set HOOKLINE_PUBLIC_URL to the https address that leads to the gateway."
        yield Finding("public url", "warn", f"{url} is reached from this machine only", remedy)
    try:
        with http_client(_ANSWER_SECONDS) as http:
            answer = http.get(f"{url.rstrip('/')}/livez")
    except httpx.HTTPError as error:
        if not is_loopback(parts.hostname or ""):
            remedy = "Start Hookline, then look at the proxy in front of the gateway, and at DNS."
            yield Finding("public url", "fail", f"{url} does not answer: {error}", remedy)
        return
    if not is_loopback(parts.hostname or ""):
        yield _public(url, parts.scheme, answer)
    yield from _clock(answer)


def _public(url: str, scheme: str, answer: httpx.Response) -> Finding:
    if not answer.is_success:
        says = f"{url}/livez answers {answer.status_code}"
        return Finding("public url", "fail", says, "Let the proxy lead to the gateway's port.")
    if scheme != "https":
        remedy = "Put TLS in front, or use --tls-cert and --tls-key."
        return Finding("public url", "warn", f"{url} is not encrypted", remedy)
    return Finding("public url", "ok", f"{url} leads to the gateway")


def _clock(answer: httpx.Response) -> Sequence[Finding]:
    told = answer.headers.get("date")
    if told is None:
        return ()
    apart = abs(parsedate_to_datetime(told).timestamp() - time.time())
    says = f"{apart:.0f} s apart from the gateway's"
    remedy = "Set the clocks (NTP): signatures with a timestamp are refused otherwise."
    if apart > CLOCK_FAIL_SECONDS:
        return (Finding("clock", "fail", says, remedy),)
    if apart > CLOCK_WARN_SECONDS:
        return (Finding("clock", "warn", says, remedy),)
    return (Finding("clock", "ok", says),)
