"""`/contest`: remix contests from announcement to winners; what everybody may see of them, and one's ballot."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.contests.contest import PUBLISHED, Phase
from bot.guilds.moderation import Actor
from bot.texts import say
from cogs.asking import choices, text
from cogs.contest_entering import Entering
from cogs.contest_options import Named, contest_choices, seen, visible, worded
from cogs.contest_organising import Organising, SaveButton
from cogs.views.answers import answered, defer
from cogs.views.ballots import BallotControl, VoteButton, show_ballot
from cogs.views.contest_news import PICTURE, results_card, results_picture
from cogs.views.contests import contests_card, info_card
from cogs.views.controls import hear
from cogs.views.entries import REPORTED, EnterButton, EnterChoice, ReportButton, reported
from cogs.views.refusals import plain


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Contest(Organising, Entering, commands.GroupCog, name="contest", description=text("command-contest")):
    """The command group; every answer is for the asker's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="list", description=text("command-contest-list"))
    async def list_contests(self, interaction: discord.Interaction) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            return {"embed": contests_card(await visible(self._bot, actor), locale)}

        await answered(interaction, answer)

    @app_commands.command(name="info", description=text("command-contest-info"))
    @worded("contest")
    async def info(self, interaction: discord.Interaction, contest: Named) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            found = await seen(self._bot, actor, contest)
            info = await self._bot.services.contests.info(actor.guild, found.id, actor.member)
            return {"embed": info_card(info, locale)}

        await answered(interaction, answer)

    @app_commands.command(name="vote", description=text("command-contest-vote"))
    @worded("contest")
    async def vote(self, interaction: discord.Interaction, contest: Named) -> None:
        await defer(interaction)
        await show_ballot(interaction, contest)

    @app_commands.command(name="results", description=text("command-contest-results"))
    @worded("contest")
    async def results(self, interaction: discord.Interaction, contest: Named) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            services = self._bot.services
            found = await services.contests.named(actor.guild, contest)
            results = await services.contests.results(actor.guild, found.id)
            drawn = await results_picture(services.charts, results.placed)
            files = [discord.File(io.BytesIO(drawn), PICTURE)] if drawn else []
            return {"embed": results_card(results, locale, picture=bool(drawn)), "attachments": files}

        await answered(interaction, answer)

    @app_commands.command(name="export", description=text("command-contest-export"))
    @worded("contest", "kind")
    @app_commands.choices(kind=choices("kind", "csv", "json"))
    async def export(self, interaction: discord.Interaction, contest: Named, kind: str = "csv") -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            name, table = await service.export(actor, found.id, kind)
            told = say(locale, "contest-exported", title=plain(found.title))
            return {"content": told, "attachments": [discord.File(io.BytesIO(table), name)]}

        await answered(interaction, answer)

    @vote.autocomplete("contest")
    async def voting(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, frozenset({Phase.VOTING}))

    @results.autocomplete("contest")
    async def over(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, PUBLISHED)

    @info.autocomplete("contest")
    @export.autocomplete("contest")
    async def all_of_them(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, frozenset(Phase))


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Contest(bot))
    bot.add_dynamic_items(SaveButton, VoteButton, BallotControl, EnterButton, EnterChoice, ReportButton)
    hear(bot, REPORTED, reported)
