"""Who asks, where, and with which rights right now, as the services know it."""

from __future__ import annotations

from typing import Any

import discord

from bot.client import PERMISSIONS, TwodeckBot
from bot.errors import Code, Refused
from bot.failpoints import around
from bot.guilds.moderation import Actor, moderates
from bot.jobs.service import Place, Reader
from bot.texts import say


def actor_of(interaction: discord.Interaction[Any]) -> Actor:
    """Who acts, with the rights they have right now. Raises `Refused` outside a server."""
    if interaction.guild_id is None:
        raise Refused(Code.NEEDS_SERVER)
    return Actor(
        guild=str(interaction.guild_id),
        member=str(interaction.user.id),
        roles=roles_of(interaction.user),
        manages=interaction.permissions.manage_guild,
    )


async def reader_of(bot: TwodeckBot, interaction: discord.Interaction[Any]) -> Reader:
    """The same for jobs: whether they moderate, by what the guild chose. In direct messages there are their own."""
    if interaction.guild_id is None:
        return Reader(guild=None, member=str(interaction.user.id), moderator=False)
    actor = actor_of(interaction)
    settings = await bot.services.guilds.settings(actor.guild)
    return Reader(guild=actor.guild, member=actor.member, moderator=moderates(settings, actor))


def bot_of(interaction: discord.Interaction[Any]) -> TwodeckBot:
    """The client that a button belongs to."""
    bot = interaction.client
    if not isinstance(bot, TwodeckBot):
        raise TypeError("this button belongs to another client")
    return bot


def roles_of(user: discord.User | discord.Member) -> frozenset[str]:
    """The ids of the roles that somebody has right now, the one that everybody has among them."""
    return frozenset(str(role.id) for role in user.roles) if isinstance(user, discord.Member) else frozenset()


async def place_of(interaction: discord.Interaction[Any], *, private: bool | None, posting: bool = True) -> Place:
    """Where and by whom, in which language, and what the guild chose for what was left open.

    If something is to be posted, refuses a place where that is not possible, naming what is missing.
    """
    if interaction.guild is None or interaction.channel_id is None:
        raise Refused(Code.NEEDS_SERVER)
    if posting and isinstance(interaction.channel, discord.Thread) and interaction.channel.locked:
        raise Refused(Code.THREAD_LOCKED)
    missing = _missing_permissions(interaction) if posting else []
    if missing:
        raise Refused(Code.MISSING_PERMISSIONS, permissions=", ".join(missing))
    chosen = await bot_of(interaction).services.guilds.settings(str(interaction.guild.id))
    hidden = chosen.private if private is None else private
    public = chosen.locale or str(interaction.guild_locale or interaction.locale)
    return Place(
        interaction=str(interaction.id),
        guild=str(interaction.guild.id),
        channel=str(interaction.channel_id),
        member=str(interaction.user.id),
        locale=str(interaction.locale) if hidden else public,
        max_bytes=interaction.guild.filesize_limit,
        private=hidden,
        token=interaction.token,
        roles=roles_of(interaction.user),
        parent=parent_of(interaction),
    )


async def place_of_job(interaction: discord.Interaction[Any], job: str, *, posting: bool = True) -> Place:
    """Where a button of a job's own message acts. Raises `Refused`.

    In direct messages: where its member asked for it, with the rights that they have there right now, and for their
    eyes only.
    """
    if interaction.guild_id is not None:
        return await place_of(interaction, private=False, posting=posting)
    bot, member = bot_of(interaction), interaction.user.id
    guild_id, channel_id = await bot.services.results.home(str(member), job)
    guild = bot.get_guild(int(guild_id))
    if guild is None:
        raise Refused(Code.SERVER_LEFT)
    try:
        with around("discord member"):
            found = await guild.fetch_member(member)
    except discord.NotFound:
        raise Refused(Code.SERVER_LEFT) from None
    channel = guild.get_channel_or_thread(int(channel_id))
    if channel is None or not channel.permissions_for(found).view_channel:
        raise Refused(Code.CHANNEL_GONE)
    return Place(
        interaction=str(interaction.id),
        guild=guild_id,
        channel=channel_id,
        member=str(member),
        locale=str(interaction.locale),
        max_bytes=guild.filesize_limit,
        private=True,
        token=interaction.token,
        roles=roles_of(found),
        parent=str(channel.parent_id) if isinstance(channel, discord.Thread) else "",
    )


def slowed_down(interaction: discord.Interaction[Any], locale: str) -> str:
    """That slow mode may hold up what the bot writes here, and who can change that; empty where it cannot."""
    seconds = getattr(interaction.channel, "slowmode_delay", 0)
    mine = interaction.app_permissions
    exempt = mine.bypass_slowmode or mine.manage_messages or mine.manage_channels
    return say(locale, "slow-mode", seconds=seconds) if seconds and not exempt else ""


def parent_of(interaction: discord.Interaction) -> str:
    """The channel of the thread in which something happens; empty outside of threads."""
    channel = interaction.channel
    return str(channel.parent_id) if isinstance(channel, discord.Thread) else ""


def must_post_in(channel: discord.TextChannel | discord.Thread, locale: str) -> None:
    """Raises `Refused` for a channel that the bot may not write in, naming what is missing."""
    have = channel.permissions_for(channel.guild.me)
    missing = _missing(have, locale, in_thread=isinstance(channel, discord.Thread))
    if missing:
        raise Refused(Code.CHANNEL_CLOSED, channel=channel.mention, permissions=", ".join(missing))


def _missing_permissions(interaction: discord.Interaction) -> list[str]:
    in_thread = isinstance(interaction.channel, discord.Thread)
    return _missing(interaction.app_permissions, str(interaction.locale), in_thread=in_thread)


def _missing(have: discord.Permissions, locale: str, *, in_thread: bool) -> list[str]:
    unneeded = "send_messages" if in_thread else "send_messages_in_threads"
    return [
        say(locale, f"permission-{name}")
        for name, wanted in PERMISSIONS
        if wanted and name != unneeded and not getattr(have, name)
    ]
