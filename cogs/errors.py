"""What a member sees when a command or a control fails and nobody foresaw it: one sentence with a number."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import discord
from discord import app_commands

from bot.client import BROKEN_OFF, TOO_LATE, DatabaseClosedError, TwodeckBot
from bot.errors import Code, Refusal, Refused
from bot.failpoints import around
from cogs.views.answers import reply
from cogs.views.refusals import sentence

log = logging.getLogger(__name__)
_KIND = discord.InteractionResponseType
_OVER_A_MESSAGE = {_KIND.deferred_message_update, _KIND.message_update, _KIND.modal}


async def setup(bot: TwodeckBot) -> None:
    """Install the tree's one handler; it is called for every command, whatever answered before."""

    @bot.tree.error
    async def on_error(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        await explain(bot, interaction, error)


async def explain(bot: TwodeckBot, interaction: discord.Interaction[Any], error: Exception) -> None:
    """Log what went wrong with a command, a control or a form, and tell who used it, if anybody can be told."""
    cause = error.__cause__ or error
    if isinstance(cause, discord.HTTPException) and cause.code in TOO_LATE:
        log.warning("Discord no longer takes an answer to interaction %s (%s)", interaction.id, cause)
        return
    if isinstance(cause, Refused):
        refusal = cause.refusal
    elif isinstance(cause, DatabaseClosedError):
        refusal = Refusal(Code.STOPPING)
    else:
        number = bot.services.clock.new_id()
        if isinstance(cause, BROKEN_OFF):
            log.warning("Discord was cut off, shown to the member as %s (%r)", number, cause)
        else:
            log.error("command failed, shown to the member as %s", number, exc_info=error)
        refusal = Refusal(Code.UNEXPECTED, {"job": number})
    async with bot.turning_away if refusal.code is Code.BUSY else contextlib.nullcontext():
        await _answer(interaction, sentence(refusal, str(interaction.locale)))


async def _answer(interaction: discord.Interaction[Any], text: str) -> None:
    """In the place of the answer; beside it where that is a message which was there before."""
    try:
        if interaction.response.type in _OVER_A_MESSAGE:
            with around("discord answer"):
                await interaction.followup.send(text, ephemeral=True)
        elif interaction.response.is_done():
            await reply(interaction, text)
        else:
            with around("discord answer"):
                if interaction.type is discord.InteractionType.autocomplete:
                    await interaction.response.autocomplete([])
                else:
                    await interaction.response.send_message(text, ephemeral=True)
    except (discord.HTTPException, *BROKEN_OFF) as error:
        expected = isinstance(error, BROKEN_OFF) or error.code in TOO_LATE
        log.warning("no answer to interaction %s was possible (%r)", interaction.id, error, exc_info=not expected)
