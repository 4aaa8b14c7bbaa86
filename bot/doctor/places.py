"""What the bot may do in the channels of its servers, as Discord tells it by REST."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import discord

from bot.client import PERMISSIONS
from bot.doctor.account import TROUBLE, kind
from bot.doctor.finding import Finding, error, ok, warning

CHECK = "permissions"
Say = Callable[[str, str, str], Finding]
_SECONDS = 60.0
_SERVERS, _LINES = 20, 10
"""How many servers are looked at when none is named, and how many lines each may take."""
_NEEDED = frozenset(name for name, value in PERMISSIONS if value)
_IN_THREADS = frozenset({"send_messages_in_threads"})
_WRITING = frozenset({"view_channel", "send_messages", "attach_files", "embed_links"})
_AFTER_SENDING = frozenset({"attach_files", "embed_links"})
"""Discord's rules take these from whoever may not send messages."""
_INVITE = "Add the bot with the link of the line `invite`, or correct the id."


async def examine(client: discord.Client, guild: int | None, channel: int | None) -> list[Finding]:
    """One channel, one server, or every server the bot is on."""
    try:
        async with asyncio.timeout(_SECONDS):
            if channel is not None:
                return [await _one(client, guild, channel, CHECK)]
            if guild is not None:
                return await _server(client, guild)
            return await _everywhere(client)
    except TROUBLE as trouble:
        return [_silent(CHECK, trouble)]


async def alert_channel(client: discord.Client, channel: int) -> Finding:
    """Whether alerts can be written, and found again."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await _one(client, None, channel, "alerts")
    except TROUBLE as trouble:
        return _silent("alerts", trouble)


async def _everywhere(client: discord.Client) -> list[Finding]:
    servers = [server.id async for server in client.fetch_guilds(limit=200)]
    if not servers:
        fix = "Open the link of the line `invite` and choose a server."
        return [warning(CHECK, "The bot is on no server yet.", fix)]
    findings = [finding for server in servers[:_SERVERS] for finding in await _server(client, server)]
    if len(servers) > _SERVERS:
        seen = f"Only {_SERVERS} of {len(servers)} servers were looked at."
        findings.append(ok(CHECK, f"{seen} --guild looks at any of them."))
    return findings


async def _server(client: discord.Client, guild: int) -> list[Finding]:
    """A line for each channel where something is missing, or one for all that is well."""
    try:
        server, me, channels = await _known(client, guild)
    except (discord.NotFound, discord.Forbidden):
        return [error(CHECK, f"The bot is not on the server {guild}.", _INVITE)]
    allowed = {one: one.permissions_for(me) for one in channels if isinstance(one, discord.TextChannel)}
    visible = {one: rights for one, rights in allowed.items() if rights.view_channel}
    lacking = {one: missing for one, rights in visible.items() if (missing := _missing(rights, _NEEDED))}
    if not any(_WRITING.isdisjoint(lacking.get(one, ())) for one in visible):
        seen = f"{server.name} ({guild}): the bot can post a mashup in none of {len(allowed)} text channels."
        return [error(CHECK, seen, f"Give its role there {_words(_NEEDED)}.")]
    lines = [_channel(server, one, missing, warning, CHECK) for one, missing in list(lacking.items())[:_LINES]]
    if len(lacking) > _LINES:
        seen = f"{server.name} ({guild}): {len(lacking) - _LINES} more channels where something is missing."
        lines.append(warning(CHECK, seen, "Mend those named first, then ask again."))
    well = f"{server.name} ({guild}): the bot has what it needs in {len(visible) - len(lacking)} of {len(allowed)}"
    return [*lines, ok(CHECK, f"{well} text channels; it sees {len(visible)}.")]


async def _one(client: discord.Client, guild: int | None, channel: int, check: str) -> Finding:
    """A channel or thread that was named: everything missing is an error."""
    try:
        told = await client.http.get_channel(channel)
    except discord.NotFound:
        return error(
            check, f"There is no channel {channel}.", "Correct the id: copy it in Discord's developer mode."
        )
    except discord.Forbidden:
        seen = f"The bot does not see the channel {channel}."
        return error(check, seen, f"Give it {_words(_NEEDED)} in that channel.")
    home = int(told.get("guild_id") or 0)
    if not home or (guild is not None and guild != home):
        return error(check, f"The channel {channel} is not on that server.", "Correct one of the two ids.")
    server, me, channels = await _known(client, home)
    parent = int(told.get("parent_id") or 0) if told["type"] in (10, 11, 12) else None
    place = next((one for one in channels if one.id == (channel if parent is None else parent)), None)
    if place is None:
        return error(check, f"The bot does not see the channel {channel}.", f"Give it {_words(_NEEDED)} there.")
    rights = place.permissions_for(me)
    missing = _missing(rights, _NEEDED if parent is None else _in_thread(rights))
    if missing:
        return _channel(server, place, missing, error, check)
    return ok(check, f"#{told.get('name')} of {server.name}: the bot has what it needs.")


async def _known(
    client: discord.Client, guild: int
) -> tuple[discord.Guild, discord.Member, Sequence[discord.abc.GuildChannel]]:
    server = await client.fetch_guild(guild)
    me = await server.fetch_member(client.user.id if client.user else 0)
    return server, me, await server.fetch_channels()


def _in_thread(parent: discord.Permissions) -> frozenset[str]:
    """What is needed in a thread, as far as the parent's permissions tell it."""
    needed = _NEEDED - {"send_messages"}
    return needed if parent.send_messages else needed - _AFTER_SENDING


def _missing(rights: discord.Permissions, needed: frozenset[str]) -> frozenset[str]:
    """Where nothing can be written, only that is said."""
    missing = frozenset(name for name in needed if not getattr(rights, name))
    if "view_channel" in missing:
        return frozenset({"view_channel"})
    return missing - _AFTER_SENDING if "send_messages" in missing else missing


def _channel(
    server: discord.Guild, channel: discord.abc.GuildChannel, missing: frozenset[str], level: Say, check: str
) -> Finding:
    seen = f"#{channel.name} of {server.name} ({channel.id}): the bot lacks {_words(missing)}."
    if missing == _IN_THREADS and level is error:
        level = warning
    return level(check, seen, "Give it in the permissions of that channel to the bot's role.")


def _silent(check: str, trouble: BaseException) -> Finding:
    return error(check, f"Discord did not say what the bot may do ({kind(trouble)}).", "Try again later.")


def _words(names: frozenset[str]) -> str:
    return ", ".join(sorted(name.replace("_", " ").title() for name in names))
