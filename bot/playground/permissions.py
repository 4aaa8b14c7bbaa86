"""What somebody may do in a channel: Discord's permission bits and the order in which they are put together."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.playground.world import Channel, Guild, Member


class Permission(IntFlag):
    """The bits that matter to a bot which posts messages and files."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    MANAGE_ROLES = 1 << 28
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40
    USE_EXTERNAL_APPS = 1 << 50


P = Permission
EVERYONE = (
    P.ADD_REACTIONS
    | P.VIEW_CHANNEL
    | P.SEND_MESSAGES
    | P.EMBED_LINKS
    | P.ATTACH_FILES
    | P.READ_MESSAGE_HISTORY
    | P.USE_APPLICATION_COMMANDS
    | P.CREATE_PUBLIC_THREADS
    | P.SEND_MESSAGES_IN_THREADS
    | P.USE_EXTERNAL_APPS
)
INVITED_BOT = P.VIEW_CHANNEL | P.SEND_MESSAGES | P.SEND_MESSAGES_IN_THREADS | P.ATTACH_FILES | P.EMBED_LINKS
DIRECT = P.VIEW_CHANNEL | P.SEND_MESSAGES | P.EMBED_LINKS | P.ATTACH_FILES | P.READ_MESSAGE_HISTORY
MODERATOR = P.MANAGE_GUILD | P.MANAGE_MESSAGES | P.MANAGE_THREADS | P.MODERATE_MEMBERS
ALL = ~P(0)
NOTHING = P(0)
_NEEDS_SENDING = P.EMBED_LINKS | P.ATTACH_FILES | P.MENTION_EVERYONE


def in_guild(guild: Guild, member: Member) -> Permission:
    """The union of a member's roles; everything for the owner and for administrators."""
    if member.user.id == guild.owner_id:
        return ALL
    total = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        total |= guild.roles[role_id].permissions
    return ALL if P.ADMINISTRATOR in total else total


def in_channel(guild: Guild, channel: Channel, member: Member) -> Permission:
    """Guild permissions changed by the overwrites of a channel, or of a thread's parent, as Discord orders them."""
    total = in_guild(guild, member)
    if total == ALL:
        return ALL
    overwrites = channel.overwrites if channel.parent_id is None else guild.channels[channel.parent_id].overwrites
    mine = set(member.role_ids)
    layers = (
        [o for o in overwrites if o.target_id == guild.id],
        [o for o in overwrites if o.target_id in mine],
        [o for o in overwrites if o.target_id == member.user.id],
    )
    for layer in layers:
        for overwrite in layer:
            total &= ~overwrite.deny
        for overwrite in layer:
            total |= overwrite.allow
    if P.VIEW_CHANNEL not in total:
        return NOTHING
    return total if to_send_in(channel) in total else total & ~_NEEDS_SENDING


def to_send_in(channel: Channel) -> Permission:
    """What it takes to write there."""
    return P.SEND_MESSAGES_IN_THREADS if channel.is_thread else P.SEND_MESSAGES
