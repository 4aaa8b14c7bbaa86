"""What the bot sent: its body and files taken apart, checked for the token, limited, hindered, and remembered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import BodyPartReader, web

from bot.playground.errors import ApiError, RateLimited
from bot.playground.faults import Effect, Fault, Faults, Reset
from bot.playground.files import Upload
from bot.playground.limits import Limits
from bot.playground.world import World

log = logging.getLogger(__name__)
BODY = web.RequestKey("body", object)
UPLOADS = web.RequestKey("uploads", list[Upload])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_OPEN = ("/api/v10/gateway", "/api/v10/webhooks/", "/api/v10/interactions/")


@dataclass
class Call:
    """One request of the bot, as tests read it; `at` and `seconds` are on the monotonic clock."""

    method: str
    path: str
    query: dict[str, str]
    at: float
    body: Any = None
    files: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    status: int = 0
    answer: Any = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


Watcher = Callable[[Call, web.StreamResponse], None]


class Intake:
    """The middleware around every bot route: token, limits, body, errors, faults, history."""

    def __init__(self, world: World, limits: Limits, faults: Faults) -> None:
        self._world = world
        self._limits = limits
        self._faults = faults
        self.history: list[Call] = []
        self.watchers: list[Watcher] = []

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        clock = self._world.clock
        call = Call(request.method, request.path.removeprefix("/api/v10"), dict(request.query), clock.monotonic())
        self.history.append(call)
        fault = self._faults.take(call.method, call.path)
        headers: dict[str, str] = {"Via": "1.1 playground"}
        date = formatdate(clock.now(), usegmt=True)
        try:
            self._check_token(request)
            await self._read(request, call)
            headers = self._limits.spend(call.method, call.path)
            response = await self._carry_out(request, handler, call, fault)
        except ApiError as refused:
            call.answer = refused.body
            response = answer(refused.body, refused.status)
            headers |= refused.headers
            log.info("%s %s -> %s", call.method, call.path, refused)
        except Reset:
            return _broken(request)
        call.status = response.status
        call.seconds = clock.monotonic() - call.at
        response.headers.update({**headers, "Date": date})
        for watch in self.watchers:
            watch(call, response)
        return response

    async def _read(self, request: web.Request, call: Call) -> None:
        body, uploads = await read_body(request)
        request[BODY], request[UPLOADS] = body, uploads
        call.body = body
        call.files = [(upload.filename, len(upload.data)) for upload in uploads]

    async def _carry_out(
        self, request: web.Request, handler: Handler, call: Call, fault: Fault | None
    ) -> web.StreamResponse:
        """Do what was asked, unless something stands in the way before it; or lose the answer after it."""
        if delay := self._faults.delay(call.method, call.path):
            await asyncio.sleep(delay)
        if fault is not None and not fault.applied:
            _strike(fault)
        if code := self._faults.closed_channels.get(int(request.match_info.get("channel", "0"))):
            raise ApiError(code)
        response = await handler(request)
        if fault is not None:
            _strike(fault)
        return response

    def _check_token(self, request: web.Request) -> None:
        if request.path.startswith(_OPEN):
            return
        if request.headers.get("Authorization") != f"Bot {self._world.token}":
            raise ApiError(0, status=401, message="401: Unauthorized")


def answer(body: Any = None, status: int = 200) -> web.Response:
    """JSON with exactly the header Discord sends; discord.py takes anything else for text."""
    if body is None:
        return web.Response(status=204)
    return web.Response(status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


async def read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    """The JSON of a request and the files that came with it."""
    if not request.body_exists:
        return {}, []
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    return _parse(await request.read()), []


async def _read_multipart(request: web.Request) -> tuple[Any, list[Upload]]:
    body: Any = {}
    uploads: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise ApiError(50035)
        data = bytes(await part.read())
        if part.name == "payload_json":
            body = _parse(data)
        else:
            uploads.append(Upload(part.name or "", part.filename or "file", data))
    return body, uploads


def _parse(data: bytes) -> Any:
    if not data:
        return {}
    try:
        return json.loads(data)
    except ValueError:
        raise ApiError(50109) from None


def _strike(fault: Fault) -> None:
    match fault.effect:
        case Effect.RATE_LIMIT:
            raise RateLimited(fault.seconds, everywhere=fault.everywhere)
        case Effect.SERVER_ERROR:
            raise ApiError(0, status=fault.status, message=f"{fault.status}: Internal Server Error")
        case Effect.RESET:
            raise Reset


def _broken(request: web.Request) -> web.StreamResponse:
    """Cut the connection; what is returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
