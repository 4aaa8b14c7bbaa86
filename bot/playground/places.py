"""What changes a server while the bot looks on: threads, channels, permissions, boosts, the bot's membership."""

from __future__ import annotations

from bot.playground import payloads
from bot.playground.errors import ApiError
from bot.playground.gateway import Gateway
from bot.playground.permissions import NOTHING, Permission
from bot.playground.world import MEBIBYTE, PUBLIC_THREAD, Channel, Json, Message, Overwrite, World

UPLOAD_LIMITS = {0: 10 * MEBIBYTE, 2: 50 * MEBIBYTE, 3: 100 * MEBIBYTE}
"""Bytes for one file by boost level."""

_UPDATED = {True: "THREAD_UPDATE", False: "CHANNEL_UPDATE"}
_ARCHIVE_MINUTES = (60, 1440, 4320, 10080)


class Places:
    """Every change is made in the world first, then told to the bot, then to the page."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway

    def all(self) -> list[Channel]:
        """Every channel and thread."""
        return list(self._world.guild.channels.values())

    def create_thread(self, parent: Channel, body: Json, owner_id: int, source: Message | None = None) -> Channel:
        """A public thread, on its own or on a message. Raises ApiError."""
        world = self._world
        name, minutes = str(body.get("name") or ""), int(body.get("auto_archive_duration") or 1440)
        if not 1 <= len(name) <= 100 or minutes not in _ARCHIVE_MINUTES:
            wrong = "name" if not 1 <= len(name) <= 100 else "auto_archive_duration"
            raise ApiError(50035, errors={wrong: {"_errors": [{"code": "BASE_TYPE_BAD", "message": "Not so."}]}})
        if parent.is_thread or int(body.get("type", PUBLIC_THREAD)) != PUBLIC_THREAD:
            raise ApiError(50024)
        if source is not None and source.id in world.guild.channels:
            raise ApiError(160004)
        thread = Channel(
            world.new_id() if source is None else source.id,
            name,
            "",
            parent.position,
            parent_id=parent.id,
            owner_id=owner_id,
            created=world.clock.now(),
            archive_minutes=minutes,
        )
        world.guild.channels[thread.id] = thread
        self._tell("THREAD_CREATE", payloads.channel(world, thread) | {"newly_created": True})
        return thread

    def change_thread(self, thread: Channel, body: Json) -> None:
        """Rename, archive or lock it."""
        thread.name = str(body.get("name") or thread.name)
        thread.archived = bool(body.get("archived", thread.archived))
        thread.locked = bool(body.get("locked", thread.locked))
        self._tell("THREAD_UPDATE", payloads.channel(self._world, thread))

    def slow_down(self, channel: Channel, seconds: float) -> None:
        """Slow mode: so long between two messages of one author; 0 ends it."""
        channel.slow_seconds = seconds
        self._tell(_UPDATED[channel.is_thread], payloads.channel(self._world, channel))

    def reopen(self) -> None:
        """End slow mode everywhere, and open every thread."""
        for channel in self._world.guild.channels.values():
            if channel.slow_seconds:
                self.slow_down(channel, 0)
            if channel.locked or channel.archived:
                self.change_thread(channel, {"locked": False, "archived": False})

    def delete_channel(self, channel: Channel) -> None:
        """Remove a channel with its threads and everything that was written there."""
        world = self._world
        doomed = [one for one in world.guild.channels.values() if channel.id in (one.id, one.parent_id)]
        for one in sorted(doomed, key=lambda one: not one.is_thread):
            body = payloads.channel(world, one)
            for message in [m for m in world.messages.values() if m.channel_id == one.id]:
                message.deleted = True
                del world.messages[message.id]
            del world.guild.channels[one.id]
            self._tell("THREAD_DELETE" if one.is_thread else "CHANNEL_DELETE", body)

    def deny(self, channel: Channel, permission: Permission) -> None:
        """Take a permission from the bot in one channel."""
        mine = next((o for o in channel.overwrites if o.target_id == self._world.bot.id), None)
        if mine is None:
            mine = Overwrite(self._world.bot.id, is_member=True)
            channel.overwrites.append(mine)
        mine.deny |= permission
        self._tell("CHANNEL_UPDATE", payloads.channel(self._world, channel))

    def restore(self) -> None:
        """Give back everything that `deny` took."""
        for channel in self._world.guild.channels.values():
            kept = [o for o in channel.overwrites if o.target_id != self._world.bot.id]
            if kept != channel.overwrites:
                channel.overwrites = kept
                self._tell("CHANNEL_UPDATE", payloads.channel(self._world, channel))

    def denied(self) -> Permission:
        """What was taken anywhere."""
        taken = NOTHING
        for channel in self._world.guild.channels.values():
            for overwrite in channel.overwrites:
                taken |= overwrite.deny if overwrite.target_id == self._world.bot.id else NOTHING
        return taken

    def boost(self, tier: int) -> None:
        """The upload limit follows the boost level. KeyError for a level without a limit of its own."""
        self._world.guild.upload_limit = UPLOAD_LIMITS[tier]
        self._world.guild.premium_tier = tier
        self._tell("GUILD_UPDATE", payloads.guild(self._world))

    def remove_bot(self) -> None:
        if self._world.guild.has_bot:
            self._world.guild.has_bot = False
            self._tell("GUILD_DELETE", {"id": str(self._world.guild.id)})

    def invite_bot(self) -> None:
        if not self._world.guild.has_bot:
            self._world.guild.has_bot = True
            body = payloads.guild_create(self._world)
            del body["unavailable"]  # which only guilds have that the bot was in when it connected
            self._tell("GUILD_CREATE", body)

    def _tell(self, event: str, body: Json) -> None:
        self._gateway.dispatch(event, body)
        self._world.tell("scene")
