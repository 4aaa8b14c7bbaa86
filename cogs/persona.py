"""`/persona`: keeps the sound of a finished track, for later pieces of its member."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.errors import Refused
from bot.jobs.persona_rows import Persona as Kept
from bot.texts import say
from cogs.asking import described, text
from cogs.people import actor_of
from cogs.views.answers import defer, reply
from cogs.views.refusals import plain, sentence
from cogs.views.style import Look, card


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Persona(commands.GroupCog, name="persona", description=text("command-persona")):
    """The command group; every answer is for the asker's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="create", description=text("command-persona-create"))
    @described("job", "name", "description", "take")
    async def create(
        self,
        interaction: discord.Interaction,
        job: str,
        name: app_commands.Range[str, 1, 60],
        description: app_commands.Range[str, 1, 300],
        take: app_commands.Range[int, 1, 4] = 1,
    ) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            actor = actor_of(interaction)
            made = await self._bot.services.personas.create(
                actor.guild, actor.member, job.strip().lower(), take, name=name, description=description
            )
            words = say(locale, "persona-made", name=plain(made.name), engine=say(locale, f"engine-{made.engine}"))
        except Refused as refused:
            words = sentence(refused.refusal, locale)
        await reply(interaction, words)

    @app_commands.command(name="list", description=text("command-persona-list"))
    async def list_personas(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        found = await self._bot.services.personas.listed(str(interaction.user.id))
        lines = "\n".join(_line(persona, locale) for persona in found)[:4000]
        words = lines or say(locale, "personas-none")
        await reply(interaction, embed=card(Look.PLAIN, say(locale, "personas-title"), words))

    @create.autocomplete("job")
    async def jobs(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        if interaction.guild_id is None:
            return []
        actor = actor_of(interaction)
        found = await self._bot.services.personas.possible(actor.guild, actor.member)
        names = {job.id: f"{job.id} · {job.title}"[:100] for job in found}
        wanted = typed.strip().lower()
        return [app_commands.Choice(name=n, value=i) for i, n in names.items() if wanted in n.lower()][:25]


def _line(persona: Kept, locale: str) -> str:
    engine = say(locale, f"engine-{persona.engine}")
    return f"**{plain(persona.name)}** · {engine} · {plain(persona.description, 120)} · `{persona.job}`"


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Persona(bot))
