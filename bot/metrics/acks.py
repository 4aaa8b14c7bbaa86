"""How soon Discord has the first answer to an interaction, seen from the outside of whoever answers."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

from bot.metrics import counters

_ANSWER = re.compile(r"/interactions/(\d+)/[^/]+/callback$")
_REMEMBERED = 10_000


class Acks:
    """Tell it of each arrival; `trace` sees the answers among the requests of a client."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._arrived: OrderedDict[int, float] = OrderedDict()
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_end.append(self._answered)

    def arrived(self, interaction: int) -> None:
        """Those that are never answered are forgotten in time."""
        self._arrived[interaction] = self._monotonic()
        if len(self._arrived) > _REMEMBERED:
            self._arrived.popitem(last=False)

    async def _answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        found = _ANSWER.search(end.url.path)
        if found is None:
            return
        arrived = self._arrived.pop(int(found[1]), None)
        if end.response.status >= 400:
            counters.ACK_FAILURES.inc()
        elif arrived is not None:
            counters.ACKS.observe(self._monotonic() - arrived)
