"""Where the tracks of a command come from: an attached file, or something that its member may hear already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot.client import TwodeckBot
from bot.errors import Code, Refused
from bot.jobs.reach import Known, Listener
from bot.jobs.service import Offer
from bot.texts import duration, say

_LONGEST = 100
_KINDS = {"deck": "source-deck", "track": "source-track", "result": "source-result"}


@dataclass(frozen=True)
class Given:
    """What was given for one side: the option for a file and the one for a choice, of which one has a value."""

    option: str
    other: str
    file: Offer | None
    chosen: str | None

    @property
    def typed(self) -> str:
        return (self.chosen or "").strip()


def given(option: str, file: discord.Attachment | None, other: str, chosen: str | None) -> Given:
    """One side, as a command has it."""
    return Given(option, other, offer_of(file) if file is not None else None, chosen)


def offer_of(file: discord.Attachment) -> Offer:
    return Offer(url=file.url, name=file.filename, size=file.size)


async def offers_of(
    bot: TwodeckBot, interaction: discord.Interaction[Any], sides: Sequence[Given]
) -> tuple[Offer, ...]:
    """One source for each side. Raises `Refused` for a side with none or two, or one that cannot be had."""
    for side in sides:
        if side.file is None and not side.typed:
            raise Refused(Code.SOURCE_MISSING, option=side.option, other=side.other)
        if side.file is not None and side.typed:
            raise Refused(Code.SOURCE_TWICE, option=side.option, other=side.other)
    listener, reach = listener_of(interaction), bot.services.reach
    return tuple([side.file or await reach.offer(listener, side.typed) for side in sides])


async def source_choices(
    bot: TwodeckBot, interaction: discord.Interaction[Any], typed: str
) -> list[app_commands.Choice[str]]:
    """What the member may hear, newest first."""
    if interaction.guild is None:
        return []
    found = await bot.services.reach.known(listener_of(interaction), typed)
    locale = str(interaction.locale)
    return [app_commands.Choice(name=_label(one, locale), value=one.word) for one in found]


def listener_of(interaction: discord.Interaction[Any]) -> Listener:
    """Who asks, and what they see. Raises `Refused` outside a server."""
    if interaction.guild is None:
        raise Refused(Code.NEEDS_SERVER)
    return Listener(str(interaction.guild.id), str(interaction.user.id), _hears(interaction, interaction.guild))


def _hears(interaction: discord.Interaction[Any], guild: discord.Guild) -> Callable[[str], bool]:
    """Whether whoever asks reads a channel and its history; of private threads only the one they stand in."""

    def hears(name: str) -> bool:
        channel, user = guild.get_channel_or_thread(int(name)), interaction.user
        if channel is None or not isinstance(user, discord.Member):
            return False
        if isinstance(channel, discord.Thread):
            if channel.is_private() and channel.id != interaction.channel_id:
                return False
            if channel.parent is None:
                return False
        may = channel.permissions_for(user)
        return may.view_channel and may.read_message_history

    return hears


def _label(one: Known, locale: str) -> str:
    """The name, how long it plays, and what it is; a long name gives way."""
    rest = f" · {duration(one.offer.seconds or 0)} · {say(locale, _KINDS[one.kind])}"
    return f"{one.offer.name[: _LONGEST - len(rest)]}{rest}"
