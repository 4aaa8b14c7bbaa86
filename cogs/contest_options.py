"""What the commands of `/contest` have in common: their options in words, and what is suggested for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord
from discord import app_commands

from bot.client import TwodeckBot
from bot.contests.contest import Contest, Phase
from bot.errors import Code, Refused
from bot.guilds.guild import GuildSettings
from bot.guilds.moderation import Actor, moderates
from bot.texts import say
from cogs.asking import text
from cogs.people import actor_of

Named = app_commands.Range[str, 1, 100]
"""A contest or an entry, by what was suggested or as it was typed."""
_CHOICES = 25


def worded(*options: str, **words: str) -> Any:
    """Each option with its own words, or with those of another name."""
    return app_commands.describe(**{name: text(f"option-{words.get(name, name)}") for name in (*options, *words)})


async def visible(bot: TwodeckBot, actor: Actor) -> tuple[Contest, ...]:
    """The contests of a server; one that is being prepared only for its organiser and moderators."""
    settings = await bot.services.guilds.settings(actor.guild)
    found = await bot.services.contests.listed(actor.guild)
    return tuple(contest for contest in found if _sees(settings, actor, contest))


async def seen(bot: TwodeckBot, actor: Actor, typed: str) -> Contest:
    """One of them, by its id or title. Raises `Refused`."""
    found = await bot.services.contests.named(actor.guild, typed)
    if not _sees(await bot.services.guilds.settings(actor.guild), actor, found):
        raise Refused(Code.NO_SUCH_CONTEST, contest=typed)
    return found


def _sees(settings: GuildSettings, actor: Actor, contest: Contest) -> bool:
    return contest.phase is not Phase.DRAFT or contest.organiser == actor.member or moderates(settings, actor)


async def contest_choices(
    bot: TwodeckBot, interaction: discord.Interaction, typed: str, phases: frozenset[Phase]
) -> list[app_commands.Choice[str]]:
    """Contests of the server in these phases that whoever types may see, by title."""
    if interaction.guild_id is None:
        return []
    found = await visible(bot, actor_of(interaction))
    locale = str(interaction.locale)
    names = {c.id: f"{c.title} · {say(locale, f'contest-phase-{c.phase}')}" for c in found if c.phase in phases}
    return matching(typed, names)


def matching(typed: str, names: Mapping[str, str]) -> list[app_commands.Choice[str]]:
    """Values whose name, or which themselves, hold what was typed."""
    wanted = typed.strip().lower()
    found = [(name, value) for value, name in names.items() if wanted in f"{name} {value}".lower()]
    return [app_commands.Choice(name=name[:100], value=value) for name, value in found[:_CHOICES]]
