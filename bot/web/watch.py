"""The second listener, for those who run the bot: is it alive, is it ready, and what did it count."""

from __future__ import annotations

import logging

from aiohttp import web

from bot.web.health import Health
from bot.web.lag import LoopLag
from bot.web.readiness import Readiness
from bot.web.readings import CONTENT_TYPE, Readings

log = logging.getLogger(__name__)
_silent = logging.getLogger(f"{__name__}.silent")
_silent.disabled = True
_NO_STORE = {"Cache-Control": "no-store"}


class Watch:
    """`/healthz`, `/readyz` and `/metrics`; never on the port that others may reach."""

    def __init__(self, health: Health, readiness: Readiness, readings: Readings, lag: LoopLag) -> None:
        self._health = health
        self._readiness = readiness
        self._readings = readings
        self._lag = lag
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError when the address cannot be had."""
        app = web.Application(client_max_size=1)
        app.add_routes([*self._health.routes(), *self._readiness.routes(), web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(app, access_log=None, logger=_silent, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = self._runner.addresses[0][1]
        self._lag.start()
        log.info("metrics and readiness are told on %s, port %s", host, self.port)

    async def stop(self) -> None:
        await self._lag.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._readiness.stop()

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": CONTENT_TYPE, **_NO_STORE}
        return web.Response(body=await self._readings.text(), headers=headers)
