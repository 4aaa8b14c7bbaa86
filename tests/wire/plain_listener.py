"""A bot whose public port is aiohttp's plain server: what the siege has to find out."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

import bot.parts
from benchmarks.parked import serve
from bot.web.listener import Room


class PlainListener:
    def __init__(self, *rooms: Room, **_: Any) -> None:
        app = web.Application()
        for room in rooms:
            app.add_routes(room.routes())
        self._runner = web.AppRunner(app)
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()


if __name__ == "__main__":
    bot.parts.Listener = PlainListener
    asyncio.run(serve())
