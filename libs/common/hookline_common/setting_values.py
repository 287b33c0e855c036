"""Reads the values of settings; each function raises ValueError for what is not allowed."""

import ipaddress
import re
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from hookline_common.logs import LEVELS

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MEBIBYTE = 1024 * 1024
_SIZES = {"": 1, "k": 1024, "m": MEBIBYTE, "g": 1024 * MEBIBYTE}
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


class ApiKey(msgspec.Struct, frozen=True):
    """A key of the API: what the Conductor SDKs call key id and secret."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"ApiKey(id={self.id!r})"


def text(value: str) -> str:
    """Any text."""
    return value


def port(value: str) -> int:
    """A port number."""
    number = int(value)
    if not 0 <= number <= 65535:
        raise ValueError
    return number


def flag(value: str) -> bool:
    """True or false, in the words people use."""
    if value.lower() not in _TRUE + _FALSE:
        raise ValueError
    return value.lower() in _TRUE


def size_bytes(value: str) -> int:
    """A size such as `500MB` in bytes; units are powers of 1024."""
    given = value.strip().lower().removesuffix("ib").removesuffix("b")
    unit = given[-1:] if given[-1:] in ("k", "m", "g") else ""
    number = int(given.removesuffix(unit)) * _SIZES[unit]
    if number <= 0:
        raise ValueError
    return number


def seconds(value: str) -> float:
    """A time in seconds."""
    number = float(value)
    if not 0 < number <= 3600:
        raise ValueError
    return number


def days(value: str) -> int:
    """A number of days."""
    number = int(value)
    if not 0 <= number <= 36_500:
        raise ValueError
    return number


def items(value: str) -> tuple[str, ...]:
    """The items of a list separated by commas."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def networks(value: str) -> tuple[Network, ...]:
    """Addresses and networks separated by commas."""
    return tuple(ipaddress.ip_network(item, strict=False) for item in items(value))


def api_keys(value: str) -> tuple[ApiKey, ...]:
    """`ID:SECRET`, several separated by commas."""
    keys: list[ApiKey] = []
    for item in items(value):
        key_id, colon, secret = item.partition(":")
        if not (key_id and colon and secret):
            raise ValueError
        keys.append(ApiKey(key_id, secret))
    return tuple(keys)


def log_url(value: str) -> str:
    """The URL of an event log."""
    return _url(value, ("sqlite:", "kafka://"))


def store_url(value: str) -> str:
    """The URL of a document store."""
    return _url(value, ("sqlite:", "mongodb://", "mongodb+srv://"))


def http_url(value: str) -> str:
    """The URL of an HTTP server, without a slash at its end."""
    return _url(value, ("http://", "https://")).rstrip("/")


def _url(value: str, beginnings: Sequence[str]) -> str:
    if not any(value.startswith(start) and len(value) > len(start) for start in beginnings):
        raise ValueError
    return value


def log_level(value: str) -> str:
    """A log level in lower case."""
    if value.lower() not in LEVELS:
        raise ValueError
    return value.lower()


def without_password(url: str) -> str:
    """A URL that can be shown: what stands before its host is not."""
    return re.sub(r"//[^/@]*@", "//***@", url)
