"""`/cover`, `/instrumental`, `/vocals`: what hosted engines make of one track."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.request import Operation
from cogs.asking import Weight, ask, choices, described, engine_choices, model_choices, persona_choices, text
from cogs.sources import Given, given, source_choices

_GENDERS = choices("vocal_gender", "m", "f")
_WEIGHTS = ("vocal_gender", "style_weight", "weirdness", "audio_weight", "private")


class Operations(commands.Cog):
    """Three commands and their autocompletes."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="cover", description=text("command-cover"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.rename(chosen="from")
    @described("track", "engine", "mode", "prompt", "lyrics_file", "style", "title", "negative_tags")
    @described("instrumental", "model", *_WEIGHTS, "persona", chosen="from")
    @app_commands.choices(mode=choices("mode", "auto", "simple", "custom"), vocal_gender=_GENDERS)
    async def cover(
        self,
        interaction: discord.Interaction,
        track: discord.Attachment | None = None,
        chosen: str | None = None,
        engine: str | None = None,
        mode: str | None = None,
        prompt: str | None = None,
        lyrics_file: discord.Attachment | None = None,
        style: str | None = None,
        title: str | None = None,
        negative_tags: str | None = None,
        instrumental: bool = False,
        model: str | None = None,
        vocal_gender: str | None = None,
        style_weight: Weight | None = None,
        weirdness: Weight | None = None,
        audio_weight: Weight | None = None,
        persona: str | None = None,
        private: bool | None = None,
    ) -> None:
        options = {
            "engine": engine,
            "mode": mode,
            "prompt": prompt,
            "style": style,
            "title": title,
            "negative_tags": negative_tags,
            "instrumental": instrumental,
            "model": model,
            "vocal_gender": vocal_gender,
            "style_weight": style_weight,
            "weirdness": weirdness,
            "audio_weight": audio_weight,
            "persona": persona,
        }
        await ask(
            self._bot,
            interaction,
            Operation.COVER,
            _source(track, chosen),
            options,
            private=private,
            lyrics_file=lyrics_file,
        )

    @app_commands.command(name="instrumental", description=text("command-instrumental"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.rename(chosen="from")
    @described("title", "tags", "negative_tags", "track", "engine", "model", *_WEIGHTS, chosen="from")
    @app_commands.choices(vocal_gender=_GENDERS)
    async def instrumental(
        self,
        interaction: discord.Interaction,
        title: str,
        tags: str,
        negative_tags: str,
        track: discord.Attachment | None = None,
        chosen: str | None = None,
        engine: str | None = None,
        model: str | None = None,
        vocal_gender: str | None = None,
        style_weight: Weight | None = None,
        weirdness: Weight | None = None,
        audio_weight: Weight | None = None,
        private: bool | None = None,
    ) -> None:
        options = {
            "engine": engine,
            "title": title,
            "tags": tags,
            "negative_tags": negative_tags,
            "model": model,
            "vocal_gender": vocal_gender,
            "style_weight": style_weight,
            "weirdness": weirdness,
            "audio_weight": audio_weight,
        }
        await ask(self._bot, interaction, Operation.INSTRUMENTAL, _source(track, chosen), options, private=private)

    @app_commands.command(name="vocals", description=text("command-vocals"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.rename(chosen="from")
    @described("title", "style", "negative_tags", "track", "prompt", "lyrics_file", "engine", "model", *_WEIGHTS)
    @described(chosen="from")
    @app_commands.choices(vocal_gender=_GENDERS)
    async def vocals(
        self,
        interaction: discord.Interaction,
        title: str,
        style: str,
        negative_tags: str,
        track: discord.Attachment | None = None,
        chosen: str | None = None,
        prompt: str | None = None,
        lyrics_file: discord.Attachment | None = None,
        engine: str | None = None,
        model: str | None = None,
        vocal_gender: str | None = None,
        style_weight: Weight | None = None,
        weirdness: Weight | None = None,
        audio_weight: Weight | None = None,
        private: bool | None = None,
    ) -> None:
        options = {
            "engine": engine,
            "title": title,
            "style": style,
            "negative_tags": negative_tags,
            "prompt": prompt,
            "model": model,
            "vocal_gender": vocal_gender,
            "style_weight": style_weight,
            "weirdness": weirdness,
            "audio_weight": audio_weight,
        }
        await ask(
            self._bot,
            interaction,
            Operation.VOCALS,
            _source(track, chosen),
            options,
            private=private,
            lyrics_file=lyrics_file,
        )

    @cover.autocomplete("chosen")
    @instrumental.autocomplete("chosen")
    @vocals.autocomplete("chosen")
    async def sources(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await source_choices(self._bot, interaction, typed)

    @cover.autocomplete("engine")
    @instrumental.autocomplete("engine")
    @vocals.autocomplete("engine")
    async def engines(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await engine_choices(self._bot, interaction, _operation(interaction), typed)

    @cover.autocomplete("model")
    @instrumental.autocomplete("model")
    @vocals.autocomplete("model")
    async def models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await model_choices(self._bot, interaction, _operation(interaction), typed)

    @cover.autocomplete("persona")
    async def personas(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await persona_choices(self._bot, interaction, typed)


def _source(track: discord.Attachment | None, chosen: str | None) -> tuple[Given, ...]:
    return (given("track", track, "from", chosen),)


def _operation(interaction: discord.Interaction) -> Operation:
    """The command's name is the operation's."""
    return Operation(interaction.command.name if interaction.command else "")


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Operations(bot))
