"""Refuses requests that a browser was tricked into sending (protocols.md H1)."""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hookline_common.errors import Forbidden, Misdirected

ANY_HOST = "*"
_OWN_FETCHES = frozenset({"same-origin", "none"})


class HostGuard:
    """Serves loopback names and the hosts that the operator named; `*` serves every host."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def check(self, scope: Mapping[str, Any]) -> None:
        """Raises Misdirected (421) for a foreign Host, Forbidden (403) for a foreign origin."""
        host = _only(scope["headers"], b"host")
        if host is None or not self._serves(host):
            raise Misdirected(
                f"The host {host!r} is not served here; name it in HOOKLINE_API_HOSTS to allow it."
            )
        _check_origin(scope["headers"], host)
        _check_fetch(scope)

    def _serves(self, host: str) -> bool:
        name = _without_port(host)
        return (
            ANY_HOST in self._hosts
            or not self._hosts.isdisjoint((name, host))
            or _is_loopback(name)
        )


def _only(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The value of a header that came exactly once."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1").strip().lower() if len(values) == 1 else None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_origin(headers: Iterable[tuple[bytes, bytes]], host: str) -> None:
    for name, value in headers:
        if name != b"origin":
            continue
        origin = value.decode("latin-1").strip().lower()
        if origin.partition("://")[2] != host:
            raise Forbidden(
                f"Requests from the origin {origin!r} are not allowed.", code="foreign_origin"
            )


def _check_fetch(scope: Mapping[str, Any]) -> None:
    """A link from elsewhere to a page of the console is fine; to the API it is not."""
    headers = {key: value for key, value in scope["headers"] if key.startswith(b"sec-fetch-")}
    site = headers.get(b"sec-fetch-site", b"none").decode("latin-1")
    if site in _OWN_FETCHES:
        return
    navigates = headers.get(b"sec-fetch-mode") == b"navigate" and scope["method"] == "GET"
    if navigates and not scope["path"].startswith("/api"):
        return
    raise Forbidden(f"Requests from another site ({site}) are not allowed.", code="foreign_origin")
