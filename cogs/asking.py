"""What the commands that make something share: their options, where they may be used, what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.client import PERMISSIONS, TwodeckBot
from bot.errors import Code, Refused
from bot.failpoints import around
from bot.jobs.service import Accepted, Offer, Place
from bot.request import Operation
from bot.texts import say
from cogs.views.answers import defer, reply
from cogs.views.buttons import roles_of
from cogs.views.quotas import what_is_left
from cogs.views.refusals import sentence

_CHOICES = 25
_LYRICS_BYTES = 64 << 10
Weight = app_commands.Range[float, 0.0, 1.0]
Command = TypeVar("Command")


def text(message: str) -> str:
    """A command's own words, in the default language."""
    return say("en", message)


def choices(option: str, *values: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=text(f"choice-{option}-{value}"), value=value) for value in values]


def described(*options: str) -> Callable[[Command], Command]:
    """Each option with its own words."""
    return app_commands.describe(**{option: text(f"option-{option}") for option in options})


def promise(accepted: Accepted, locale: str) -> str:
    """What the member is told of an accepted job; what is left only if it took something."""
    message = "accepted-private" if accepted.job.ask.private else "accepted"
    words = say(locale, message, job=accepted.job.id)
    standing = accepted.standing
    return words if standing is None else f"{words} {what_is_left(standing, locale)}"


async def ask(
    bot: TwodeckBot,
    interaction: discord.Interaction,
    operation: Operation,
    tracks: tuple[discord.Attachment, ...],
    given: Mapping[str, Any],
    *,
    private: bool | None,
    lyrics_file: discord.Attachment | None = None,
) -> None:
    """Defer, ask for a job, answer with the promise or with why not."""
    await defer(interaction)
    locale = str(interaction.locale)
    try:
        place = await _place(bot, interaction, private=private)
        if lyrics_file is not None:
            given = {**given, "prompt": await _lyrics(lyrics_file, given.get("prompt"))}
        offers = tuple(Offer(url=track.url, name=track.filename, size=track.size) for track in tracks)
        answer = promise(await bot.services.jobs.ask(operation, place, offers, given), locale)
    except Refused as refused:
        answer = sentence(refused.refusal, locale)
    await reply(interaction, answer)


def engine_choices(bot: TwodeckBot, operation: Operation, typed: str) -> list[app_commands.Choice[str]]:
    """Engines that do this here."""
    return _matching(typed, {name.value: text(f"engine-{name}") for name in bot.services.jobs.able(operation)})


def model_choices(
    bot: TwodeckBot, interaction: discord.Interaction, operation: Operation, typed: str
) -> list[app_commands.Choice[str]]:
    """Models of the engine that is chosen so far, or of the default."""
    engine = getattr(interaction.namespace, "engine", None)
    return _matching(typed, {model: model for model in bot.services.jobs.models(operation, engine)})


def _matching(typed: str, offers: dict[str, str]) -> list[app_commands.Choice[str]]:
    wanted = typed.strip().lower()
    found = [(value, name) for value, name in offers.items() if wanted in value.lower() or wanted in name.lower()]
    return [app_commands.Choice(name=name, value=value) for value, name in found[:_CHOICES]]


async def _place(bot: TwodeckBot, interaction: discord.Interaction, *, private: bool | None) -> Place:
    """Where and by whom, and what the guild chose for what was left open.

    Refuses a place where the result could not be posted, naming what is missing.
    """
    if interaction.guild is None or interaction.channel_id is None:
        raise Refused(Code.NEEDS_SERVER)
    missing = _missing_permissions(interaction)
    if missing:
        raise Refused(Code.MISSING_PERMISSIONS, permissions=", ".join(missing))
    chosen = await bot.services.guilds.settings(str(interaction.guild.id))
    return Place(
        interaction=str(interaction.id),
        guild=str(interaction.guild.id),
        channel=str(interaction.channel_id),
        member=str(interaction.user.id),
        locale=chosen.locale or str(interaction.guild_locale or interaction.locale),
        max_bytes=interaction.guild.filesize_limit,
        private=chosen.private if private is None else private,
        token=interaction.token,
        roles=roles_of(interaction.user),
        parent=parent_of(interaction),
    )


def parent_of(interaction: discord.Interaction) -> str:
    """The channel of the thread in which something happens; empty outside of threads."""
    channel = interaction.channel
    return str(channel.parent_id) if isinstance(channel, discord.Thread) else ""


def _missing_permissions(interaction: discord.Interaction) -> list[str]:
    in_thread = isinstance(interaction.channel, discord.Thread)
    unneeded = "send_messages" if in_thread else "send_messages_in_threads"
    have = interaction.app_permissions
    return [
        text(f"permission-{name}")
        for name, wanted in PERMISSIONS
        if wanted and name != unneeded and not getattr(have, name)
    ]


async def _lyrics(file: discord.Attachment, prompt: str | None) -> str:
    """The words of a text file, line breaks and all. Raises `Refused`."""
    if prompt:
        raise Refused(Code.LYRICS_TWICE)
    if not file.filename.lower().endswith(".txt") or file.size > _LYRICS_BYTES:
        raise Refused(Code.NOT_LYRICS, name=file.filename)
    try:
        with around("http lyrics"):
            words = (await file.read()).decode("utf-8-sig")
    except discord.HTTPException as error:
        raise Refused(
            Code.DOWNLOAD_FAILED,
            name=file.filename,
            status=error.status,
            reason="status",
            detail=f"HTTP {error.status}",
        ) from None
    except UnicodeDecodeError:
        raise Refused(Code.NOT_LYRICS, name=file.filename) from None
    words = words.replace("\r\n", "\n").strip()
    if not words or "\x00" in words:
        raise Refused(Code.NOT_LYRICS, name=file.filename)
    return words
