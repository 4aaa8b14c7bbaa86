"""`/compat`: how well two tracks go together, before anything is spent."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.errors import Refused
from bot.jobs.service import Offer
from cogs.asking import described, text
from cogs.people import place_of
from cogs.views.answers import defer, reply
from cogs.views.comparison import CompareButton, comparison_card
from cogs.views.refusals import sentence


class Compat(commands.Cog):
    """The answer is for the asker's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="compat", description=text("command-compat"))
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @described("track_a", "track_b")
    async def compat(
        self, interaction: discord.Interaction, track_a: discord.Attachment, track_b: discord.Attachment
    ) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        first, second = (Offer(url=track.url, name=track.filename, size=track.size) for track in (track_a, track_b))
        try:
            place = await place_of(interaction, private=True)
            report = await self._bot.services.comparisons.compare(place, (first, second))
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        await reply(interaction, embed=comparison_card(report, (first.name, second.name), locale))


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Compat(bot))
    bot.add_dynamic_items(CompareButton)
