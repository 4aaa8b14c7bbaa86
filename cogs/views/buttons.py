"""The button of a live card, and what takes buttons away."""

from __future__ import annotations

from typing import Any

import discord

from bot.client import TwodeckBot
from bot.errors import Refused
from bot.posts.post import Progress
from bot.texts import say
from cogs.people import bot_of, reader_of
from cogs.views.answers import defer, reply
from cogs.views.comparison import CompareButton
from cogs.views.controls import IdButton, controls
from cogs.views.refusals import sentence


class CancelButton(IdButton, word="cancel", label="button-cancel"):
    """Stops the job of the card it sits on, for its requester and for moderators."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        await reply(interaction, await cancelled(bot_of(interaction), interaction, self.about))


async def cancelled(bot: TwodeckBot, interaction: discord.Interaction, job_id: str) -> str:
    """Cancel and say what came of it."""
    locale = str(interaction.locale)
    try:
        job = await bot.services.jobs.cancel(await reader_of(bot, interaction), job_id)
    except Refused as refused:
        return sentence(refused.refusal, locale)
    return say(locale, "job-cancelling", job=job.id)


def no_buttons() -> discord.ui.View:
    """Nothing to press; takes away what was there."""
    return controls()


def card_buttons(progress: Progress) -> discord.ui.View:
    """The buttons of a live card in its present state; none once nothing can be done."""
    cancel = [CancelButton(progress.job, progress.locale)] if progress.cancellable else []
    compare = [CompareButton(progress.job, progress.locale)] if progress.comparable else []
    return controls(*cancel, *compare)
