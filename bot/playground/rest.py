"""The REST routes a bot calls with its own token: itself, commands, guild, channels, messages."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

from bot.playground import checks, payloads
from bot.playground.errors import ApiError
from bot.playground.files import Files
from bot.playground.gateway import Gateway
from bot.playground.intake import BODY, UPLOADS, answer
from bot.playground.permissions import NOTHING, Permission, to_send_in
from bot.playground.places import Places
from bot.playground.posting import Posting
from bot.playground.world import Channel, Json, Message, World

_DEFAULTS: Json = {
    "type": 1,
    "description": "",
    "options": [],
    "nsfw": False,
    "contexts": None,
    "integration_types": [0],
}


class BotApi:
    """Routes relative to /api/v10."""

    def __init__(self, world: World, files: Files, posting: Posting, gateway: Gateway, places: Places) -> None:
        self._world = world
        self._files = files
        self._posting = posting
        self._gateway = gateway
        self._places = places

    def routes(self) -> list[web.RouteDef]:
        guild, channel = r"/guilds/{guild:\d+}", r"/channels/{channel:\d+}"
        message = channel + r"/messages/{message:\d+}"
        commands = r"/applications/{application:\d+}/commands"
        return [
            web.get("/gateway", self.gateway),
            web.get("/gateway/bot", self.gateway_bot),
            web.get("/users/@me", self.me),
            web.post("/users/@me/channels", self.open_direct),
            web.get(r"/users/{user:\d+}", self.user),
            web.get("/oauth2/applications/@me", self.application),
            web.get("/applications/@me", self.application),
            web.get(r"/applications/{application:\d+}", self.application),
            web.get(commands, self.commands),
            web.put(commands, self.replace_commands),
            web.get("/users/@me/guilds", self.my_guilds),
            web.get(guild, self.guild),
            web.get(guild + "/channels", self.guild_channels),
            web.get(guild + "/roles", self.guild_roles),
            web.get(guild + r"/members/{user:\d+}", self.guild_member),
            web.get(channel, self.channel),
            web.post(channel + "/typing", self.typing),
            web.get(channel + "/messages", self.history),
            web.post(channel + "/messages", self.create_message),
            web.get(message, self.message),
            web.patch(message, self.edit_message),
            web.delete(message, self.delete_message),
            web.post(channel + "/threads", self.create_thread),
            web.post(message + "/threads", self.create_thread),
            web.patch(channel, self.change_thread),
            web.post("/attachments/refresh-urls", self.refresh_urls),
        ]

    async def gateway(self, _: web.Request) -> web.Response:
        return answer({"url": self._gateway.address})

    async def gateway_bot(self, _: web.Request) -> web.Response:
        left = 1000 - self._gateway.identified
        budget = {"total": 1000, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
        return answer({"url": self._gateway.address, "shards": 1, "session_start_limit": budget})

    async def me(self, _: web.Request) -> web.Response:
        return answer(payloads.myself(self._world.bot))

    async def user(self, request: web.Request) -> web.Response:
        member = self._world.guild.members.get(int(request.match_info["user"]))
        if member is None:
            raise ApiError(10013)
        return answer(payloads.user(member.user))

    async def open_direct(self, request: web.Request) -> web.Response:
        wanted = _object(request[BODY]).get("recipient_id")
        if wanted is None:
            none = {"code": "CHANNEL_RECIPIENT_REQUIRED", "message": "At least one channel recipient is required."}
            raise ApiError(50035, errors={"_errors": [none]})
        member = self._world.guild.members.get(int(wanted))
        if member is None:
            raise ApiError(50033)
        if member.user.bot:
            raise ApiError(50007, status=400)
        return answer(payloads.channel(self._world, self._world.open_direct(member.user)))

    async def application(self, _: web.Request) -> web.Response:
        return answer(payloads.application(self._world))

    async def commands(self, _: web.Request) -> web.Response:
        return answer(self._world.commands)

    async def replace_commands(self, request: web.Request) -> web.Response:
        wanted = checks.commands(request[BODY])
        world = self._world
        known = {(command["type"], command["name"]): command["id"] for command in world.commands}
        world.commands = [
            {
                **_DEFAULTS,
                **{key: value for key, value in command.items() if value is not None},
                "default_member_permissions": _digits(command.get("default_member_permissions")),
                "id": known.get((command.get("type", 1), command["name"])) or str(world.new_id()),
                "application_id": str(world.application_id),
                "version": str(world.new_id()),
            }
            for command in wanted
        ]
        world.tell("commands")
        return answer(world.commands)

    async def my_guilds(self, _: web.Request) -> web.Response:
        club = self._world.guild
        if not club.has_bot:
            return answer([])
        mine = payloads.bits(payloads.permissions_of(self._world, self._world.bot.id))
        short: Json = {
            "id": str(club.id),
            "name": club.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "features": [],
        }
        return answer([short | {"permissions": mine}])

    async def guild(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        count = len(self._world.guild.members)
        counts = {"approximate_member_count": count, "approximate_presence_count": count}
        return answer(payloads.guild(self._world) | (counts if request.query.get("with_counts") == "1" else {}))

    async def guild_channels(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        return answer(payloads.channels(self._world, threads=False))

    async def guild_roles(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        return answer([payloads.role(self._world, one) for one in self._world.guild.roles.values()])

    async def guild_member(self, request: web.Request) -> web.Response:
        self._check_guild(request)
        member = self._world.guild.members.get(int(request.match_info["user"]))
        if member is None:
            raise ApiError(10007)
        return answer(payloads.member(member))

    async def channel(self, request: web.Request) -> web.Response:
        return answer(payloads.channel(self._world, self._channel(request)))

    async def typing(self, request: web.Request) -> web.Response:
        self._place_to_write(request)
        return answer()

    async def history(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        if Permission.READ_MESSAGE_HISTORY not in self._world.allowed(self._world.bot.id, channel.id):
            return answer([])
        seen = self._world.history(channel.id, self._world.bot.id)
        return answer([self._json(message) for message in _page_of(seen, dict(request.query))])

    async def create_message(self, request: web.Request) -> web.Response:
        channel = self._place_to_write(request)
        body, uploads = _object(request[BODY]), request[UPLOADS]
        allowed = self._world.allowed(self._world.bot.id, channel.id)
        if (uploads and Permission.ATTACH_FILES not in allowed) or (
            body.get("embeds") and Permission.EMBED_LINKS not in allowed
        ):
            raise ApiError(50013)
        self._check_recipient(channel)
        if body.get("enforce_nonce") and (first := self._same_nonce(channel, body.get("nonce"))):
            return answer(self._json(first))
        message = self._posting.post(channel.id, body, uploads, limit=self._world.upload_limit(channel.id))
        return answer(self._json(message))

    async def message(self, request: web.Request) -> web.Response:
        self._channel(request, Permission.READ_MESSAGE_HISTORY)
        return answer(self._json(self._message(request)))

    async def edit_message(self, request: web.Request) -> web.Response:
        self._channel(request)
        message = self._message(request)
        if message.author_id != self._world.bot.id:
            raise ApiError(50005)
        limit = self._world.upload_limit(message.channel_id)
        return answer(
            self._json(self._posting.edit(message, _object(request[BODY]), request[UPLOADS], limit=limit))
        )

    async def delete_message(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        message = self._message(request)
        if message.author_id != self._world.bot.id:
            if channel.is_direct:
                raise ApiError(50003)
            self._channel(request, Permission.MANAGE_MESSAGES)
        self._posting.delete(message)
        return answer()

    async def refresh_urls(self, request: web.Request) -> web.Response:
        addresses = _object(request[BODY]).get("attachment_urls") or ()
        return answer(
            {"refreshed_urls": [{"original": one, "refreshed": self._files.renew(one)} for one in addresses]}
        )

    async def create_thread(self, request: web.Request) -> web.Response:
        parent = self._channel(request, Permission.CREATE_PUBLIC_THREADS)
        source = self._message(request) if "message" in request.match_info else None
        made = self._places.create_thread(parent, _object(request[BODY]), self._world.bot.id, source)
        return answer(payloads.channel(self._world, made), 201)

    async def change_thread(self, request: web.Request) -> web.Response:
        thread = self._channel(request)
        allowed = self._world.allowed(self._world.bot.id, thread.id)
        if not thread.is_thread or (
            thread.owner_id != self._world.bot.id and Permission.MANAGE_THREADS not in allowed
        ):
            raise ApiError(50013)
        body = _object(request[BODY])
        if "locked" in body and Permission.MANAGE_THREADS not in allowed:
            raise ApiError(50013)
        self._places.change_thread(thread, body)
        return answer(payloads.channel(self._world, thread))

    def _json(self, message: Message) -> Json:
        body = payloads.message(self._world, self._files, message)
        return body if self._gateway.reads_content else payloads.unread(self._world, body)

    def _check_guild(self, request: web.Request) -> None:
        club = self._world.guild
        if int(request.match_info["guild"]) != club.id or not club.has_bot:
            raise ApiError(10004)

    def _place_to_write(self, request: web.Request) -> Channel:
        channel = self._channel(request)
        return self._channel(request, to_send_in(channel))

    def _channel(self, request: web.Request, needed: Permission = NOTHING) -> Channel:
        """The channel of the route, when the bot may see it and do what is needed."""
        channel = self._world.place(int(request.match_info["channel"]))
        if channel is None:
            raise ApiError(10003)
        allowed = self._world.allowed(self._world.bot.id, channel.id)
        if Permission.VIEW_CHANNEL not in allowed:
            raise ApiError(50001)
        if needed not in allowed:
            raise ApiError(50013)
        return channel

    def _check_recipient(self, channel: Channel) -> None:
        """Direct messages reach people of a common server who take them."""
        if channel.recipient_id is None:
            return
        if not self._world.guild.has_bot:
            raise ApiError(50278)
        if not self._world.guild.members[channel.recipient_id].takes_direct:
            raise ApiError(50007)

    def _message(self, request: web.Request) -> Message:
        """The message of the route. Ephemeral ones do not exist for the bot's token."""
        message = self._world.messages.get(int(request.match_info["message"]))
        if message is None or message.ephemeral or message.channel_id != int(request.match_info["channel"]):
            raise ApiError(10008)
        return message

    def _same_nonce(self, channel: Channel, nonce: object) -> Message | None:
        """The first message with this nonce; 404 when it was deleted meanwhile."""
        first = self._world.nonces.get((channel.id, str(nonce))) if nonce is not None else None
        if first is None or first.created < self._world.clock.now() - self._world.nonce_seconds:
            return None
        if first.deleted:
            raise ApiError(10008)
        return first


def _digits(bits: object) -> str | None:
    """Permission bits as Discord gives them back, whatever way they were sent."""
    return None if bits is None else str(bits)


def _object(body: Any) -> Json:
    if not isinstance(body, dict):
        raise ApiError(50035)
    return cast("Json", body)


def _page_of(messages: list[Message], query: dict[str, str]) -> list[Message]:
    """One page of history, newest first."""
    limit = int(query.get("limit", "50"))
    if not 1 <= limit <= 100:
        raise ApiError(50035, errors={"limit": {"_errors": [{"code": "NUMBER_TYPE_MAX", "message": "1 to 100"}]}})
    if "around" in query:
        middle = int(query["around"])
        older = [m for m in messages if m.id <= middle][-(limit // 2 + 1) :]
        return [*older, *(m for m in messages if m.id > middle)][:limit][::-1]
    if "after" in query:
        return [m for m in messages if m.id > int(query["after"])][:limit][::-1]
    if "before" in query:
        messages = [m for m in messages if m.id < int(query["before"])]
    return messages[::-1][:limit]
