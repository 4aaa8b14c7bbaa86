"""`/mashup`: two files and a few options become a job."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import PERMISSIONS, TwodeckBot
from bot.errors import Code, Refused
from bot.jobs.service import Accepted, Offer, Place
from bot.request import Operation
from bot.texts import say
from cogs.views.answers import defer, reply
from cogs.views.refusals import sentence

_CHOICES = 25
Weight = app_commands.Range[float, 0.0, 1.0]


def text(message: str) -> str:
    """A command's own words, in the default language."""
    return say("en", message)


def choices(option: str, *values: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=text(f"choice-{option}-{value}"), value=value) for value in values]


def promise(accepted: Accepted, locale: str) -> str:
    """What the member is told of an accepted job; what is left only if it took something."""
    message = "accepted-private" if accepted.job.ask.private else "accepted"
    words = say(locale, message, job=accepted.job.id)
    if accepted.left is None:
        return words
    return f"{words} {say(locale, 'accepted-left', left=accepted.left.units, limit=accepted.left.limit)}"


class Mashup(commands.Cog):
    """The command, its autocomplete, and what it answers."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="mashup", description=text("command-mashup"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.describe(
        track_a=text("option-track_a"),
        track_b=text("option-track_b"),
        engine=text("option-engine"),
        mode=text("option-mode"),
        prompt=text("option-prompt"),
        style=text("option-style"),
        title=text("option-title"),
        instrumental=text("option-instrumental"),
        model=text("option-model"),
        vocal_gender=text("option-vocal_gender"),
        style_weight=text("option-style_weight"),
        weirdness=text("option-weirdness"),
        audio_weight=text("option-audio_weight"),
        private=text("option-private"),
    )
    @app_commands.choices(
        mode=choices("mode", "auto", "simple", "custom"), vocal_gender=choices("vocal_gender", "m", "f")
    )
    async def mashup(
        self,
        interaction: discord.Interaction,
        track_a: discord.Attachment,
        track_b: discord.Attachment,
        engine: str | None = None,
        mode: str | None = None,
        prompt: str | None = None,
        style: str | None = None,
        title: str | None = None,
        instrumental: bool = False,
        model: str | None = None,
        vocal_gender: str | None = None,
        style_weight: Weight | None = None,
        weirdness: Weight | None = None,
        audio_weight: Weight | None = None,
        private: bool = False,
    ) -> None:
        await defer(interaction)
        given: dict[str, Any] = {
            "engine": engine,
            "mode": mode,
            "prompt": prompt,
            "style": style,
            "title": title,
            "instrumental": instrumental,
            "model": model,
            "vocal_gender": vocal_gender,
            "style_weight": style_weight,
            "weirdness": weirdness,
            "audio_weight": audio_weight,
        }
        locale = str(interaction.locale)
        try:
            place = _place(interaction, private=private)
            offers = (_offer(track_a), _offer(track_b))
            answer = promise(await self._bot.services.jobs.ask(Operation.MASHUP, place, offers, given), locale)
        except Refused as refused:
            answer = sentence(refused.refusal, locale)
        await reply(interaction, answer)

    @mashup.autocomplete("engine")
    async def engines(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        names = (name.value for name in self._bot.services.jobs.able(Operation.MASHUP))
        return _matching(typed, {name: text(f"engine-{name}") for name in names})

    @mashup.autocomplete("model")
    async def models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        engine = getattr(interaction.namespace, "engine", None)
        return _matching(
            typed, {model: model for model in self._bot.services.jobs.models(Operation.MASHUP, engine)}
        )


def _matching(typed: str, offers: dict[str, str]) -> list[app_commands.Choice[str]]:
    wanted = typed.strip().lower()
    found = [(value, name) for value, name in offers.items() if wanted in value.lower() or wanted in name.lower()]
    return [app_commands.Choice(name=name, value=value) for value, name in found[:_CHOICES]]


def _place(interaction: discord.Interaction, *, private: bool) -> Place:
    """Where and by whom; refuses a place where the result could not be posted, naming what is missing."""
    if interaction.guild is None or interaction.channel_id is None:
        raise Refused(Code.NEEDS_SERVER)
    missing = _missing_permissions(interaction)
    if missing:
        raise Refused(Code.MISSING_PERMISSIONS, permissions=", ".join(missing))
    return Place(
        interaction=str(interaction.id),
        guild=str(interaction.guild.id),
        channel=str(interaction.channel_id),
        member=str(interaction.user.id),
        locale=str(interaction.guild_locale or interaction.locale),
        max_bytes=interaction.guild.filesize_limit,
        private=private,
        token=interaction.token,
    )


def _missing_permissions(interaction: discord.Interaction) -> list[str]:
    in_thread = isinstance(interaction.channel, discord.Thread)
    unneeded = "send_messages" if in_thread else "send_messages_in_threads"
    have = interaction.app_permissions
    return [
        text(f"permission-{name}")
        for name, wanted in PERMISSIONS
        if wanted and name != unneeded and not getattr(have, name)
    ]


def _offer(attachment: discord.Attachment) -> Offer:
    return Offer(url=attachment.url, name=attachment.filename, size=attachment.size)


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Mashup(bot))
