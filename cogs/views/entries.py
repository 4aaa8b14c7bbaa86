"""Buttons of entries: entering a finished result below it, and reporting an entry of the gallery."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.contests.contest import Contest
from bot.errors import Code, Refusal, Refused
from bot.jobs.job import Job
from bot.texts import duration, say
from cogs.people import bot_of, place_of, place_of_job
from cogs.views.answers import defer, open_form, reply, take
from cogs.views.buttons import no_buttons
from cogs.views.controls import ID, Admitted, IdButton, Typed, controls
from cogs.views.refusals import plain, sentence

REPORTED = "entry:reported"
"""What the form of a report is called, before the ids of contest and entry."""
_VALUE = re.compile(r"(?P<contest>[0-9a-z]{12}):(?P<track>[1-9])")
_CHOICES = 25


class EnterButton(IdButton, word="entry:offer", label="button-enter", look=discord.ButtonStyle.primary):
    """Below a finished result: asks which take goes into which contest."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            job, contests = await _offered(interaction, self.about)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        await reply(interaction, say(locale, "contest-which"), view=_where_to(job, contests, locale))


class EnterChoice(
    Admitted, discord.ui.DynamicItem[discord.ui.Item[Any]], template=r"entry:put:(?P<job>[0-9a-z]{12})"
):
    """Which take goes into which contest: a value names both."""

    def __init__(self, item: discord.ui.Item[Any], job: str) -> None:
        super().__init__(item)
        self.job = job

    @classmethod
    async def from_custom_id(cls, _: discord.Interaction, item: Any, match: re.Match[str]) -> EnterChoice:
        return cls(item, match["job"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await take(interaction)
        data: Mapping[str, Any] = interaction.data or {}
        picked = _VALUE.fullmatch(str(next(iter(data.get("values") or []), "")))
        words = sentence(Refusal(Code.CONTROL_GONE), str(interaction.locale))
        if picked is not None:
            words = await entered(interaction, picked["contest"], self.job, int(picked["track"]))
        await reply(interaction, words, view=no_buttons())


class ReportButton(IdButton, word="entry:report", label="button-report", ids=f"{ID}:{ID}"):
    """Opens the form by which moderators learn of an entry of a contest; that has to be the first answer."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await open_form(interaction, _report_form(self.about, str(interaction.locale)))


async def entered(interaction: discord.Interaction[Any], contest: str, job: str, track: int) -> str:
    """Enter a take, and say what came of it."""
    locale = str(interaction.locale)
    try:
        place = await place_of_job(interaction, job, posting=False)
        service = bot_of(interaction).services.contests
        found = await service.named(place.guild, contest)
        entry = await service.enter(place, found.id, job, track)
    except Refused as refused:
        return sentence(refused.refusal, locale)
    return say(locale, "contest-entered", track=entry.track, job=entry.job, title=plain(found.title))


async def reported(interaction: discord.Interaction[Any], about: str, typed: Typed) -> None:
    """Tell the moderators what somebody wrote into the form, and that somebody that it was told."""
    await defer(interaction)
    locale = str(interaction.locale)
    contest, _, entry = about.partition(":")
    try:
        place = await place_of(interaction, private=True, posting=False)
        reason = typed.get("reason") or ""
        await bot_of(interaction).services.contests.report(place, contest, entry, reason[:300])
        words = say(locale, "contest-reported")
    except Refused as refused:
        words = sentence(refused.refusal, locale)
    await reply(interaction, words)


async def _offered(interaction: discord.Interaction[Any], job: str) -> tuple[Job, Sequence[Contest]]:
    """The job, and the contests that would take it from whoever presses. Raises `Refused` where none would."""
    place = await place_of_job(interaction, job, posting=False)
    found, contests = await bot_of(interaction).services.contests.doors(place, job)
    if not contests:
        raise Refused(Code.NO_OPEN_CONTEST)
    return found, contests


def _where_to(job: Job, contests: Sequence[Contest], locale: str) -> discord.ui.View:
    """A select of every take for every contest."""
    options = [
        discord.SelectOption(
            label=say(locale, "contest-take", title=contest.title[:70], track=track.number),
            value=f"{contest.id}:{track.number}",
            description=duration(track.seconds),
        )
        for contest in contests
        for track in job.tracks
    ]
    return controls(
        discord.ui.Select(
            custom_id=f"entry:put:{job.id}",
            placeholder=say(locale, "contest-take-choose"),
            options=options[:_CHOICES],
        )
    )


def _report_form(about: str, locale: str) -> discord.ui.Modal:
    form = discord.ui.Modal(title=say(locale, "report-title"), custom_id=f"{REPORTED}:{about}", timeout=900)
    box = discord.ui.TextInput[Any](
        custom_id="reason", style=discord.TextStyle.paragraph, min_length=3, max_length=300
    )
    label, hint = say(locale, "report-reason"), say(locale, "report-hint")
    form.add_item(discord.ui.Label(text=label, description=hint, component=box))
    return form
