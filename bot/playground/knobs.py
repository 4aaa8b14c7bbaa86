"""Everything that tests and the page may make go wrong or change, by name; each knob works at once."""

from __future__ import annotations

from typing import Protocol

from bot.playground import limits as rates
from bot.playground import workers
from bot.playground.errors import MemberError
from bot.playground.faults import WHERE, Effect, Fault, Faults
from bot.playground.files import Files
from bot.playground.gateway import Gateway
from bot.playground.limits import Limits
from bot.playground.permissions import Permission
from bot.playground.places import UPLOAD_LIMITS, Places
from bot.playground.posting import Posting
from bot.playground.world import Channel, Member, Message, User, World

NONCE_SECONDS = 120.0


class BotControl(Protocol):
    """The bot as a process; an in-process bot has none."""

    @property
    def pid(self) -> int | None: ...

    async def restart(self) -> None:
        """Kill it as a crash would and see to it that it starts again."""
        ...


class Knobs:
    """`where` names a group of requests of `faults.WHERE`; `channel` is a channel, its name or its id."""

    def __init__(
        self,
        world: World,
        gateway: Gateway,
        files: Files,
        posting: Posting,
        places: Places,
        limits: Limits,
        faults: Faults,
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._files = files
        self._posting = posting
        self._bot: BotControl | None = None
        self._hold = workers.Hold(self._changed)
        self.places = places
        self.limits = limits
        self.faults = faults

    async def close(self) -> None:
        await self._hold.end()

    def attach(self, bot: BotControl) -> None:
        """Make the knobs of the bot's process work."""
        self._bot = bot
        self._changed()

    # ---- requests

    def rate_limit(
        self, count: int = 1, where: str = "any", *, seconds: float = 1.0, everywhere: bool = False
    ) -> None:
        """The next `count` requests are answered 429."""
        self._ask(Fault(Effect.RATE_LIMIT, where, count, seconds=seconds, everywhere=everywhere))

    def server_error(self, count: int = 1, where: str = "any", *, status: int = 500, applied: bool = False) -> None:
        """The next `count` requests are answered 5xx, before or after they were carried out."""
        self._ask(Fault(Effect.SERVER_ERROR, where, count, applied=applied, status=status))

    def reset(self, count: int = 1, where: str = "any", *, applied: bool = False) -> None:
        """The connection of the next `count` requests breaks, before or after they were carried out."""
        self._ask(Fault(Effect.RESET, where, count, applied=applied))

    def slow(self, seconds: float, where: str = "any") -> None:
        """Hold up every request; 0 ends it."""
        if where not in WHERE:
            raise KeyError(where)
        self.faults.slow_seconds, self.faults.slow_where = seconds, where
        self._changed()

    def forbid(self, channel: Channel | str | int, code: int = 50001) -> None:
        """Everything in one channel is answered 403, or whatever `code` stands for; 0 ends it."""
        closed, place = self.faults.closed_channels, self.channel(channel).id
        closed.pop(place, None)
        if code:
            closed[place] = code
        self._changed()

    def allow_all(self) -> None:
        """End every `forbid`."""
        self.faults.closed_channels.clear()
        self._changed()

    def buckets(self, mode: str) -> None:
        """Rate limits as Discord's, generous, or off."""
        if mode not in rates.MODES:
            raise KeyError(mode)
        self.limits.mode = mode
        self._changed()

    # ---- connection and tokens

    async def drop_gateway(self) -> None:
        """The connection breaks; the session can be resumed."""
        await self._gateway.drop()

    async def ask_to_reconnect(self) -> None:
        await self._gateway.ask_to_reconnect()

    async def invalidate_session(self) -> None:
        """The session is gone: the bot has to identify anew."""
        await self._gateway.invalidate()

    def late_ack(self, count: int = 1) -> None:
        """The next `count` interactions reach the bot when its three seconds are over."""
        self.faults.late = count
        self._changed()

    def expire_tokens(self) -> None:
        """Every interaction token given out so far is void."""
        for interaction in self._world.interactions.values():
            interaction.void = True

    def void_next_tokens(self, count: int = 1) -> None:
        """The tokens of the next `count` interactions are void right after the first answer."""
        self.faults.voided = count
        self._changed()

    def claim_size(self, size: int) -> None:
        """The next file that a member sends says it has `size` bytes; 0 ends it."""
        self.faults.claim = size
        self._changed()

    def expire_links(self) -> None:
        """Every attachment link given out so far stops working."""
        self._files.expire()

    # ---- server

    @property
    def bot_inside(self) -> bool:
        return self._world.guild.has_bot

    @property
    def upload_limit(self) -> int:
        """Bytes."""
        return self._world.guild.upload_limit

    def channel(self, wanted: Channel | str | int) -> Channel:
        """KeyError when there is none."""
        if isinstance(wanted, Channel):
            return wanted
        return self._world.guild.channels[wanted] if isinstance(wanted, int) else self._world.channel(wanted)

    def delete_channel(self, channel: Channel | str | int) -> None:
        self.places.delete_channel(self.channel(channel))

    def remove_permission(self, channel: Channel | str | int, permission: Permission) -> None:
        """Take it from the bot there; for a thread, in its parent."""
        place = self.channel(channel)
        self.places.deny(self.channel(place.parent_id) if place.parent_id else place, permission)
        self._changed()

    def restore_permissions(self) -> None:
        self.places.restore()
        self._changed()

    def slow_mode(self, channel: Channel | str | int, seconds: float) -> None:
        """So long between two messages of the bot; 0 ends it."""
        self.places.slow_down(self.channel(channel), seconds)
        self._changed()

    def close_thread(self, channel: Channel | str | int, *, lock: bool) -> None:
        """Archive a thread, or lock it too, so that only moderators open it. Raises `MemberError` for a channel."""
        thread = self.channel(channel)
        if not thread.is_thread:
            raise MemberError("That is no thread.", field="channel")
        self.places.change_thread(thread, {"archived": True, "locked": lock})
        self._changed()

    def reopen(self) -> None:
        """End every `slow_mode` and `close_thread`."""
        self.places.reopen()
        self._changed()

    def delete_message(self, message: Message) -> None:
        """As a moderator would."""
        if not message.deleted:
            self._posting.delete(message)

    def boost(self, tier: int) -> None:
        """Set the boost level and with it the guild's upload limit."""
        self.places.boost(tier)
        self._changed()

    def closed_directs(self) -> list[str]:
        """Who takes no direct messages, by the name that is shown."""
        return [one.user.display_name for one in self._world.guild.members.values() if not one.takes_direct]

    def close_direct(self, person: User | str) -> None:
        """What the bot sends a member directly is refused."""
        self._member(person).takes_direct = False
        self._changed()

    def open_directs(self) -> None:
        """End every `close_direct`."""
        self._open_directs()
        self._changed()

    def remove_bot(self) -> None:
        self.places.remove_bot()
        self._changed()

    def invite_bot(self) -> None:
        self.places.invite_bot()
        self._changed()

    # ---- time

    @property
    def nonce_seconds(self) -> float:
        return self._world.nonce_seconds

    def move_clock(self, seconds: float) -> None:
        self._world.clock.advance(seconds)
        self._changed()

    def nonce_window(self, seconds: float = NONCE_SECONDS) -> None:
        """For how long a repeated nonce gives the first message back."""
        self._world.nonce_seconds = seconds
        self._changed()

    # ---- the bot's process

    @property
    def has_process(self) -> bool:
        return self._bot is not None and self._bot.pid is not None

    @property
    def engine_held(self) -> bool:
        return self._hold.active

    async def slow_engine(self, seconds: float) -> None:
        """Stop the bot's workers for so long; 0 lets them go on."""
        if self._bot is None or self._bot.pid is None or not workers.POSSIBLE:
            raise MemberError("The bot's workers cannot be reached from here.")
        if seconds:
            await self._hold.start(self._bot.pid, seconds)
        else:
            await self._hold.end()
        self._changed()

    async def restart_bot(self) -> None:
        """Kill the bot; it starts again."""
        if self._bot is None:
            raise MemberError("This bot is not a process of its own.")
        await self._bot.restart()

    # ---- everything

    async def calm(self) -> None:
        """End whatever can be ended. Deleted things stay deleted, and the clock where it is."""
        self.faults.waiting.clear()
        self.faults.closed_channels.clear()
        self.faults.slow_seconds = 0.0
        self.faults.late = self.faults.voided = self.faults.claim = 0
        self.limits.mode = self.limits.normal
        self._world.nonce_seconds = NONCE_SECONDS
        await self._hold.end()
        self.places.restore()
        self.places.reopen()
        self._open_directs()
        self.places.invite_bot()
        if self._world.guild.premium_tier or self._world.guild.upload_limit != UPLOAD_LIMITS[0]:
            self.places.boost(0)
        self._changed()

    def _member(self, person: User | str) -> Member:
        wanted = self._world.person(person) if isinstance(person, str) else person
        return self._world.guild.members[wanted.id]

    def _open_directs(self) -> None:
        for member in self._world.guild.members.values():
            member.takes_direct = True

    def _ask(self, fault: Fault) -> None:
        self.faults.ask(fault)
        self._changed()

    def _changed(self) -> None:
        self._world.tell("knobs")
