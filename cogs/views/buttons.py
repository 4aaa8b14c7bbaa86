"""Buttons that outlive restarts: their `custom_id` holds nothing but an id."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot.client import TwodeckBot
from bot.errors import Code, Refused
from bot.jobs.service import Reader
from bot.posts.post import Notice, Progress
from bot.texts import say
from cogs.asking import place_of, promise
from cogs.views.answers import defer, reply
from cogs.views.refusals import sentence


def reader_of(interaction: discord.Interaction) -> Reader:
    """Who acts, with the rights they have right now. Raises `Refused` outside a server."""
    if interaction.guild_id is None:
        raise Refused(Code.NEEDS_SERVER)
    return Reader(
        guild=str(interaction.guild_id),
        member=str(interaction.user.id),
        moderator=interaction.permissions.manage_guild,
    )


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
        bot = interaction.client
        if not isinstance(bot, TwodeckBot):
            raise TypeError("this button belongs to another client")
        await reply(interaction, await cancelled(bot, interaction, self.job))


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
        bot, locale = interaction.client, str(interaction.locale)
        if not isinstance(bot, TwodeckBot):
            raise TypeError("this button belongs to another client")
        try:
            accepted = await bot.services.jobs.again(place_of(interaction, private=False), self.job)
            answer = promise(accepted, locale)
        except Refused as refused:
            answer = sentence(refused.refusal, locale)
        await reply(interaction, answer)


async def cancelled(bot: TwodeckBot, interaction: discord.Interaction, job_id: str) -> str:
    """Cancel and say what came of it."""
    locale = str(interaction.locale)
    try:
        job = await bot.services.jobs.cancel(reader_of(interaction), job_id)
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
