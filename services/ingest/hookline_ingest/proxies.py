"""What the sender saw: scheme, host and its own address, believing only trusted proxies."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from hookline_common.settings import Network

Headers = tuple[tuple[str, str], ...]


class Sender(msgspec.Struct, frozen=True):
    """Where a request came from and under which name it was sent."""

    address: str
    scheme: str
    host: str


class TrustedProxies:
    """Reads X-Forwarded-For, -Proto and -Host where the connection comes from a trusted proxy.

    Each hop appends to these lists, so they are read from the right, as far as the hops are
    trusted: what stands further left may be the sender's own invention.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._is_trusted = lru_cache(maxsize=4096)(self._in_networks)

    def sender(self, peer: str, scheme: str, headers: Headers) -> Sender:
        """The sender of a request that came from `peer` with that scheme."""
        if not self._networks or not self._is_trusted(peer):
            return Sender(peer, scheme, _last(headers, "host"))
        hops = _items(headers, "x-forwarded-for")
        address, depth = peer, 0
        while hops and self._is_trusted(address):
            address = hops.pop()
            depth += 1
        depth = max(depth, 1)
        return Sender(
            address,
            _at_depth(_items(headers, "x-forwarded-proto"), depth) or scheme,
            _at_depth(_items(headers, "x-forwarded-host"), depth) or _last(headers, "host"),
        )

    def _in_networks(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def _last(headers: Headers, wanted: str) -> str:
    return next((value for name, value in reversed(headers) if name == wanted), "")


def _items(headers: Headers, wanted: str) -> list[str]:
    lists = [value for name, value in headers if name == wanted]
    return [item.strip() for item in ",".join(lists).split(",") if item.strip()]


def _at_depth(items: Sequence[str], depth: int) -> str:
    """What the outermost trusted proxy said: the item that many hops from the right."""
    return items[max(len(items) - depth, 0)] if items else ""
