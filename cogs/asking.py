"""What the commands that make something share: their options, where they may be used, what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.client import TwodeckBot
from bot.errors import Code, Refused
from bot.failpoints import around
from bot.jobs.service import Accepted
from bot.request import Operation
from bot.texts import DEFAULT, say
from cogs.people import place_of, slowed_down
from cogs.sources import Given, offers_of
from cogs.views.answers import defer, reply
from cogs.views.engines import is_down
from cogs.views.quotas import what_is_left
from cogs.views.refusals import sentence

_CHOICES = 25
_LYRICS_BYTES = 64 << 10
Weight = app_commands.Range[float, 0.0, 1.0]
Command = TypeVar("Command")


def text(message: str) -> app_commands.locale_str:
    """A command's own words, in the default language; Discord is told of them in every other, too."""
    return app_commands.locale_str(say(DEFAULT, message), message=message)


def choices(option: str, *values: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=text(f"choice-{option}-{value}"), value=value) for value in values]


def described(*options: str, **renamed: str) -> Callable[[Command], Command]:
    """Each option with its own words; one whose parameter is called otherwise by that, `parameter="option"`."""
    words = {option: option for option in options} | renamed
    return app_commands.describe(**{name: text(f"option-{option}") for name, option in words.items()})


def promise(accepted: Accepted, locale: str) -> str:
    """What the member is told of an accepted job; what is left only if it took something."""
    message = "accepted-private" if accepted.job.ask.private else "accepted"
    words = say(locale, message, job=accepted.job.id)
    standing = accepted.standing
    return words if standing is None else f"{words} {what_is_left(standing, locale)}"


async def ask(
    bot: TwodeckBot,
    interaction: discord.Interaction[Any],
    operation: Operation,
    tracks: Sequence[Given],
    given: Mapping[str, Any],
    *,
    private: bool | None,
    lyrics_file: discord.Attachment | None = None,
) -> None:
    """Defer, ask for a job, answer with the promise or with why not."""
    await defer(interaction)
    locale = str(interaction.locale)
    try:
        place = await place_of(interaction, private=private)
        if lyrics_file is not None:
            given = {**given, "prompt": await _lyrics(lyrics_file, given.get("prompt"))}
        offers = await offers_of(bot, interaction, tracks)
        accepted = await bot.services.jobs.ask(operation, place, offers, given)
        known = (promise(accepted, locale), _silence(bot, accepted.job.ask.engine, locale))
        slowed = "" if accepted.job.ask.private else slowed_down(interaction, locale)
        answer = " ".join(words for words in (*known, slowed) if words)
    except Refused as refused:
        answer = sentence(refused.refusal, locale)
    await reply(interaction, answer)


def _silence(bot: TwodeckBot, engine: str, locale: str) -> str:
    """That the engine of an accepted job is down, if it is."""
    down = any(state.name == engine and is_down(state) for state in bot.services.engines.states())
    return say(locale, "accepted-silent", engine=say(locale, f"engine-{engine}")) if down else ""


async def engine_choices(
    bot: TwodeckBot, interaction: discord.Interaction, operation: Operation, typed: str
) -> list[app_commands.Choice[str]]:
    """Engines that do this here and are allowed."""
    allowed = await bot.services.jobs.allowed(operation, str(interaction.guild_id))
    locale = str(interaction.locale)
    return _matching(typed, {name.value: say(locale, f"engine-{name}") for name in allowed})


async def model_choices(
    bot: TwodeckBot, interaction: discord.Interaction, operation: Operation, typed: str
) -> list[app_commands.Choice[str]]:
    """Models that are allowed, of the engine that is chosen so far, or of the default."""
    engine = getattr(interaction.namespace, "engine", None)
    models = await bot.services.jobs.allowed_models(operation, str(interaction.guild_id), engine)
    return _matching(typed, {model: model for model in models})


async def persona_choices(
    bot: TwodeckBot, interaction: discord.Interaction, typed: str
) -> list[app_commands.Choice[str]]:
    """The member's own personas, of the engine that is chosen so far."""
    engine = getattr(interaction.namespace, "engine", None)
    found = await bot.services.personas.listed(str(interaction.user.id))
    locale = str(interaction.locale)
    offers = {p.id: f"{p.name} · {say(locale, f'engine-{p.engine}')}"[:100] for p in found if p.id}
    suited = {p.id for p in found if not engine or p.engine == engine}
    return _matching(typed, {key: name for key, name in offers.items() if key in suited})


def _matching(typed: str, offers: dict[str, str]) -> list[app_commands.Choice[str]]:
    wanted = typed.strip().lower()
    found = [(value, name) for value, name in offers.items() if wanted in value.lower() or wanted in name.lower()]
    return [app_commands.Choice(name=name, value=value) for value, name in found[:_CHOICES]]


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
