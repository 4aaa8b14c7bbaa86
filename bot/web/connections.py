"""What a connection may take of the listener; aiohttp's own server has no deadlines and hardly any bounds."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from bot.web.addresses import Addresses
from bot.web.tally import Tally

_BLANK_LINE = b"\r\n\r\n"
_ENDS = (ConnectionError, web.RequestPayloadError, web.PayloadAccessError)


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes, connections and requests."""

    head_seconds: float = 5.0
    body_seconds: float = 5.0
    idle_seconds: float = 15.0
    linger_seconds: float = 1.0
    stall_seconds: float = 5.0
    answer_seconds: float = 600.0
    head_bytes: int = 16 << 10
    body_bytes: int = 64 << 10
    connections: int = 512
    grace_seconds: float = 1.0
    connections_of_one: int = 32
    requests_per_second: float = 50.0
    requests_at_once: int = 100


class Crowd:
    """Everybody who is connected. Who waits without a whole request has to go first when there are too many."""

    def __init__(self, limits: Limits, addresses: Addresses, tally: Tally) -> None:
        self.limits = limits
        self.tally = tally
        self._addresses = addresses
        self._most = min(limits.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        self._inside: dict[Connection, str | None] = {}
        self._waiting: dict[Connection, float] = {}
        self._of_one: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, connection: Connection, peer: str) -> bool:
        """False: it has to be closed at once."""
        address = self._addresses.of_peer(peer)
        if address is not None and self._of_one[address] >= self.limits.connections_of_one:
            self.tally.add("connections of one address")
            return False
        if len(self._inside) >= self._most and not self._make_room():
            return False
        self._inside[connection] = address
        self._waiting[connection] = time.monotonic()
        if address is not None:
            self._of_one[address] += 1
        return True

    def leave(self, connection: Connection) -> None:
        self._waiting.pop(connection, None)
        if connection in self._inside and (address := self._inside.pop(connection)) is not None:
            self._of_one[address] -= 1
            if not self._of_one[address]:
                del self._of_one[address]

    def waits(self, connection: Connection) -> None:
        """It has no request under way."""
        if connection in self._inside:
            self._waiting[connection] = time.monotonic()

    def is_answered(self, connection: Connection) -> None:
        """Its request is whole: it may stay until it has its answer."""
        self._waiting.pop(connection, None)

    def _make_room(self) -> bool:
        """Drop whoever has waited longest, unless that is too short a time to have sent a request."""
        self.tally.add("too many connections")
        oldest = next(iter(self._waiting), None)
        if oldest is None or time.monotonic() - self._waiting[oldest] < self.limits.grace_seconds:
            return False
        self.leave(oldest)
        oldest.drop()
        return True


class Connection(web.RequestHandler):
    """One connection, dropped as soon as it takes longer than it may."""

    def __init__(self, server: web.Server, crowd: Crowd, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        limits = crowd.limits
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=limits.idle_seconds,
            lingering_time=limits.linger_seconds,
            auto_decompress=False,
            max_headers=64,
            **options,
        )
        self._crowd = crowd
        self._limits = limits
        self._socket: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._idle = False
        self._in_head = 0
        self._last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        socket = cast("asyncio.Transport", transport)
        peer = socket.get_extra_info("peername")
        if not self._crowd.enter(self, peer[0] if peer else ""):
            socket.abort()
            return
        self._socket = socket
        self._within(self._limits.head_seconds, "slow head")
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._socket is None:
            return
        self._socket = None
        self._crowd.leave(self)
        self._stop_timer()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close it without a word."""
        if self._socket is not None:
            self._socket.abort()

    def data_received(self, data: bytes) -> None:
        if self._idle:
            self._idle = False
            self._within(self._limits.head_seconds, "slow head")
        if self._in_head >= 0 and not self._head_fits(data):
            self._late("endless head")
            return
        super().data_received(data)

    def begin(self) -> None:
        """A request's head is there; its body has a deadline of its own."""
        self._idle, self._in_head = False, -1
        self._within(self._limits.answer_seconds, "slow answer")

    def answer(self) -> None:
        """Its body, too."""
        self._crowd.is_answered(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._within(self._limits.stall_seconds, "unread answer")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._within(self._limits.answer_seconds, "slow answer")

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._idle, self._in_head, self._last = bool(resp.keep_alive), 0 if resp.keep_alive else -1, b""
            self._crowd.waits(self)
            rest = self._limits.idle_seconds if resp.keep_alive else self._limits.linger_seconds
            self._within(rest + self._limits.linger_seconds, "unread answer")
            if resp.status == 408:
                self.force_close()  # whoever was too slow once is not waited for again

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP gets one answer, which repeats nothing of it."""
        if isinstance(exc, UnicodeError):
            status = 400  # aiohttp repeats an Expect header, even one that is no text
        if status == 400:
            self._crowd.tally.add("malformed")
        elif exc is not None:
            self._blame(exc)
        return super().handle_error(request, status, None, "bad request" if status == 400 else None)

    def log_exception(self, *args: Any, **options: Any) -> None:
        """aiohttp's own log would repeat what was sent."""
        if isinstance(error := options.get("exc_info"), BaseException):
            self._blame(error)

    def _blame(self, error: BaseException) -> None:
        """Whoever hung up, or ourselves."""
        if isinstance(error, _ENDS):
            self._crowd.tally.add("cut off")
        else:
            self._crowd.tally.fault(error)

    def _head_fits(self, data: bytes) -> bool:
        """Count what comes before the blank line that ends a head; empty lines before it are none of it."""
        if not self._in_head:
            data = data.lstrip(_BLANK_LINE)
        ended = _BLANK_LINE in self._last + data
        self._last = data[-3:]
        self._in_head = -1 if ended else self._in_head + len(data)
        return self._in_head <= self._limits.head_bytes

    def _within(self, seconds: float, reason: str) -> None:
        self._stop_timer()
        if self._socket is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._late, reason)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self, reason: str) -> None:
        self._crowd.tally.add(reason)
        self.drop()
