"""`/engines`: who makes the music here, and how they are; the operator switches them."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.errors import Code, Refused
from bot.texts import say
from cogs.asking import described, text
from cogs.views.answers import defer, reply
from cogs.views.engines import status_lines, story
from cogs.views.refusals import sentence
from cogs.views.style import Look, card


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Engines(commands.GroupCog, name="engines", description=text("command-engines")):
    """The command group; every answer is for the asker's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="list", description=text("command-engines-list"))
    async def list_engines(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        words = status_lines(self._bot.services.engines.states(), locale)
        embed = card(Look.PLAIN, say(locale, "engines-title"), words, footer=say(locale, "engines-note"))
        operator = self._is_operator(interaction)
        for state in self._bot.services.engines.states():
            told = story(state, locale, operator=operator)
            embed.add_field(name=say(locale, f"engine-{state.name}"), value=told, inline=False)
        await reply(interaction, embed=embed)

    @app_commands.command(name="off", description=text("command-engines-off"))
    @described("engine", "why")
    async def off(
        self, interaction: discord.Interaction, engine: str, why: app_commands.Range[str, 3, 200]
    ) -> None:
        await self._turn(interaction, engine, why)

    @app_commands.command(name="on", description=text("command-engines-on"))
    @described("engine")
    async def on(self, interaction: discord.Interaction, engine: str) -> None:
        await self._turn(interaction, engine, None)

    @off.autocomplete("engine")
    @on.autocomplete("engine")
    async def known(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        names = (state.name for state in self._bot.services.engines.states() if not state.needs)
        locale = str(interaction.locale)
        return [app_commands.Choice(name=say(locale, f"engine-{n}"), value=n) for n in names if typed.lower() in n]

    async def _turn(self, interaction: discord.Interaction, engine: str, why: str | None) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            if not self._is_operator(interaction):
                raise Refused(Code.OPERATORS_ONLY)
            state = await self._bot.services.engines.turn(engine, why)
            words = f"**{say(locale, f'engine-{state.name}')}**\n{story(state, locale, operator=True)}"
        except Refused as refused:
            words = sentence(refused.refusal, locale)
        await reply(interaction, words)

    def _is_operator(self, interaction: discord.Interaction) -> bool:
        return str(interaction.user.id) in self._bot.services.alerts.operators


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Engines(bot))
