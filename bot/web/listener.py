"""The one port that others may reach, each route behind the same guard. It logs no path: paths carry secrets."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, cast

from aiohttp import web

from bot.settings import Network
from bot.web.addresses import Addresses, Rates
from bot.web.connections import Connection, Crowd, Limits
from bot.web.tally import NOT_STORED, Tally

log = logging.getLogger(__name__)
_silent = logging.getLogger(f"{__name__}.silent")
_silent.disabled = True  # aiohttp's own log repeats malformed requests
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_AT_ONCE, _BACKLOG = 32, 1024
"""Connections that are taken in one turn of the loop, which answers in between, and those that the system keeps."""
_READ = 16 << 10
"""Bytes that the system and a parser hold of one connection before somebody takes them, or so."""
_REASONS = {
    400: "no callback",
    401: "wrong signature",
    404: "unknown address",
    405: "wrong method",
    408: "slow body",
    413: "too large",
    415: "wrong type or encoding",
    429: "too many requests",
    503: NOT_STORED,
}
_LAST = frozenset({400, 408, 413, 415, 429})
"""After these nothing more is read from the connection."""


class Room(Protocol):
    """Something that answers requests."""

    def routes(self) -> list[web.RouteDef]: ...


class Listener:
    """Start it once; `port` is the one in use, `tally` counts whom it turned away."""

    def __init__(self, *rooms: Room, proxies: Sequence[Network] = (), limits: Limits | None = None) -> None:
        """Behind `proxies` an address is that of X-Forwarded-For."""
        self._rooms = rooms
        self._limits = limits or Limits()
        self._addresses = Addresses(proxies)
        self._rates = Rates(self._limits.requests_per_second, self._limits.requests_at_once)
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self.tally = Tally()
        self._crowd = Crowd(self._limits, self._addresses, self.tally)
        self.port = 0

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._crowd)

    async def start(self, host: str, port: int) -> None:
        """Listen there and nowhere else; port 0 takes a free one. Raises OSError when the address cannot be had."""
        app = web.Application(middlewares=[self._guard], client_max_size=self._limits.body_bytes)
        for room in self._rooms:
            app.add_routes(room.routes())
        self._runner = web.AppRunner(app, access_log=None, logger=_silent, shutdown_timeout=2.0)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        server = cast("web.Server", self._runner.server)
        options = {"access_log": None, "logger": _silent, "read_bufsize": _READ}
        each = functools.partial(Connection, server, self._crowd, loop, **options)
        self._server = await loop.create_server(each, host, port, backlog=_AT_ONCE)
        for bound in self._server.sockets:
            with bound.dup() as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _READ)
                same.listen(_BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        log.info("requests of providers are awaited on %s, port %s", host, self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.tally.tell()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count every refusal, and let no fault of ours out."""
        try:
            return await self._answer(request, handler)
        except web.HTTPException as refusal:
            self.tally.add(_REASONS.get(refusal.status, "other"))
            if refusal.status in _LAST:
                refusal.force_close()
            raise
        except (ConnectionError, web.RequestPayloadError):
            self.tally.add("cut off")
            raise web.HTTPBadRequest(text="cut off") from None
        except Exception as error:  # noqa: BLE001 - the tally logs it
            self.tally.fault(error)
            raise web.HTTPInternalServerError(text="fault") from None

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Take the whole request, within its limits, before anybody looks at it."""
        connection = cast("Connection", request.protocol)
        connection.begin()
        self._meter(request)
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise web.HTTPUnsupportedMediaType(text="no content encoding")
        if (request.content_length or 0) > self._limits.body_bytes:
            raise web.HTTPRequestEntityTooLarge(self._limits.body_bytes, request.content_length or 0)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="too slow") from None
        except RuntimeError:  # what aiohttp says where the connection was lost before
            if request.transport is not None:
                raise
            raise ConnectionResetError from None
        connection.answer()
        return await handler(request)

    def _meter(self, request: web.Request) -> None:
        address = self._addresses.of_request(request.remote or "", request.headers.getall("X-Forwarded-For", []))
        if address is not None and not self._rates.admit(address, asyncio.get_running_loop().time()):
            raise web.HTTPTooManyRequests(text="too many requests", headers={"Retry-After": "1"})
