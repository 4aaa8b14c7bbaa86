"""Buttons of entries: entering a finished result below it, and reporting an entry of the gallery."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.contests.contest import Contest
from bot.errors import Code, Refusal, Refused
from bot.failpoints import around
from bot.jobs.job import Job
from bot.texts import duration, say
from cogs.people import bot_of, place_of
from cogs.views.answers import defer, reply, take
from cogs.views.buttons import no_buttons
from cogs.views.refusals import plain, sentence

_REPORT = r"entry:report:(?P<contest>[0-9a-z]{12}):(?P<entry>[0-9a-z]{12})"
REPORTED = "entry:reported:"
"""What the form of a report is called, before the ids of contest and entry."""
_VALUE = re.compile(r"(?P<contest>[0-9a-z]{12}):(?P<track>[1-9])")
_CHOICES = 25


class EnterButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"entry:offer:(?P<job>[0-9a-z]{12})"):
    """Below a finished result: asks which take goes into which contest."""

    def __init__(self, job: str, locale: str = "en") -> None:
        self.job = job
        label, style = say(locale, "button-enter"), discord.ButtonStyle.primary
        super().__init__(discord.ui.Button(label=label, custom_id=f"entry:offer:{job}", style=style))

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]
    ) -> EnterButton:
        return cls(match["job"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            job, contests = await _offered(interaction, self.job)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        await reply(interaction, say(locale, "contest-which"), view=_where_to(job, contests, locale))


class EnterChoice(discord.ui.DynamicItem[discord.ui.Item[Any]], template=r"entry:put:(?P<job>[0-9a-z]{12})"):
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


class ReportButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=_REPORT,
):
    """Opens the form by which moderators learn of an entry; that has to be the first answer."""

    def __init__(self, contest: str, entry: str, locale: str = "en") -> None:
        self.about = f"{contest}:{entry}"
        label, style = say(locale, "button-report"), discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=label, custom_id=f"entry:report:{self.about}", style=style))

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]
    ) -> ReportButton:
        return cls(match["contest"], match["entry"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        with around("discord form"):
            await interaction.response.send_modal(_report_form(self.about, str(interaction.locale)))


async def entered(interaction: discord.Interaction[Any], contest: str, job: str, track: int) -> str:
    """Enter a take, and say what came of it."""
    locale = str(interaction.locale)
    try:
        place = await place_of(interaction, private=True, posting=False)
        service = bot_of(interaction).services.contests
        found = await service.named(place.guild, contest)
        entry = await service.enter(place, found.id, job, track)
    except Refused as refused:
        return sentence(refused.refusal, locale)
    return say(locale, "contest-entered", track=entry.track, job=entry.job, title=plain(found.title))


async def reported(interaction: discord.Interaction[Any], about: str, data: Mapping[str, Any]) -> str:
    """Tell the moderators what somebody wrote into the form, and that somebody that it was told."""
    locale = str(interaction.locale)
    rows: list[Mapping[str, Any]] = data.get("components") or []
    inner: list[Mapping[str, Any]] = [row.get("component") or {} for row in rows]
    reason = next((str(one.get("value") or "").strip() for one in inner), "")
    contest, _, entry = about.partition(":")
    try:
        place = await place_of(interaction, private=True, posting=False)
        await bot_of(interaction).services.contests.report(place, contest, entry, reason[:300])
    except Refused as refused:
        return sentence(refused.refusal, locale)
    return say(locale, "contest-reported")


def enter_button(job: str, locale: str) -> discord.ui.View:
    """The button of a result that could enter a contest."""
    view = discord.ui.View(timeout=None)
    view.add_item(EnterButton(job, locale))
    view.stop()  # the client dispatches by template; the view itself waits for nothing
    return view


async def _offered(interaction: discord.Interaction[Any], job: str) -> tuple[Job, Sequence[Contest]]:
    """The job, and the contests that would take it from whoever presses. Raises `Refused` where none would."""
    place = await place_of(interaction, private=True, posting=False)
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
    view = discord.ui.View(timeout=None)
    view.add_item(
        discord.ui.Select(
            custom_id=f"entry:put:{job.id}",
            placeholder=say(locale, "contest-take-choose"),
            options=options[:_CHOICES],
        )
    )
    view.stop()  # the client dispatches by template; the view itself waits for nothing
    return view


def _report_form(about: str, locale: str) -> discord.ui.Modal:
    form = discord.ui.Modal(title=say(locale, "report-title"), custom_id=f"{REPORTED}{about}", timeout=900)
    box = discord.ui.TextInput[Any](
        custom_id="reason", style=discord.TextStyle.paragraph, min_length=3, max_length=300
    )
    label, hint = say(locale, "report-reason"), say(locale, "report-hint")
    form.add_item(discord.ui.Label(text=label, description=hint, component=box))
    return form
