"""`/jobs`: what became of one's mashups, and stopping one."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import TwodeckBot
from bot.errors import Code, Refused
from bot.jobs import view
from bot.jobs.job import Job
from bot.jobs.service import Page
from bot.texts import say
from cogs.asking import choices, text
from cogs.delivery import result_files
from cogs.people import reader_of
from cogs.views.answers import defer, reply
from cogs.views.buttons import CancelButton, cancelled
from cogs.views.cards import result_cards
from cogs.views.controls import hear
from cogs.views.refusals import described, plain, sentence
from cogs.views.results import BUTTONS, CHANGED, DELETED, changed, deleted, result_buttons
from cogs.views.style import Look, card


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class Jobs(commands.GroupCog, name="jobs", description=text("command-jobs")):
    """The command group; every answer is for the asker's eyes only."""

    def __init__(self, bot: TwodeckBot) -> None:
        self._bot = bot

    @app_commands.command(name="list", description=text("command-jobs-list"))
    @app_commands.describe(page=text("option-page"), everyone=text("option-everyone"))
    async def list_jobs(
        self,
        interaction: discord.Interaction,
        page: app_commands.Range[int, 1, 1000] = 1,
        everyone: bool = False,
    ) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            reader = await reader_of(self._bot, interaction)
            found = await self._bot.services.jobs.listed(reader, everyone=everyone, page=page - 1)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        shown = everyone and reader.moderator
        await reply(interaction, embed=jobs_card(found, reader.member, locale, everyone=shown))

    @app_commands.command(name="cancel", description=text("command-jobs-cancel"))
    @app_commands.describe(job=text("option-job"))
    async def cancel(self, interaction: discord.Interaction, job: str) -> None:
        await defer(interaction)
        await reply(interaction, await cancelled(self._bot, interaction, job.strip().lower()))

    @app_commands.command(name="get", description=text("command-jobs-get"))
    @app_commands.describe(job=text("option-job"))
    async def get(self, interaction: discord.Interaction, job: str) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            found = await self._bot.services.jobs.finished(
                await reader_of(self._bot, interaction), job.strip().lower()
            )
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        result = view.result(found)
        enters = await self._bot.services.contests.welcomes(found.id)
        acts = await self._bot.services.results.offered(found.id)
        files = result_files(self._bot.services.files, result, found.id)
        await reply(
            interaction,
            attachments=files,
            embeds=result_cards(result, found.id),
            content=say(locale, "job-again"),
            view=result_buttons(found.id, acts, locale, enters=enters),
        )

    @app_commands.command(name="delete", description=text("command-jobs-delete"))
    @app_commands.describe(job=text("option-job"), reason=text("option-reason"))
    async def delete(
        self, interaction: discord.Interaction, job: str, reason: app_commands.Range[str, 3, 300]
    ) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            found = await self._bot.services.jobs.remove(
                await reader_of(self._bot, interaction), job.strip().lower(), reason
            )
            words = say(locale, "job-deleted", job=found.id)
        except Refused as refused:
            words = sentence(refused.refusal, locale)
        await reply(interaction, words)

    @app_commands.command(name="dm", description=text("command-jobs-dm"))
    @app_commands.describe(results=text("option-results"))
    @app_commands.choices(results=choices("results", "on", "off"))
    async def dm(self, interaction: discord.Interaction, results: str) -> None:
        await defer(interaction)
        wanted = results == "on"
        await self._bot.services.jobs.send_direct(str(interaction.user.id), wanted)
        await reply(interaction, say(str(interaction.locale), "dm-on" if wanted else "dm-off"))

    @delete.autocomplete("job")
    async def deletable(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return _offers(
            await self._bot.services.jobs.removable(await reader_of(self._bot, interaction)), interaction, typed
        )

    @cancel.autocomplete("job")
    async def running(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return _offers(
            await self._bot.services.jobs.cancellable(await reader_of(self._bot, interaction)), interaction, typed
        )


def _offers(jobs: Sequence[Job], interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Jobs to choose from, by id and title; not the title of somebody's private or masked one."""
    wanted = typed.strip().lower()
    locale = str(interaction.locale)
    names = {job.id: f"{job.id} · {_title(job, str(interaction.user.id), locale)}"[:100] for job in jobs}
    return [app_commands.Choice(name=n, value=i) for i, n in names.items() if wanted in n.lower()][:25]


def _title(job: Job, reader: str, locale: str) -> str:
    if job.forgotten:
        return say(locale, "job-forgotten")
    if not job.ask.member:
        return say(locale, "job-masked")
    hidden = job.ask.private and job.ask.member != reader
    return say(locale, "job-private") if hidden else job.title


def jobs_card(page: Page, reader: str, locale: str, *, everyone: bool) -> discord.Embed:
    """A page of jobs, a line or two each; `reader` is the member who looks."""
    heading = "jobs-of-guild" if everyone else "jobs-of-member"
    lines = [_line(job, page.messages.get(job.id), reader, locale, everyone=everyone) for job in page.jobs]
    words = "\n".join(lines) or say(locale, "jobs-none")
    footer = "jobs-page-more" if page.more else "jobs-page"
    footer = say(locale, footer, page=page.number + 1, next=page.number + 2)
    return card(Look.PLAIN, say(locale, heading), words, footer=footer)


def _line(job: Job, message: str | None, reader: str, locale: str, *, everyone: bool) -> str:
    ask = job.ask
    link = f"https://discord.com/channels/{ask.guild}/{ask.channel}/{message}" if message else ""
    title = plain(_title(job, reader, locale), 80)
    head = f"[{title}]({link})" if link else title
    member = say(locale, "former-member") if job.forgotten else f"<@{ask.member}>"
    who = f" {member}" if everyone and ask.member else ""
    state = say(locale, "state-removed" if job.removed else f"state-{job.state}")
    if _own_wish(job):
        state = say(locale, "job-removed-own")
    line = f"**{head}**{who} · {state} · <t:{job.created_at // 1000}:R> · `{job.id}`"
    why = _why(job, locale) if reader == ask.member or not ask.private else ""
    return f"{line}\n{why}" if why else line


def _own_wish(job: Job) -> bool:
    """Whether it was its requester who deleted the result."""
    return job.removed is not None and job.removed.by == job.ask.member


def _why(job: Job, locale: str) -> str:
    """Why there is no result, or none any more."""
    if job.removed is not None:
        return "" if _own_wish(job) else say(locale, "job-removed", reason=plain(job.removed.reason))
    if job.error is not None and job.error.code is not Code.CANCELLED and not job.forgotten:
        return described(job.error, locale)[:300]
    return ""


async def setup(bot: TwodeckBot) -> None:
    await bot.add_cog(Jobs(bot))
    bot.add_dynamic_items(CancelButton, *BUTTONS)
    hear(bot, CHANGED, changed)
    hear(bot, DELETED, deleted)
