"""Buttons that outlive restarts: their `custom_id` holds nothing but an id."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot.client import TwodeckBot
from bot.errors import Refused
from bot.posts.post import Notice, Progress
from bot.texts import say
from cogs.asking import promise
from cogs.people import bot_of, place_of, reader_of
from cogs.views.answers import defer, reply
from cogs.views.refusals import sentence


class CancelButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"cancel:(?P<job>[0-9a-z]{12})"):
    """Stops the job of the card it sits on, for its requester and for moderators."""

    def __init__(self, job: str, locale: str = "en") -> None:
        self.job = job
        label = say(locale, "button-cancel")
        super().__init__(
            discord.ui.Button(label=label, custom_id=f"cancel:{job}", style=discord.ButtonStyle.secondary)
        )

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]
    ) -> CancelButton:
        return cls(match["job"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        await reply(interaction, await cancelled(bot_of(interaction), interaction, self.job))


class AgainButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"again:(?P<job>[0-9a-z]{12})"):
    """Asks once more for what the job of this notice was to make, for its requester."""

    def __init__(self, job: str, locale: str = "en") -> None:
        self.job = job
        label = say(locale, "button-again")
        super().__init__(
            discord.ui.Button(label=label, custom_id=f"again:{job}", style=discord.ButtonStyle.primary)
        )

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]
    ) -> AgainButton:
        return cls(match["job"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            place = await place_of(interaction, private=False)
            accepted = await bot_of(interaction).services.jobs.again(place, self.job)
            answer = promise(accepted, locale)
        except Refused as refused:
            answer = sentence(refused.refusal, locale)
        await reply(interaction, answer)


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
    view = discord.ui.View(timeout=None)
    view.stop()
    return view


def notice_buttons(notice: Notice) -> discord.ui.View:
    """The button of a notice, where asking again makes sense."""
    view = discord.ui.View(timeout=None)
    if notice.again:
        view.add_item(AgainButton(notice.job, notice.locale))
    view.stop()
    return view


def card_buttons(progress: Progress) -> discord.ui.View:
    """The buttons of a live card in its present state; none once nothing can be done."""
    view = discord.ui.View(timeout=None)
    if progress.cancellable:
        view.add_item(CancelButton(progress.job, progress.locale))
    view.stop()  # the client dispatches by template; the view itself waits for nothing
    return view
