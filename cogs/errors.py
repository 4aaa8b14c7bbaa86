"""What a member sees when a command fails in a way nobody foresaw: one sentence with a number for the log."""

from __future__ import annotations

import contextlib
import logging

import discord
from discord import app_commands

from bot.client import TwodeckBot
from bot.errors import Code, Refusal, Refused
from bot.failpoints import around
from cogs.views.answers import reply
from cogs.views.refusals import sentence

log = logging.getLogger(__name__)
_TOO_LATE = {10062, 10015, 50027}
"""Unknown interaction, unknown webhook, invalid webhook token: nobody can be answered any more."""


async def setup(bot: TwodeckBot) -> None:
    """Install the tree's one handler; it is called for every command, whatever answered before."""

    @bot.tree.error
    async def on_error(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        cause = error.__cause__ or error
        if isinstance(cause, discord.HTTPException) and cause.code in _TOO_LATE:
            log.warning("Discord no longer takes an answer to interaction %s (%s)", interaction.id, cause)
            return
        if isinstance(cause, Refused):
            refusal = cause.refusal
        else:
            number = bot.services.clock.new_id()
            log.error("command failed, shown to the member as %s", number, exc_info=error)
            refusal = Refusal(Code.UNEXPECTED, {"job": number})
        async with bot.turning_away if refusal.code is Code.BUSY else contextlib.nullcontext():
            await _answer(interaction, sentence(refusal, str(interaction.locale)))


async def _answer(interaction: discord.Interaction, text: str) -> None:
    try:
        if interaction.response.is_done():
            await reply(interaction, text)
        else:
            with around("discord answer"):
                if interaction.type is discord.InteractionType.autocomplete:
                    await interaction.response.autocomplete([])
                else:
                    await interaction.response.send_message(text, ephemeral=True)
    except discord.HTTPException as error:
        expected = error.code in _TOO_LATE
        log.warning("no answer to interaction %s was possible (%s)", interaction.id, error, exc_info=not expected)
