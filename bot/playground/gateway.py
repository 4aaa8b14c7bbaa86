"""The gateway: hello, identify, heartbeats, events, compression, resume with replay of what was missed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import WSMsgType, web

from bot.playground import payloads
from bot.playground.files import Files
from bot.playground.world import Json, Message, World

log = logging.getLogger(__name__)

_WAY_SECONDS = 0.02
"""To an acknowledgement, as over a network: discord.py notes after a heartbeat was sent when that was."""
_DISPATCH, _HEARTBEAT, _IDENTIFY, _RESUME, _RECONNECT, _INVALID, _HELLO, _ACK = 0, 1, 2, 6, 7, 9, 10, 11
_GUILD_MESSAGES, _DIRECT_MESSAGES, _MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
_NOT_AUTHENTICATED, _BAD_TOKEN = 4003, 4004


class Wire:
    """One WebSocket of the bot; frames leave in the order in which they were given, compressed if it asked so."""

    def __init__(self, socket: web.WebSocketResponse, *, compressed: bool) -> None:
        self.socket = socket
        self._deflate = zlib.compressobj() if compressed else None
        self._turn = asyncio.Lock()

    async def send(self, *frames: str) -> None:
        """Nothing happens when the connection is gone."""
        async with self._turn:
            with contextlib.suppress(ConnectionError):
                for frame in frames:
                    if self._deflate is None:
                        await self.socket.send_str(frame)
                    else:
                        data = self._deflate.compress(frame.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                        await self.socket.send_bytes(data)

    async def control(self, operation: int, data: Any = None) -> None:
        await self.send(json.dumps({"op": operation, "d": data, "s": None, "t": None}))


@dataclass
class Session:
    """One identified bot; it outlives its connection so that it can be resumed."""

    id: str
    intents: int
    wire: Wire | None
    sequence: int = 0
    sent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=1000))


class Gateway:
    """Accepts the bot's WebSocket and dispatches events to it in order."""

    def __init__(self, world: World, files: Files, address: str) -> None:
        self._world = world
        self._files = files
        self.address = address
        self._sessions: dict[str, Session] = {}
        self._wires: set[Wire] = set()
        self._outbox: set[asyncio.Task[None]] = set()
        self.watchers: list[Callable[[str, Json], None]] = []
        self.identified = 0
        self.resumed = 0
        self.heartbeat_seconds = 41.25
        self.is_shut = False
        """Whether nobody gets a connection."""
        world.listen(self._hear)

    @property
    def connected(self) -> bool:
        return any(session.wire is not None for session in self._sessions.values())

    @property
    def reads_content(self) -> bool:
        """Whether the bot asked to read what others write."""
        return any(session.intents & _MESSAGE_CONTENT for session in self._sessions.values())

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/gateway", self._accept), web.get("/gateway/", self._accept)]

    async def close(self) -> None:
        """End every connection; nothing can be resumed afterwards."""
        self._sessions.clear()
        await self.drop()
        for task in list(self._outbox):
            task.cancel()
        await asyncio.gather(*self._outbox, return_exceptions=True)

    async def drop(self, code: int = 4000) -> None:
        """Close the bot's connections as a network fault would."""
        for wire in list(self._wires):
            await wire.socket.close(code=code)

    async def ask_to_reconnect(self) -> None:
        await self._control(_RECONNECT, None)

    async def invalidate(self) -> None:
        """Forget the sessions and tell the bot so: it has to identify anew."""
        self._sessions.clear()
        await self._control(_INVALID, False)

    async def _control(self, operation: int, data: Any) -> None:
        for wire in list(self._wires):
            await wire.control(operation, data)

    def dispatch(self, event: str, data: Json, intent: int = 0) -> None:
        """Queue one event for every session that asked for it; kept for replay when the socket is gone."""
        for watch in self.watchers:
            watch(event, data)
        for session in self._sessions.values():
            if intent and not session.intents & intent:
                continue
            session.sequence += 1
            frame = json.dumps({"op": _DISPATCH, "t": event, "s": session.sequence, "d": data})
            session.sent.append((session.sequence, frame))
            if session.wire is not None:
                task = asyncio.create_task(session.wire.send(frame))
                self._outbox.add(task)
                task.add_done_callback(self._outbox.discard)

    async def _accept(self, request: web.Request) -> web.WebSocketResponse:
        if self.is_shut:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(max_msg_size=4096 * 4)
        await socket.prepare(request)
        wire = Wire(socket, compressed=request.query.get("compress") == "zlib-stream")
        self._wires.add(wire)
        session: Session | None = None
        try:
            hello: Json = {"heartbeat_interval": int(self.heartbeat_seconds * 1000), "_trace": []}
            await wire.control(_HELLO, hello)
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    continue
                session = await self._receive(wire, session, json.loads(frame.data))
        except ConnectionError:
            log.info("the bot's gateway connection broke")
        finally:
            self._wires.discard(wire)
            if session is not None and session.wire is wire:
                session.wire = None
                self._world.tell("bot", self.connected)
        return socket

    async def _receive(self, wire: Wire, session: Session | None, frame: Json) -> Session | None:
        """Handle one frame; return the session that this connection now serves."""
        operation, data = frame.get("op"), frame.get("d")
        if operation == _HEARTBEAT:
            await asyncio.sleep(_WAY_SECONDS)
            await wire.control(_ACK)
        elif operation == _IDENTIFY and isinstance(data, dict):
            return await self._identify(wire, cast("Json", data))
        elif operation == _RESUME and isinstance(data, dict):
            return await self._resume(wire, cast("Json", data))
        elif session is None:
            await wire.socket.close(code=_NOT_AUTHENTICATED)
        return session

    async def _identify(self, wire: Wire, data: Json) -> Session | None:
        if data.get("token") != self._world.token:
            await wire.socket.close(code=_BAD_TOKEN, message=b"Authentication failed.")
            return None
        session = Session(secrets.token_hex(16), int(data.get("intents") or 0), wire)
        self._sessions = {session.id: session}
        self.identified += 1
        club = self._world.guild
        guilds = [{"id": str(club.id), "unavailable": True}] if club.has_bot else []
        ready: Json = {
            "v": 10,
            "user": payloads.myself(self._world.bot),
            "guilds": guilds,
            "session_id": session.id,
            "resume_gateway_url": self.address,
            "shard": data.get("shard") or [0, 1],
            "application": {"id": str(self._world.application_id), "flags": 0},
            "private_channels": [],
            "relationships": [],
            "presences": [],
        }
        self.dispatch("READY", ready)
        if club.has_bot:
            self.dispatch("GUILD_CREATE", payloads.guild_create(self._world))
        self._world.tell("bot", True)
        return session

    async def _resume(self, wire: Wire, data: Json) -> Session | None:
        session = self._sessions.get(str(data.get("session_id")))
        if session is None or data.get("token") != self._world.token:
            await wire.control(_INVALID, False)
            return None
        seen = int(data.get("seq") or 0)
        missed = [frame for sequence, frame in session.sent if sequence > seen]
        session.wire = wire
        await wire.send(*missed)
        self.resumed += 1
        self.dispatch("RESUMED", {"_trace": []})
        self._world.tell("bot", True)
        return session

    def _hear(self, kind: str, subject: Any) -> None:
        """Message events for bots that asked for them."""
        if not isinstance(subject, Message) or subject.visible_to is not None:
            return
        world = self._world
        direct, guild = subject.channel_id in world.directs, payloads.guild_of(world, subject)
        intent = _DIRECT_MESSAGES if direct else _GUILD_MESSAGES
        if kind == "gone":
            body = {"id": str(subject.id), "channel_id": str(subject.channel_id), **guild}
            self.dispatch("MESSAGE_DELETE", body, intent)
        elif kind == "message" and (direct or world.guild.has_bot):
            event = "MESSAGE_CREATE" if subject.edited is None else "MESSAGE_UPDATE"
            body = payloads.message(world, self._files, subject) | guild
            self.dispatch(event, body if self.reads_content else payloads.unread(world, body), intent)
