"""Where downloads may go: which hosts by name, which network addresses a socket may be opened to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from typing import Any

from aiohttp.abc import AbstractResolver
from aiohttp.connector import TCPConnector
from yarl import URL

# Addresses that carry another address inside: what is behind them cannot be judged here.
_TRANSLATED = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")
)
# Older Pythons call these global.
_SPECIAL = tuple(ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10"))
_DEFAULT_PORTS = {"http": 80, "https": 443}
_Info = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


class ForbiddenAddressError(OSError):
    """A socket was asked for that must not exist; an OSError, as connectors expect of a socket factory."""


def is_public(address: str) -> bool:
    """Whether `address` (an IP literal) is an ordinary machine on the internet, reached without translation."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped or any(parsed in network for network in _TRANSLATED):
            return False
    elif any(parsed in network for network in _SPECIAL):
        return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


class Reach:
    """The operator's list of `host` and `host:port`, compared exactly; https, except to a loopback entry."""

    def __init__(self, entries: Collection[str]) -> None:
        self._hosts: set[tuple[str, int | None]] = set()
        self._loopback: set[tuple[str, int]] = set()
        for entry in entries:
            url = URL(f"//{entry}")
            host, port = (url.raw_host or "").lower(), url.explicit_port
            self._hosts.add((host, port))
            if _is_loopback(host):
                addresses = ("127.0.0.1", "::1") if host == "localhost" else (host,)
                ports = (port,) if port else _DEFAULT_PORTS.values()
                self._loopback.update((address, number) for address in addresses for number in ports)

    def allows(self, url: URL) -> bool:
        """Whether the list names this host and port with this scheme, and the link carries no credentials."""
        host = (url.raw_host or "").lower()
        if url.user is not None or url.password is not None:
            return False
        if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
            return False
        default = url.port == _DEFAULT_PORTS[url.scheme]
        return (host, url.port) in self._hosts or (default and (host, None) in self._hosts)

    def connector(self, resolver: AbstractResolver | None = None) -> TCPConnector:
        """A connector that judges each address as its socket is made: names, literals and redirects alike."""
        return TCPConnector(
            resolver=resolver,
            use_dns_cache=False,
            happy_eyeballs_delay=None,
            socket_factory=self._open,
        )

    def _open(self, info: _Info) -> socket.socket:
        family, kind, protocol, _, where = info
        address, port = str(where[0]), int(where[1])
        if not is_public(address) and (address, port) not in self._loopback:
            raise ForbiddenAddressError("address is not allowed")
        return socket.socket(family, kind, protocol)


def _is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1 or localhost; newer Pythons would count IPv4 addresses wrapped in IPv6 too."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback and not (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped)
