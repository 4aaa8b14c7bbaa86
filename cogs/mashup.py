"""`/mashup`: two tracks and a few options become a job."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.request import Operation
from cogs.asking import Weight, ask, choices, described, engine_choices, model_choices, persona_choices, text
from cogs.sources import given, source_choices


class Mashup(commands.Cog):
    """The command and its autocomplete."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="mashup", description=text("command-mashup"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @described(
        "track_a", "track_b", "from_a", "from_b", "engine", "mode", "prompt", "lyrics_file", "style", "title"
    )
    @described(
        "instrumental", "model", "vocal_gender", "style_weight", "weirdness", "audio_weight", "persona", "private"
    )
    @app_commands.choices(
        mode=choices("mode", "auto", "simple", "custom"), vocal_gender=choices("vocal_gender", "m", "f")
    )
    async def mashup(
        self,
        interaction: discord.Interaction,
        track_a: discord.Attachment | None = None,
        track_b: discord.Attachment | None = None,
        from_a: str | None = None,
        from_b: str | None = None,
        engine: str | None = None,
        mode: str | None = None,
        prompt: str | None = None,
        lyrics_file: discord.Attachment | None = None,
        style: str | None = None,
        title: str | None = None,
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
            "instrumental": instrumental,
            "model": model,
            "vocal_gender": vocal_gender,
            "style_weight": style_weight,
            "weirdness": weirdness,
            "audio_weight": audio_weight,
            "persona": persona,
        }
        tracks = (given("track_a", track_a, "from_a", from_a), given("track_b", track_b, "from_b", from_b))
        await ask(
            self._bot, interaction, Operation.MASHUP, tracks, options, private=private, lyrics_file=lyrics_file
        )

    @mashup.autocomplete("from_a")
    @mashup.autocomplete("from_b")
    async def sources(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await source_choices(self._bot, interaction, typed)

    @mashup.autocomplete("engine")
    async def engines(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await engine_choices(self._bot, interaction, Operation.MASHUP, typed)

    @mashup.autocomplete("model")
    async def models(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await model_choices(self._bot, interaction, Operation.MASHUP, typed)

    @mashup.autocomplete("persona")
    async def personas(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await persona_choices(self._bot, interaction, typed)


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Mashup(bot))
