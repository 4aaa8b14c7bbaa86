"""`/privacy`: what is kept of somebody, and having it forgotten; on a server and in direct messages."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.privacy.forgetting import Forgotten
from bot.privacy.service import Kept, Times
from bot.texts import say, say_many
from cogs.asking import text
from cogs.people import bot_of
from cogs.views.answers import defer, reply, take
from cogs.views.buttons import no_buttons
from cogs.views.controls import IdButton, controls
from cogs.views.style import Look, card


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class Privacy(commands.GroupCog, name="privacy", description=text("command-privacy")):
    """The command group; every answer is for the asker's eyes only, and about nobody else."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="show", description=text("command-privacy-show"))
    async def show(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        privacy = self._bot.services.privacy
        kept = await privacy.kept(str(interaction.user.id))
        await reply(interaction, embed=kept_card(kept, privacy.times, self._policy(), str(interaction.locale)))

    @app_commands.command(name="forget", description=text("command-privacy-forget"))
    async def forget(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        view = controls(ForgetButton("forget", locale), KeepButton("keep", locale))
        await reply(interaction, say(locale, "forget-question"), view=view)

    def _policy(self) -> str | None:
        """The privacy policy that the operator named at Discord."""
        application = self._bot.application
        return application.privacy_policy_url if application else None


def kept_card(kept: Kept, times: Times, policy: str | None, locale: str) -> discord.Embed:
    """What is kept, why it goes and when."""
    embed = card(Look.PLAIN, say(locale, "privacy-title"))
    page = say(locale, "privacy-page-link", address=policy) if policy else say(locale, "privacy-page")
    days = {"jobs": times.jobs, "results": times.results, "sources": times.sources}
    told = {
        "privacy-jobs": say_many(locale, "privacy-jobs-words", kept.jobs, **days),
        "privacy-accounts": say_many(locale, "privacy-accounts-words", kept.servers),
        "privacy-choices": say(locale, "privacy-direct-on" if kept.direct else "privacy-direct-off"),
        "privacy-personas": say_many(locale, "privacy-personas-words", kept.personas),
        "privacy-contests": say_many(locale, "privacy-contests-words", kept.contests, **days),
        "privacy-decks": say_many(locale, "privacy-decks-words", kept.decks, **days),
        "privacy-acts": say_many(locale, "privacy-acts-words", kept.acts, acts=times.acts),
        "privacy-others": say(locale, "privacy-others-words"),
        "privacy-rest": say(locale, "privacy-rest-words", grace=times.grace, backups=times.backups, page=page),
    }
    for heading, words in told.items():
        embed.add_field(name=say(locale, heading), value=words, inline=False)
    return embed


class ForgetButton(IdButton, word="privacy", label="button-forget", look=discord.ButtonStyle.danger, ids="forget"):
    """Forgets whoever presses it, so it needs to know nobody."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await take(interaction)
        locale, privacy = str(interaction.locale), bot_of(interaction).services.privacy
        words = farewell(await privacy.forget(str(interaction.user.id)), locale)
        await reply(interaction, words, view=no_buttons())


class KeepButton(IdButton, word="privacy", label="button-keep", ids="keep"):
    """Changes nothing."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await take(interaction)
        await reply(interaction, say(str(interaction.locale), "forget-kept"), view=no_buttons())


def farewell(done: Forgotten, locale: str) -> str:
    """What was forgotten, and what takes longer."""
    lines = [say(locale, "forget-done")]
    if done.under_way:
        lines.append(say_many(locale, "forget-under-way", done.under_way))
    if done.accounts_until is not None:
        lines.append(say(locale, "forget-accounts", when=f"<t:{done.accounts_until // 1000}:f>"))
    return "\n".join(lines)


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Privacy(bot))
    bot.add_dynamic_items(ForgetButton, KeepButton)
