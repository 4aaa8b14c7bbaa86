"""`/help`: what can I do here, with my rights, in this channel, and why not; `/about`: what this bot is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.metadata import version
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.errors import Code, Refusal, Refused
from bot.guilds.moderation import Actor, moderates
from bot.texts import LOCALES, is_reviewed, listed, own_name, say
from cogs.asking import text
from cogs.people import actor_of, parent_of, place_of, slowed_down
from cogs.translator import name_id
from cogs.views.answers import defer, reply
from cogs.views.engines import status_lines
from cogs.views.quotas import what_is_left
from cogs.views.refusals import described
from cogs.views.style import Look, card
from cogs.views.welcome import welcome_card

ORGANISERS = frozenset(
    f"contest {name}"
    for name in ("create", "edit", "open", "close", "cancel", "pause", "tie", "disqualify", "unmask")
)
"""Also for the role that the server named for contests."""
MODERATORS = ORGANISERS | {
    "settings",
    *(f"quota set {name}" for name in ("guild", "role", "member")),
    *(f"quota {name}" for name in ("grant", "reset", "block", "unblock", "pause", "resume")),
    *(f"quota {name}" for name in ("show", "explain", "log", "export")),
}
OPERATORS = frozenset({"engines off", "engines on"})
_LONGEST = 4000
_NEEDS_A_VOICE = ("cover", "instrumental", "vocals")
"""Operations of hosted engines; their commands are called like them."""
Found = app_commands.Command[Any, ..., Any]


class Help(commands.Cog):
    """Both work in direct messages, too; the answers are for the asker's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="help", description=text("command-help"))
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def help(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        embeds = [await self._help(interaction, locale)]
        if interaction.guild_id is not None and await self._bot.services.guilds.welcome_due(actor_of(interaction)):
            embeds.append(welcome_card(locale))
        await reply(interaction, embeds=embeds)

    @app_commands.command(name="about", description=text("command-about"))
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def about(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        await reply(interaction, embed=self._about(str(interaction.locale)))

    async def _help(self, interaction: discord.Interaction, locale: str) -> discord.Embed:
        services = self._bot.services
        look, now = Look.PLAIN, dict[str, str]()
        operator = str(interaction.user.id) in services.alerts.operators
        hidden = frozenset[str]() if operator else OPERATORS
        if interaction.guild_id is None:
            heads = [say(locale, "help-direct")]
            hidden |= MODERATORS
        else:
            actor = actor_of(interaction)
            settings = await services.guilds.settings(actor.guild)
            if not moderates(settings, actor):
                organises = settings.contest_role in actor.roles
                hidden |= MODERATORS - ORGANISERS if organises else MODERATORS
            heads = []
            look, now = await self._now(interaction, actor, locale)
        unable = {name for name in _NEEDS_A_VOICE if not any(name in s.offers for s in services.engines.states())}
        lines = self._lines(locale, hidden | unable, direct=interaction.guild_id is None)
        embed = card(look, say(locale, "help-title"), "\n".join([*heads, *lines])[:_LONGEST])
        for name in sorted(unable):
            why = Refusal(Code.OPERATION_NOT_OFFERED, {"operation": name})
            now[f"/{say(locale, name_id(name))}"] = described(why, locale)
        now[say(locale, "engines-title")] = status_lines(services.engines.states(), locale)
        for heading, words in now.items():
            embed.add_field(name=heading, value=words, inline=False)
        return embed

    async def _now(
        self, interaction: discord.Interaction, actor: Actor, locale: str
    ) -> tuple[Look, dict[str, str]]:
        """What is left for a mashup asked for right here, and what stands in its way, by heading."""
        services = self._bot.services
        asking = services.jobs.asking(actor, str(interaction.channel_id), parent_of(interaction))
        status = await services.quotas.status(asking)
        refusal = status.refusal
        if refusal is None:
            try:
                await place_of(interaction, private=False)
            except Refused as refused:
                refusal = refused.refusal
        here = described(refusal, locale) if refusal else say(locale, "help-free")
        told = {
            say(locale, "quota-now"): f"{here}\n{slowed_down(interaction, locale)}".strip(),
            say(locale, "quota-title"): what_is_left(status.member, locale),
        }
        return Look.BAD if refusal else Look.GOOD, told

    def _lines(self, locale: str, hidden: Collection[str], *, direct: bool) -> Iterator[str]:
        """A line for each command, with what may be given of a group."""
        for command in self._bot.tree.get_commands(type=discord.AppCommandType.chat_input):
            found = [one for one in _leaves(command) if one.qualified_name not in hidden]
            contexts = command.allowed_contexts
            if not found or (direct and not (contexts and contexts.dm_channel)):
                continue
            words = say(locale, f"command-{command.name}")
            yield f"**/{say(locale, name_id(command.name))}** {words}"
            if isinstance(command, app_commands.Group):
                yield " ".join(f"`{_below(one, locale)}`" for one in found)

    def _about(self, locale: str) -> discord.Embed:
        services, application = self._bot.services, self._bot.application
        times = services.privacy.times
        title = say(locale, "about-title", version=version("twodeck"))
        embed = card(Look.PLAIN, title, say(locale, "about-words"))
        kept = [say(locale, "about-kept", results=times.results, sources=times.sources, jobs=times.jobs)]
        if application and application.privacy_policy_url:
            kept.append(say(locale, "privacy-page-link", address=application.privacy_policy_url))
        people = " ".join(f"<@{one}>" for one in services.alerts.operators)
        unreviewed = listed((own_name(one) for one in LOCALES if not is_reviewed(one)), locale)
        known = listed(map(own_name, LOCALES), locale)
        told = {
            "about-kept-title": "\n".join(kept),
            "about-rights-title": say(locale, "about-rights"),
            "about-languages-title": say(locale, "about-languages", known=known, unreviewed=unreviewed or "-"),
            "about-people-title": say(locale, "about-people", people=people or "-"),
            "about-licence-title": say(locale, "about-licence"),
        }
        for heading, words in told.items():
            embed.add_field(name=say(locale, heading), value=words, inline=False)
        return embed


def _leaves(command: app_commands.Command[Any, ..., Any] | app_commands.Group) -> Iterator[Found]:
    """Every command that can be given."""
    if isinstance(command, app_commands.Command):
        yield command
        return
    for one in command.commands:
        yield from _leaves(one)


def _below(command: Found, locale: str) -> str:
    """The words of a command below its group."""
    steps = command.qualified_name.split(" ")
    return " ".join(say(locale, name_id(" ".join(steps[: n + 1]))) for n in range(1, len(steps)))


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Help(bot))
