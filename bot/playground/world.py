"""The state of the stand-in: one guild, its people, channels, messages and interactions, all in memory."""

from __future__ import annotations

import asyncio
import base64
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.playground import permissions
from bot.playground.clock import Clock
from bot.playground.permissions import NOTHING, Permission

MEBIBYTE = 1024 * 1024
DISCORD_EPOCH = 1_420_070_400
FIRST_ANSWER_SECONDS = 3.0
TOKEN_SECONDS = 15 * 60.0

EPHEMERAL = 1 << 6
LOADING = 1 << 7
COMPONENTS_V2 = 1 << 15

TEXT_CHANNEL, DIRECT_MESSAGES, PUBLIC_THREAD = 0, 1, 11

Json = dict[str, Any]


@dataclass
class User:
    id: int
    name: str
    display_name: str
    bot: bool = False
    locale: str = "en-US"
    upload_limit: int = 10 * MEBIBYTE


@dataclass
class Role:
    id: int
    name: str
    permissions: Permission
    position: int
    color: int = 0
    managed: bool = False
    mentionable: bool = False


@dataclass
class Member:
    user: User
    role_ids: list[int]
    joined_at: float
    takes_direct: bool = True  # direct messages from this server, the bot's too


@dataclass
class Overwrite:
    target_id: int
    is_member: bool = False
    allow: Permission = NOTHING
    deny: Permission = NOTHING


@dataclass
class Channel:
    """A text channel, a public thread inside one (with its parent's overwrites), or a person's direct messages."""

    id: int
    name: str
    topic: str
    position: int
    overwrites: list[Overwrite] = field(default_factory=list[Overwrite])
    parent_id: int | None = None
    owner_id: int = 0
    created: float = 0.0
    archive_minutes: int = 1440
    archived: bool = False
    locked: bool = False
    slow_seconds: float = 0.0  # between two messages of one author
    recipient_id: int | None = None

    @property
    def is_thread(self) -> bool:
        return self.parent_id is not None

    @property
    def is_direct(self) -> bool:
        return self.recipient_id is not None


@dataclass
class Guild:
    id: int
    name: str
    owner_id: int
    roles: dict[int, Role]
    members: dict[int, Member]
    channels: dict[int, Channel]  # threads too
    premium_tier: int = 0
    upload_limit: int = 10 * MEBIBYTE
    has_bot: bool = True


@dataclass(frozen=True)
class Attachment:
    id: int
    home: str  # the folder of its address: attachments/CHANNEL or ephemeral-attachments/APPLICATION
    filename: str
    size: int
    content_type: str
    description: str | None = None
    extra: Json = field(default_factory=dict[str, Any])


@dataclass
class Interaction:
    """Everything that belongs to one press or command, from the event that was sent to the last followup."""

    id: int
    token: str
    kind: int
    user_id: int
    channel_id: int
    data: Json
    name: str
    created: float
    sent_at: float
    source: Message | None = None  # the message whose component was used
    answer_type: int | None = None
    acknowledged_at: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list["Message"])
    modal: Json | None = None
    choices: list[Json] | None = None
    failed: bool = False
    void: bool = False  # its token was taken away before its time
    settled: asyncio.Event = field(default_factory=asyncio.Event)  # answered, or out of time

    @property
    def acknowledged_after(self) -> float | None:
        """Seconds between the event and the first answer."""
        return None if self.acknowledged_at is None else self.acknowledged_at - self.sent_at


@dataclass
class Message:
    id: int
    channel_id: int
    author_id: int
    created: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    embedded: list[Attachment] = field(default_factory=list[Attachment])  # shown by an embed or a component
    mention_ids: list[int] = field(default_factory=list[int])
    mention_role_ids: list[int] = field(default_factory=list[int])
    flags: int = 0
    kind: int = 0
    nonce: str | int | None = None
    edited: float | None = None
    reference_id: int | None = None
    interaction: Interaction | None = None
    visible_to: int | None = None
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)


Listener = Callable[[str, Any], None]


