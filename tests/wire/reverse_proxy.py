"""What an operator puts before the bot, set up rightly or wrongly."""

from __future__ import annotations

import aiohttp
from aiohttp import web

PREFIX = "/bot"


class Proxy:
    """Passes `/bot/...` on without the prefix; `does` says what goes wrong instead."""

    def __init__(self, port: int) -> None:
        self.target = f"http://127.0.0.1:{port}"
        self.does = "pass"
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        match self.does:
            case "redirect":
                return web.Response(status=308, headers={"Location": "https://elsewhere.example/"})
            case "elsewhere":
                return web.json_response({"status": "received"})
            case "login":
                return web.Response(status=403)
            case _:
                pass
        path = request.path if self.does == "keep-prefix" else request.path.removeprefix(PREFIX)
        try:
            status, body = await self._pass_on(request, path)
        except aiohttp.ClientError:
            return web.Response(status=502)
        return web.Response(status=200 if self.does == "says-yes" else status, body=body)

    async def _pass_on(self, request: web.Request, path: str) -> tuple[int, bytes]:
        headers = {
            name: request.headers[name] for name in request.headers if name.startswith(("X-", "Content-Type"))
        }
        if self.does == "unsigned":
            headers = {"Content-Type": headers["Content-Type"]}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.target + path, data=await request.read(), headers=headers) as answer,
        ):
            return answer.status, await answer.read()
