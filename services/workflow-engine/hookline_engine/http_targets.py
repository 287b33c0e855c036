"""Where an HTTP task may connect to: the address is checked, and the checked one is used (H2)."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import TypeAlias

import httpx
import msgspec

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class TargetRefused(httpx.ConnectError):
    """The address is one that HTTP tasks must not reach."""


class TargetPolicy(msgspec.Struct, frozen=True):
    """What is refused beside link-local addresses: Hookline's own ports on this machine, and
    private ranges unless `private_allowed`.
    """

    own_ports: frozenset[int] = frozenset()
    private_allowed: bool = True


def _is_local(address: Address) -> bool:
    """Whether the address is one of this machine's: only those can be bound to."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
        return True


def _plain(address: Address) -> Address:
    """An IPv4 address in IPv6 clothes is judged as what it leads to."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def refusal(policy: TargetPolicy, address: Address, port: int) -> str | None:
    """Why this address must not be reached, or None."""
    address = _plain(address)
    if address.is_link_local:
        return f"{address} is link-local, which HTTP tasks never reach"
    if address.is_multicast or (address.is_unspecified and port in policy.own_ports):
        return f"{address} is not an address of a server"
    if port in policy.own_ports and _is_local(address):
        return f"{address}:{port} is Hookline itself"
    if not policy.private_allowed and not address.is_global:
        return f"{address} lies in a private range"
    return None


async def _resolve(host: str, port: int) -> Sequence[Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"the name {host} cannot be resolved: {error}") from error
    return [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]


def _pinned(request: httpx.Request, address: Address) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


class CheckedTransport(httpx.AsyncBaseTransport):
    """Resolves the host, checks the address, and connects to that very address.

    Redirects pass through here too. A name that resolves to one good and one refused address is
    refused: whoever controls it would otherwise only have to wait.
    """

    def __init__(self, policy: TargetPolicy) -> None:
        self._policy = policy
        # No connection is kept: two names may share an address, and a kept TLS connection would
        # serve the second under the certificate of the first.
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the checked address, under its own name."""
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await _resolve(host, port)
        for address in addresses:
            reason = refusal(self._policy, address, port)
            if reason is not None:
                raise TargetRefused(reason, request=request)
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_pinned(request, addresses[-1]))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
