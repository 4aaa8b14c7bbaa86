"""`/contest mashup`, `/contest enter` and what else an entrant does until the deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.contests.contest import Phase
from bot.errors import Refused
from bot.guilds.moderation import Actor
from bot.request import Operation
from bot.texts import say
from cogs.asking import Weight, choices, engine_choices, model_choices, text
from cogs.contest_options import Named, contest_choices, matching, worded
from cogs.people import place_of
from cogs.views.answers import answered
from cogs.views.contests import own_entry
from cogs.views.entries import entered
from cogs.views.quotas import what_is_left
from cogs.views.refusals import plain

Take = app_commands.Range[int, 1, 4]


class Entering(commands.Cog):
    """The commands of the group that are for entrants; every answer is for their eyes only."""

    _bot: TwodeckBot

    @app_commands.command(name="mashup", description=text("command-contest-mashup"))
    @worded("contest", "engine", "mode", "prompt", "style", "title", "instrumental", "model", "vocal_gender")
    @worded("style_weight", "weirdness", "audio_weight")
    @app_commands.choices(
        mode=choices("mode", "auto", "simple", "custom"), vocal_gender=choices("vocal_gender", "m", "f")
    )
    async def mashup(
        self,
        interaction: discord.Interaction,
        contest: Named,
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
    ) -> None:
        given = {
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

        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            place = await place_of(interaction, private=True)
            accepted = await service.mashup(place, found.id, given)
            words = say(locale, "contest-entered-making", title=plain(found.title), job=accepted.job.id)
            left = what_is_left(accepted.standing, locale) if accepted.standing else ""
            return {"content": f"{words} {left}".strip()}

        await answered(interaction, answer)

    @app_commands.command(name="enter", description=text("command-contest-enter"))
    @worded("contest", "take", job="your_job")
    async def enter(self, interaction: discord.Interaction, contest: Named, job: Named, take: Take = 1) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            return {"content": await entered(interaction, contest, job.strip().lower(), take)}

        await answered(interaction, answer)

    @app_commands.command(name="withdraw", description=text("command-contest-withdraw"))
    @worded("contest", "entry")
    async def withdraw(self, interaction: discord.Interaction, contest: Named, entry: Named) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            place = await place_of(interaction, private=True, posting=False)
            await service.withdraw(place, found.id, entry)
            return {"content": say(locale, "contest-withdrawn", title=plain(found.title))}

        await answered(interaction, answer)

    @app_commands.command(name="replace", description=text("command-contest-replace"))
    @worded("contest", "entry", "take", job="new_job")
    async def replace(
        self, interaction: discord.Interaction, contest: Named, entry: Named, job: Named, take: Take = 1
    ) -> None:
        async def answer(actor: Actor, locale: str) -> Mapping[str, Any]:
            service = self._bot.services.contests
            found = await service.named(actor.guild, contest)
            place = await place_of(interaction, private=True, posting=False)
            made = await service.replace(place, found.id, entry, job.strip().lower(), take)
            told = {"title": plain(found.title), "track": made.track, "job": made.job}
            return {"content": say(locale, "contest-replaced", **told)}

        await answered(interaction, answer)

    @mashup.autocomplete("engine")
    async def engines_for_entries(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await engine_choices(self._bot, interaction, Operation.MASHUP, typed)

    @mashup.autocomplete("model")
    async def models_for_entries(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await model_choices(self._bot, interaction, Operation.MASHUP, typed)

    @mashup.autocomplete("contest")
    @enter.autocomplete("contest")
    @withdraw.autocomplete("contest")
    @replace.autocomplete("contest")
    async def open_contests(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await contest_choices(self._bot, interaction, typed, frozenset({Phase.OPEN}))

    @enter.autocomplete("job")
    @replace.autocomplete("job")
    async def own_results(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        if interaction.guild_id is None:
            return []
        place = await place_of(interaction, private=True, posting=False)
        contest = getattr(interaction.namespace, "contest", None)
        found = await self._bot.services.contests.enterable(place, contest or None)
        return matching(typed, {job.id: f"{job.id} · {job.title}" for job in found})

    @withdraw.autocomplete("entry")
    @replace.autocomplete("entry")
    async def own_entries(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        contest = getattr(interaction.namespace, "contest", None)
        if interaction.guild_id is None or not contest:
            return []
        service, guild = self._bot.services.contests, str(interaction.guild_id)
        try:
            found = await service.info(guild, (await service.named(guild, contest)).id, str(interaction.user.id))
        except Refused:
            return []
        locale = str(interaction.locale)
        names = {one.id: own_entry(one, locale).replace("`", "") for one in found.own}
        return matching(typed, names)
