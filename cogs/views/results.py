"""The buttons below a result, and the forms and questions that they open."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.errors import Refused
from bot.failpoints import around
from bot.jobs.results import Act, Form
from bot.jobs.service import Accepted, Place
from bot.posts.post import Notice
from bot.texts import say
from cogs.asking import promise
from cogs.people import bot_of, place_of_job, reader_of
from cogs.views.answers import defer, open_form, refuse, reply, take
from cogs.views.buttons import no_buttons
from cogs.views.controls import IdButton, Typed, controls
from cogs.views.details import details_card
from cogs.views.entries import EnterButton
from cogs.views.refusals import sentence

CHANGED, DELETED = "change:sent", "delete:sent"
"""What the forms are called, before the id of the job."""
_LABELS = {
    "engine": "change-engine",
    "title": "change-title",
    "style": "change-style",
    "tags": "change-tags",
    "negative_tags": "change-negative_tags",
    "audio_weight": "change-audio_weight",
}
_LONGEST = 4000
"""Characters of a box; a text that is longer cannot be shown in one, and stays as it was."""
_LINES = frozenset({"prompt", "style", "tags", "negative_tags"})
_FIRST_ROW, _SECOND_ROW = 0, 1
_IN_A_ROW = 5


class AgainButton(IdButton, word="again", label="button-again", look=discord.ButtonStyle.primary):
    """Asks once more for what a job made or was to make, for its requester."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _make(interaction, self.about, bot_of(interaction).services.results.again)


class SwapButton(IdButton, word="swap", label="button-swap"):
    """The same with A and B in each other's place."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await _make(interaction, self.about, bot_of(interaction).services.results.swap)


class ChangeButton(IdButton, word="change", label="button-change"):
    """Opens a form with the options of the job; what is sent becomes another one."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        try:
            place = await place_of_job(interaction, self.about)
            form = await bot_of(interaction).services.results.form(place, self.about)
        except Refused as refused:
            await refuse(interaction, refused.refusal)
            return
        await open_form(interaction, change_form(form, str(interaction.locale)))


class ShareButton(IdButton, word="share", label="button-share"):
    """Posts a private result in the channel, once."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            place = await place_of_job(interaction, self.about)
            await bot_of(interaction).services.results.share(place, self.about)
            words = say(locale, "job-shared", channel=f"<#{place.channel}>")
        except Refused as refused:
            words = sentence(refused.refusal, locale)
        await reply(interaction, words)


class DeleteButton(IdButton, word="delete", label="button-delete"):
    """Asks its requester whether they are sure, and a moderator why."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        locale, bot = str(interaction.locale), bot_of(interaction)
        try:
            own = await bot.services.jobs.deletable(await reader_of(bot, interaction), self.about)
        except Refused as refused:
            await refuse(interaction, refused.refusal)
            return
        if not own:
            await open_form(interaction, _delete_form(self.about, locale))
            return
        question = say(locale, "delete-question", job=self.about)
        with around("discord answer"):
            await interaction.response.send_message(
                question, view=controls(SureButton(self.about, locale)), ephemeral=True
            )


class SureButton(IdButton, word="delete:yes", label="button-delete-sure", look=discord.ButtonStyle.danger):
    """Deletes a result of whoever presses."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await take(interaction)
        await reply(interaction, await _deleted(interaction, self.about, ""), view=no_buttons())


class DetailsButton(IdButton, word="details", label="button-details"):
    """Tells how the result came to be, with all of it as a file."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        locale, bot = str(interaction.locale), bot_of(interaction)
        try:
            found = await bot.services.results.details(await reader_of(bot, interaction), self.about)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        sidecar = io.BytesIO(json.dumps(found, ensure_ascii=False, indent=1).encode())
        file = discord.File(sidecar, filename=f"twodeck-{self.about}.json")
        await reply(interaction, embed=details_card(found, locale), attachments=[file])


BUTTONS = (AgainButton, SwapButton, ChangeButton, ShareButton, DeleteButton, SureButton, DetailsButton)


