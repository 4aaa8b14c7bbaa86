"""The stand-in as one server on one loopback port: REST, gateway, files, and the page when wanted."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from bot.playground.callbacks import Callbacks
from bot.playground.errors import ApiError, MemberError
from bot.playground.faults import Faults
from bot.playground.files import Files
from bot.playground.gateway import Gateway
from bot.playground.intake import Call, Intake, Watcher, log
from bot.playground.knobs import Knobs
from bot.playground.knobs_api import KnobsApi
from bot.playground.limits import DISCORD, Limits
from bot.playground.members import Members
from bot.playground.page_api import PageApi
from bot.playground.places import Places
from bot.playground.posting import Posting
from bot.playground.rest import BotApi
from bot.playground.world import MEBIBYTE, World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Standin:
    """Start it, point a bot at `api_url` and `gateway_url` with `token`, and act through `members`."""

    def __init__(
        self,
        world: World | None = None,
        *,
        port: int = 0,
        demo: Path | None = None,
        limits: str = DISCORD,
    ) -> None:
        self.world = world or World()
        self._port = port
        self._demo = demo
        self._runner: web.AppRunner | None = None
        self.files = Files(self.world)
        self.posting = Posting(self.world, self.files)
        self.faults = Faults(lambda: self.world.tell("knobs"))
        self.limits = Limits(self.world.clock, limits)
        self._intake = Intake(self.world, self.limits, self.faults)

    @property
    def history(self) -> list[Call]:
        """Every request of the bot, oldest first."""
        return self._intake.history

    def watch(self, watcher: Watcher) -> None:
        """Show `watcher` every request of the bot together with its reply."""
        self._intake.watchers.append(watcher)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/gateway"

    async def start(self) -> None:
        """Listen. OSError when the port is taken."""
        # Every address holds the port, so the port comes first.
        reserved = _reserve(self._port)
        self._port = reserved.getsockname()[1]
        self.files.base = self.url
        app = web.Application(middlewares=[self._guard], client_max_size=128 * MEBIBYTE)
        self._add_parts(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, reserved).start()

    def _add_parts(self, app: web.Application) -> None:
        world = self.world
        self.gateway = Gateway(world, self.files, self.gateway_url)
        places = Places(world, self.gateway)
        self.members = Members(world, self.files, self.gateway, self.posting, self.faults)
        self.knobs = Knobs(world, self.gateway, self.files, self.posting, places, self.limits, self.faults)
        knobs = KnobsApi(world, self.knobs)
        self.page = PageApi(world, self.files, self.members, self.gateway, knobs, self._demo)
        api = web.Application(middlewares=[self._intake.middleware], client_max_size=128 * MEBIBYTE)
        api.add_routes(BotApi(world, self.files, self.posting, self.gateway, places).routes())
        api.add_routes(Callbacks(world, self.files, self.posting, self.faults).routes())
        api.router.add_route("*", "/{rest:.*}", _unknown_route)
        app.add_subapp("/api/v10", api)
        app.add_routes(self.gateway.routes())
        app.add_routes(self.files.routes())
        app.add_routes(self.page.routes())

    async def close(self) -> None:
        if self._runner is not None:
            await self.knobs.close()
            await self.page.close()
            await self.members.close()
            await self.gateway.close()
            await self._runner.cleanup()
        self.files.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Only this machine's own addresses, and no other site's page."""
        own = {f"127.0.0.1:{self._port}", f"localhost:{self._port}"}
        origin = request.headers.get("Origin")
        if request.host not in own or (origin is not None and origin.removeprefix("http://") not in own):
            raise web.HTTPForbidden(text="This address belongs to the Twodeck playground.")
        try:
            return await handler(request)
        except MemberError as refused:
            raise web.HTTPNotFound(text=refused.text) from None


def _reserve(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


async def _unknown_route(request: web.Request) -> web.StreamResponse:
    log.warning("the bot asked for a route that the stand-in lacks: %s %s", request.method, request.path)
    raise ApiError(0, status=404, message="404: Not Found")
