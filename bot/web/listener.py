"""The one port that others may reach: it logs no path, for paths carry secrets."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from bot.web.callbacks import MAX_BODY

log = logging.getLogger(__name__)
_silent = logging.getLogger(f"{__name__}.silent")
_silent.disabled = True  # aiohttp's own log repeats malformed requests
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Room(Protocol):
    """Something that answers requests."""

    def routes(self) -> list[web.RouteDef]: ...


class Listener:
    """Start it once; `port` is the one in use."""

    def __init__(self, *rooms: Room) -> None:
        self._rooms = rooms
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the address cannot be had."""
        app = web.Application(middlewares=[_guard], client_max_size=MAX_BODY)
        for room in self._rooms:
            app.add_routes(room.routes())
        self._runner = web.AppRunner(app, access_log=None, logger=_silent, shutdown_timeout=2.0, lingering_time=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = self._runner.addresses[0][1]
        log.info("requests of providers are awaited on %s, port %s", host, self.port)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A fault of ours is logged here, by its kind and place but without the address asked for."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("a request could not be answered")
        raise web.HTTPInternalServerError(text="fault") from None