class World:
    """One guild called Remix Club. Listeners hear (kind, subject) of every change, in order."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._serial = itertools.count()
        self.application_id = _fixed_id(1)
        self.token = _new_token(self.application_id)
        self.application: Json = {}
        """How its settings in the developer portal differ from those of a new one."""
        self.bot = User(self.application_id, "twodeck", "Twodeck", bot=True)
        self.mika = User(_fixed_id(2), "mika", "Mika")
        self.noor = User(_fixed_id(3), "noor", "Noor", upload_limit=50 * MEBIBYTE)
        self.sam = User(_fixed_id(4), "sam", "Sam")
        self.owner = User(_fixed_id(5), "robin", "Robin")
        self.guild = self._remix_club()
        self.directs: dict[int, Channel] = {}  # by channel id, since the bot opened them
        self.messages: dict[int, Message] = {}
        self.newest: dict[int, int] = {}  # message id by channel
        self.nonces: dict[tuple[int, str], Message] = {}  # by channel and nonce, deleted messages too
        self.interactions: dict[str, Interaction] = {}
        self.commands: list[Json] = []
        self.nonce_seconds = 120.0
        self._listeners: list[Listener] = []

    def _remix_club(self) -> Guild:
        guild_id = _fixed_id(10)
        roles = [
            Role(guild_id, "@everyone", permissions.EVERYONE, 0),
            Role(_fixed_id(11), "Twodeck", permissions.INVITED_BOT, 1, managed=True),
            Role(_fixed_id(12), "Moderators", permissions.MODERATOR, 2, color=0xB4632E),
        ]
        bot_role, moderators = roles[1].id, roles[2].id
        silenced = Overwrite(bot_role, deny=Permission.SEND_MESSAGES)
        forgetful = Overwrite(bot_role, deny=Permission.READ_MESSAGE_HISTORY)
        channels = [
            Channel(_fixed_id(20), "mashups", "Two tracks in, one out", 0),
            Channel(_fixed_id(21), "lounge", "Everything else", 1),
            Channel(_fixed_id(22), "read-only", "The bot may not post here", 2, [silenced]),
            Channel(_fixed_id(23), "no-history", "The bot may not read what was posted here", 3, [forgetful]),
        ]
        joined = self.clock.now() - 86_400
        people: list[tuple[User, list[int]]] = [
            (self.bot, [bot_role]),
            (self.mika, []),
            (self.noor, []),
            (self.sam, [moderators]),
            (self.owner, []),
        ]
        return Guild(
            id=guild_id,
            name="Remix Club",
            owner_id=self.owner.id,
            roles={role.id: role for role in roles},
            members={user.id: Member(user, list(held), joined) for user, held in people},
            channels={channel.id: channel for channel in channels},
        )

    def new_id(self) -> int:
        """A snowflake: milliseconds since 2015, then a serial number that keeps the order within one of them."""
        return (int((self.clock.now() - DISCORD_EPOCH) * 1000) << 22) | (next(self._serial) & 0x3FFFFF)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` on every change; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, kind: str, subject: Any = None) -> None:
        for listener in list(self._listeners):
            listener(kind, subject)

    def person(self, name: str) -> User:
        """A human member by name, in any case."""
        for member in self.guild.members.values():
            if member.user.name == name.lower() and not member.user.bot:
                return member.user
        raise KeyError(name)

    def channel(self, name: str) -> Channel:
        """A channel by name, with or without its #, or the direct messages of "@person"."""
        if name.startswith("@"):
            return self.directs[direct_id(self.person(name[1:]))]
        for channel in self.guild.channels.values():
            if channel.name == name.removeprefix("#"):
                return channel
        raise KeyError(name)

    def place(self, channel_id: int) -> Channel | None:
        """A channel, a thread or direct messages; None when it is gone or was never there."""
        return self.guild.channels.get(channel_id) or self.directs.get(channel_id)

    def open_direct(self, person: User) -> Channel:
        """The direct messages of the bot and one person; the same ones every time."""
        known = self.directs.get(direct_id(person))
        if known is not None:
            return known
        made = Channel(
            direct_id(person),
            "Direct messages",
            "Only you and the bot see them",
            0,
            recipient_id=person.id,
            created=self.clock.now(),
        )
        self.directs[made.id] = made
        self.tell("scene")
        return made

    @property
    def parts(self) -> dict[str, str]:
        """Who can be played, and as what; the operator owns the application."""
        return {
            self.mika.name: "member",
            self.noor.name: "member",
            self.sam.name: "moderator",
            self.owner.name: "operator",
        }

    def allowed(self, user_id: int, channel_id: int) -> Permission:
        guild, direct = self.guild, self.directs.get(channel_id)
        if direct is not None:
            return permissions.DIRECT if user_id in (self.bot.id, direct.recipient_id) else NOTHING
        if user_id == self.bot.id and not guild.has_bot:
            return NOTHING
        return permissions.in_channel(guild, guild.channels[channel_id], guild.members[user_id])

    def upload_limit(self, channel_id: int) -> int:
        """Bytes of one file from the bot; a boost of the server does nothing for direct messages."""
        return 10 * MEBIBYTE if channel_id in self.directs else self.guild.upload_limit

    def reaches(self, message: Message, person_id: int) -> bool:
        """Whether a message is for somebody's eyes: no ephemeral one of another, no direct one between others."""
        place = self.directs.get(message.channel_id)
        inside = place is None or person_id in (place.recipient_id, self.bot.id)
        return inside and message.visible_to in (None, person_id)

    def history(self, channel_id: int, viewer_id: int) -> list[Message]:
        """What one person sees in a channel, oldest first."""
        return [
            message
            for message in self.messages.values()
            if message.channel_id == channel_id and self.reaches(message, viewer_id)
        ]


def direct_id(person: User) -> int:
    """The id that the bot's direct messages with a person have, or will have."""
    return person.id + 1


def _fixed_id(number: int) -> int:
    """Ids that are the same in every run, so that a bot's own database keeps its meaning."""
    return (1_600_000_000_000 + number * 1000) - DISCORD_EPOCH * 1000 << 22


def _new_token(application_id: int) -> str:
    owner = base64.b64encode(str(application_id).encode()).decode().rstrip("=")
    return f"{owner}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}"
