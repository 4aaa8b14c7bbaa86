"""Whose a request is, also behind a reverse proxy, and how many each address may make."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from bot.settings import Network

_REMEMBERED = 4096


class Addresses:
    """Knows the reverse proxies, whose word on where a request comes from is believed."""

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = tuple(proxies)

    def of_peer(self, peer: str) -> str | None:
        """Whose a connection is; None for a proxy's, which is everybody's."""
        found = _read(peer)
        return None if found is None or self._is_proxy(found) else _whole(found)

    def of_request(self, peer: str, forwarded: Iterable[str]) -> str | None:
        """Whose a request is; None where a proxy does not say. `forwarded` are the X-Forwarded-For lines.

        Only the last address that is no proxy's counts: those before it are what the sender wrote.
        """
        if (own := self.of_peer(peer)) is not None:
            return own
        for entry in reversed(",".join(forwarded).split(",")):
            found = _read(entry.strip())
            if found is None or not self._is_proxy(found):
                return None if found is None else _whole(found)
        return None

    def _is_proxy(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self._proxies)


class Rates:
    """So many requests a second for each address, and `burst` of them at once."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._each = 1 / per_second
        self._ahead = burst / per_second
        self._due: OrderedDict[str, float] = OrderedDict()

    def admit(self, address: str, now: float) -> bool:
        """Whether one more is within the rate at `now`, in seconds of a monotonic clock."""
        due = max(self._due.get(address, now), now) + self._each
        if due - now > self._ahead:
            return False
        self._due[address] = due
        self._due.move_to_end(address)
        if len(self._due) > _REMEMBERED:
            self._due.popitem(last=False)
        return True


def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _whole(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv6 sender has a whole /64 at hand, so that counts as one."""
    if address.version == 6:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
