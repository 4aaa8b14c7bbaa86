"""What the page asks the server for: the scene, messages, live events, and the members' actions."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from aiohttp import BodyPartReader, WSMsgType, web

from bot.playground import payloads
from bot.playground.errors import MemberError
from bot.playground.files import Files, Upload, content_type
from bot.playground.gateway import Gateway
from bot.playground.knobs_api import KnobsApi
from bot.playground.members import ON_MESSAGE, ON_PERSON, Members
from bot.playground.wording import languages, worded
from bot.playground.world import Interaction, Json, Member, Message, User, World

_PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageApi:
    """The page itself and the routes under /page."""

    def __init__(
        self, world: World, files: Files, members: Members, gateway: Gateway, knobs: KnobsApi, demo: Path | None
    ) -> None:
        self._world = world
        self._knobs = knobs
        self._files = files
        self._members = members
        self._gateway = gateway
        self._demo = demo
        self._watching: dict[web.WebSocketResponse, tuple[User, asyncio.Queue[Json]]] = {}
        self.notice = ""
        self._unlisten = world.listen(self._hear)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", _source(_PAGE / "index.html")),
            *(web.get(f"/{file.name}", _source(file)) for file in _PAGE.iterdir()),
            web.get("/page/scene", self.scene),
            web.get("/page/messages", self.messages),
            web.get("/page/events", self.events),
            web.get("/page/demo/{name}", self.demo_track),
            web.post("/page/slash", self._act(self.slash)),
            web.post("/page/autocomplete", self._act(self.autocomplete)),
            web.post("/page/component", self._act(self.component)),
            web.post("/page/submit", self._act(self.submit)),
            web.post("/page/context", self._act(self.context)),
            web.post("/page/say", self._act(self.say)),
            web.post("/page/language", self._act(self.speak)),
            web.get("/page/knobs", self._knobs.show),
            web.post("/page/knobs/{id}", self.turn),
        ]

    async def close(self) -> None:
        self._unlisten()
        for socket in list(self._watching):
            await socket.close()

    def announce(self, text: str) -> None:
        """Show a line about the bot on every open page; an empty one removes it."""
        self.notice = text
        self._world.tell("bot", self._gateway.connected)

    async def scene(self, request: web.Request) -> web.Response:
        """Everything but the messages, for one person in one channel."""
        person, channel_id = self._who(dict(request.query)), self._where(dict(request.query))
        people = list(self._world.guild.members.values())
        guild = self._world.guild
        return web.json_response(
            {
                "guild": guild.name,
                "me": str(person.id),
                "bot": self._bot_state(),
                "people": [_person(one) for one in people],
                "playable": list(self._world.parts),
                "parts": self._world.parts,
                "channels": self._channels(),
                "direct": self._direct(person),
                "roles": [payloads.role(self._world, one) for one in guild.roles.values()],
                "commands": [worded(one, person.locale) for one in self._members.commands_for(person, channel_id)],
                "locale": person.locale,
                "languages": languages(self._world.commands),
                "demo": self._demo_names(),
                "upload_limit": max(person.upload_limit, self._world.upload_limit(channel_id)),
            }
        )

    async def messages(self, request: web.Request) -> web.Response:
        person, channel_id = self._who(dict(request.query)), self._where(dict(request.query))
        seen = self._world.history(channel_id, person.id)
        return web.json_response([payloads.for_page(self._world, self._files, one) for one in seen])

    async def demo_track(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if self._demo is None or name not in self._demo_names():
            raise web.HTTPNotFound(text="There is no such demo track.")
        return web.FileResponse(self._demo / name, headers={"Content-Type": content_type(name)})

    async def slash(self, person: User, body: Json, uploads: list[Upload]) -> Json:
        values = {**body.get("values", {}), **{upload.field: upload for upload in uploads}}
        return self._handle(await self._members.slash(person, self._where(body), body["command"], values))

    async def autocomplete(self, person: User, body: Json, _: list[Upload]) -> Json:
        values = body.get("values", {})
        found = await self._members.autocomplete(
            person, self._where(body), body["command"], values, body["focused"]
        )
        return {"choices": found}

    async def component(self, person: User, body: Json, _: list[Upload]) -> Json:
        message = self._world.messages.get(int(body["message"]))
        if message is None:
            raise MemberError("That message is gone.")
        return self._handle(await self._members.component(person, message, body["custom_id"], body.get("values")))

    async def submit(self, person: User, body: Json, uploads: list[Upload]) -> Json:
        opened = next((i for i in self._world.interactions.values() if str(i.id) == body["interaction"]), None)
        if opened is None:
            raise MemberError("That form is not open.")
        values: dict[str, Any] = dict(body.get("values", {}))
        for upload in uploads:
            values.setdefault(upload.field, []).append(upload)
        return self._handle(await self._members.submit(person, opened, values))

    async def context(self, person: User, body: Json, _: list[Upload]) -> Json:
        kind, target = int(body["type"]), int(body["target"])
        if kind == ON_MESSAGE:
            found = self._world.messages.get(target)
        else:
            member = self._world.guild.members.get(target)
            found = member.user if member else None
        if found is None or kind not in (ON_PERSON, ON_MESSAGE):
            raise MemberError("That is gone.")
        place = self._where(body)
        return self._handle(await self._members.context(person, place, body["command"], kind, found))

    async def say(self, person: User, body: Json, uploads: list[Upload]) -> Json:
        written = self._members.say(person, self._where(body), str(body.get("text", "")), uploads)
        return {"message": str(written.id)}

    async def speak(self, person: User, body: Json, _: list[Upload]) -> Json:
        """Set the language of somebody's Discord."""
        if body.get("locale") not in languages(self._world.commands):
            raise MemberError("The bot has no words in that language.")
        person.locale = str(body["locale"])
        return {"locale": person.locale}

    async def turn(self, request: web.Request) -> web.StreamResponse:
        """A knob: no act inside the server; who turns it matters only where that person is meant by "you"."""

        async def act(person: User, body: Json, _: list[Upload]) -> Json:
            return await self._knobs.turn(request.match_info["id"], person, self._where(body), body)

        return await self._act(act)(request)

    async def events(self, request: web.Request) -> web.WebSocketResponse:
        """Live changes as one person sees them."""
        person = self._who(dict(request.query))
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        queue: asyncio.Queue[Json] = asyncio.Queue()
        queue.put_nowait({"type": "bot", "bot": self._bot_state()})
        self._watching[socket] = (person, queue)
        sender = asyncio.create_task(_pump(queue, socket))
        try:
            async for frame in socket:
                if frame.type is WSMsgType.ERROR:
                    break
        finally:
            del self._watching[socket]
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return socket

    def _hear(self, kind: str, subject: Any) -> None:
        for person, queue in self._watching.values():
            event = self._event_for(person, kind, subject)
            if event is not None:
                queue.put_nowait(event)

    def _event_for(self, person: User, kind: str, subject: Any) -> Json | None:
        """One change as this person may see it; None when it is not theirs."""
        if isinstance(subject, Message):
            if not self._world.reaches(subject, person.id):
                return None
            if kind == "gone":
                return {"type": "gone", "id": str(subject.id), "channel_id": str(subject.channel_id)}
            return {"type": "message", "message": payloads.for_page(self._world, self._files, subject)}
        if isinstance(subject, Interaction):
            return self._handle(subject) | {"type": "interaction"} if subject.user_id == person.id else None
        if kind == "knobs":
            return {"type": kind, "knobs": self._knobs.listed()}
        return {"type": kind, "bot": self._bot_state()}

    def _channels(self) -> list[Json]:
        """Every channel, its threads after it."""
        found = [*self._world.guild.channels.values()]
        found.sort(key=lambda one: (one.position, one.is_thread, one.id))
        return [payloads.channel(self._world, one) for one in found]

    def _direct(self, person: User) -> Json:
        """The person's direct messages with the bot, which they may open at any time; `newest` is one that is
        still there."""
        one = self._world.open_direct(person)
        newest = next((str(m.id) for m in reversed(self._world.history(one.id, person.id))), None)
        return payloads.channel(self._world, one) | {"name": one.name, "topic": one.topic, "newest": newest}

    def _bot_state(self) -> Json:
        return {
            "connected": self._gateway.connected,
            "synced": bool(self._world.commands),
            "in_guild": self._world.guild.has_bot,
            "notice": self.notice,
        }

    def _handle(self, interaction: Interaction) -> Json:
        """What the page follows an interaction by."""
        return {
            "interaction": str(interaction.id),
            "kind": interaction.kind,
            "name": interaction.name,
            "source": str(interaction.source.id) if interaction.source else None,
            "acknowledged": interaction.acknowledged_at is not None,
            "failed": interaction.failed,
            "modal": interaction.modal,
        }

    def _act(self, action: Callable[[User, Json, list[Upload]], Awaitable[Json]]) -> Handler:
        """A route that turns a refusal into JSON the page can show beside the field."""

        async def handle(request: web.Request) -> web.Response:
            try:
                body, uploads = await _read_form(request)
                return web.json_response(await action(self._who(body), body, uploads))
            except MemberError as refused:
                return web.json_response({"error": refused.text, "field": refused.field})

        return handle

    def _who(self, body: Json) -> User:
        with contextlib.suppress(KeyError):
            return self._world.person(str(body.get("user", self._world.mika.name)))
        raise MemberError("Nobody here has that name.")

    def _where(self, body: Json) -> int:
        with contextlib.suppress(KeyError, ValueError):
            if place := self._world.place(int(body["channel"])):
                return place.id
        return next(iter(self._world.guild.channels))

    def _demo_names(self) -> list[str]:
        if self._demo is None or not self._demo.is_dir():
            return []
        return sorted(file.name for file in self._demo.glob("*.mp3"))


def _person(one: Member) -> Json:
    """Somebody on the server, as the page knows them."""
    return payloads.user(one.user) | {"name": one.user.display_name, "roles": [str(role) for role in one.role_ids]}


async def _pump(queue: asyncio.Queue[Json], socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await socket.send_json(await queue.get())


def _source(path: Path) -> Handler:
    kind = _TYPES[path.suffix]

    def read() -> web.Response:
        return web.Response(text=path.read_text("utf-8"), content_type=kind, headers=_HEADERS)

    async def serve(_: web.Request) -> web.Response:
        return read()

    return serve


def _parsed(data: bytes) -> Json:
    with contextlib.suppress(ValueError):
        if isinstance(body := json.loads(data), dict):
            return cast("Json", body)
    raise MemberError("The page sent something else than a form.")


async def _read_form(request: web.Request) -> tuple[Json, list[Upload]]:
    """The field `request` as JSON and every other field as a file, its name percent-encoded."""
    if request.content_type != "multipart/form-data":
        raise MemberError("The page sent something else than a form.")
    body: Json = {}
    uploads: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read())
        if part.name == "request":
            body = _parsed(data)
        else:
            uploads.append(Upload(part.name or "", unquote(part.filename or "file"), data))
    return body, uploads