def result_buttons(job: str, acts: frozenset[Act], locale: str, *, enters: bool) -> discord.ui.View:
    """What makes something of the result, then what is about the one that is there: in one row if they fit."""
    making: list[tuple[Act, type[IdButton]]] = [
        (Act.AGAIN, AgainButton),
        (Act.CHANGE, ChangeButton),
        (Act.SWAP, SwapButton),
    ]
    items: list[IdButton] = [kind(job, locale, row=_FIRST_ROW) for act, kind in making if act in acts]
    items += [EnterButton(job, locale, row=_FIRST_ROW)] if enters else []
    about: list[tuple[Act, type[IdButton]]] = [
        (Act.SHARE, ShareButton),
        (Act.DETAILS, DetailsButton),
        (Act.DELETE, DeleteButton),
    ]
    rest = [kind for act, kind in about if act in acts]
    row = _FIRST_ROW if len(items) + len(rest) <= _IN_A_ROW else _SECOND_ROW
    items += [kind(job, locale, row=row) for kind in rest]
    return controls(*items)


def notice_buttons(notice: Notice) -> discord.ui.View:
    """The buttons of a notice, where asking again makes sense."""
    kinds = (AgainButton, ChangeButton) if notice.again else ()
    return controls(*(kind(notice.job, notice.locale) for kind in kinds))


def change_form(form: Form, locale: str) -> discord.ui.Modal:
    """The form of a job, filled with what was asked."""
    modal = discord.ui.Modal(title=say(locale, "change-heading"), custom_id=f"{CHANGED}:{form.job}", timeout=900)
    for name, value in form.fields.items():
        if len(value) > _LONGEST or (name == "engine" and not form.engines):
            continue
        label = _LABELS.get(name) or ("card-lyrics" if form.lyrics else "card-idea")
        box = _engines(form, value, locale) if name == "engine" else _box(name, value, form.title)
        modal.add_item(
            discord.ui.Label(text=say(locale, label), description=say(locale, f"option-{name}"), component=box)
        )
    return modal


async def changed(interaction: discord.Interaction[Any], job: str, typed: Typed) -> None:
    """The form was sent: another job."""

    async def change(place: Place, job: str) -> Accepted:
        return await bot_of(interaction).services.results.change(place, job, typed)

    await _make(interaction, job, change)


async def deleted(interaction: discord.Interaction[Any], job: str, typed: Typed) -> None:
    """A moderator said why."""
    await defer(interaction)
    await reply(interaction, await _deleted(interaction, job, (typed.get("reason") or "")[:300]))


async def _make(
    interaction: discord.Interaction[Any], job: str, ask: Callable[[Place, str], Awaitable[Accepted]]
) -> None:
    """Ask for a job, and answer with the promise or with why not."""
    await defer(interaction)
    locale = str(interaction.locale)
    try:
        words = promise(await ask(await place_of_job(interaction, job), job), locale)
    except Refused as refused:
        words = sentence(refused.refusal, locale)
    await reply(interaction, words)


async def _deleted(interaction: discord.Interaction[Any], job: str, reason: str) -> str:
    locale, bot = str(interaction.locale), bot_of(interaction)
    try:
        gone = await bot.services.jobs.remove(await reader_of(bot, interaction), job, reason)
    except Refused as refused:
        return sentence(refused.refusal, locale)
    return say(locale, "job-deleted", job=gone.id)


def _engines(form: Form, now: str, locale: str) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(label=say(locale, f"engine-{name}"), value=name.value, default=name.value == now)
        for name in form.engines
    ]
    return discord.ui.Select(custom_id="engine", options=options, required=True)


def _box(name: str, value: str, title: str) -> discord.ui.TextInput[Any]:
    lines = discord.TextStyle.paragraph if name in _LINES else discord.TextStyle.short
    return discord.ui.TextInput(
        custom_id=name,
        style=lines,
        default=value or None,
        placeholder=title[:100] if name == "title" else None,
        required=False,
        max_length=_LONGEST,
    )


def _delete_form(job: str, locale: str) -> discord.ui.Modal:
    form = discord.ui.Modal(title=say(locale, "delete-heading"), custom_id=f"{DELETED}:{job}", timeout=900)
    box = discord.ui.TextInput[Any](
        custom_id="reason", style=discord.TextStyle.paragraph, min_length=3, max_length=300
    )
    form.add_item(
        discord.ui.Label(text=say(locale, "delete-reason"), description=say(locale, "option-reason"), component=box)
    )
    return form
