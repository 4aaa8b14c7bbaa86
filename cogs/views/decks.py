"""A member's two decks as a card with its buttons, and the form that takes both tracks at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.decks.deck import SIDES, Decks, Loaded
from bot.errors import Refused
from bot.jobs.loading import Change
from bot.jobs.service import Offer
from bot.request import EngineName
from bot.texts import duration, listed, say, say_many
from cogs.asking import promise
from cogs.people import actor_of, bot_of, place_of
from cogs.views.answers import put_away, reply, take
from cogs.views.controls import Admitted
from cogs.views.refusals import plain, sentence
from cogs.views.style import Look, card

FORM = "mash:sent"
"""How the form is named; what is sent comes in by it, also after a restart."""

_LABELS = {"start": "button-deck-start", "swap": "button-deck-swap", "clear": "button-deck-clear"}
_FIELDS = {
    "tracks": ("form-tracks", "form-hint-tracks"),
    "engine": ("form-engine", "form-hint-engine"),
    "style": ("form-style", "form-hint-style"),
    "title": ("form-title", "form-hint-title"),
    "prompt": ("form-prompt", "form-hint-prompt"),
}
_PROMPT = 4000
_NAME = 200


def decks_card(guild: str, decks: Decks, locale: str) -> discord.Embed:
    """What is on both decks, and what is missing before they can be started."""
    missing = listed((side.upper() for side in decks.missing), locale)
    told = say(locale, "decks-missing", sides=missing) if missing else say(locale, "decks-ready")
    kept = say(locale, "decks-kept", when=f"<t:{decks.expires_at // 1000}:R>") if decks.loaded else ""
    look = Look.PLAIN if decks.missing else Look.GOOD
    embed = card(look, say(locale, "decks-title"), f"{told}\n{kept}".strip())
    for side in SIDES:
        track = decks.loaded.get(side)
        value = say(locale, "decks-empty") if track is None else _told(guild, track, locale)
        embed.add_field(name=say(locale, "decks-side", side=side.upper()), value=value, inline=False)
    return embed


def decks_buttons(decks: Decks, locale: str) -> discord.ui.View:
    """What can be done with the decks as they are."""
    view = discord.ui.View(timeout=None)
    for act, enabled in (
        ("start", not decks.missing),
        ("swap", bool(decks.loaded)),
        ("clear", bool(decks.loaded)),
    ):
        view.add_item(DeckButton(act, locale, disabled=not enabled))
    view.stop()  # the client dispatches by template; the view itself waits for nothing
    return view


def what_changed(change: Change, locale: str) -> str:
    """What became of a message that was put on the decks."""
    words = [say(locale, "decks-loaded")]
    if change.replaced is not None:
        words.append(say(locale, "decks-replaced", name=plain(change.replaced, _NAME)))
    if change.left_out:
        words.append(say_many(locale, "decks-left-out", change.left_out))
    return " ".join(words)


class DeckButton(
    Admitted, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"deck:(?P<act>start|swap|clear)"
):
    """Acts on the decks of whoever presses it, so it needs to know nobody."""

    def __init__(self, act: str, locale: str = "en", *, disabled: bool = False) -> None:
        self.act = act
        style = discord.ButtonStyle.primary if act == "start" else discord.ButtonStyle.secondary
        label = say(locale, _LABELS[act])
        super().__init__(discord.ui.Button(label=label, custom_id=f"deck:{act}", style=style, disabled=disabled))

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str]
    ) -> DeckButton:
        return cls(match["act"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        if self.act == "start":
            await put_away(interaction, say(str(interaction.locale), "decks-starting"))
            await _start(interaction)
        else:
            await take(interaction)
            await _change(interaction, self.act)


async def _change(interaction: discord.Interaction[Any], act: str) -> None:
    decks, locale = bot_of(interaction).services.decks, str(interaction.locale)
    try:
        actor = actor_of(interaction)
        changing = decks.swap if act == "swap" else decks.clear
        changed = await changing(actor.guild, actor.member)
    except Refused as refused:
        await reply(interaction, sentence(refused.refusal, locale))
        return
    await show(interaction, actor.guild, changed, "")


async def _start(interaction: discord.Interaction[Any]) -> None:
    """The promise in the place of the card; or the card again, with why not."""
    decks, locale = bot_of(interaction).services.decks, str(interaction.locale)
    try:
        place = await place_of(interaction, private=None)
        await reply(interaction, promise(await decks.start(place), locale))
    except Refused as refused:
        words = sentence(refused.refusal, locale)
        if interaction.guild_id is None:
            await reply(interaction, words)
            return
        guild = str(interaction.guild_id)
        await show(interaction, guild, await decks.held(guild, str(interaction.user.id)), words)


async def show(interaction: discord.Interaction[Any], guild: str, decks: Decks, words: str) -> None:
    """Answer with the card."""
    locale = str(interaction.locale)
    await reply(interaction, words, embed=decks_card(guild, decks, locale), view=decks_buttons(decks, locale))


def mash_form(engines: Sequence[EngineName], locale: str) -> discord.ui.Modal:
    """Five fields: both tracks, and what most mashups say."""
    form = discord.ui.Modal(title=say(locale, "form-heading"), custom_id=FORM, timeout=900)
    options = [
        discord.SelectOption(label=say(locale, f"engine-{name}"), value=name, default=name is engines[0])
        for name in engines
    ]
    fields: dict[str, discord.ui.Item[Any]] = {
        "tracks": discord.ui.FileUpload(custom_id="tracks", min_values=2, max_values=2),
        "engine": discord.ui.Select(custom_id="engine", options=options),
        "style": discord.ui.TextInput(custom_id="style", required=False, max_length=1000),
        "title": discord.ui.TextInput(custom_id="title", required=False, max_length=100),
        "prompt": discord.ui.TextInput(
            custom_id="prompt", required=False, max_length=_PROMPT, style=discord.TextStyle.paragraph
        ),
    }
    for name, component in fields.items():
        label, hint = (say(locale, message) for message in _FIELDS[name])
        form.add_item(discord.ui.Label(text=label, description=hint, component=component))
    return form


def read_form(data: Mapping[str, Any]) -> tuple[tuple[Offer, ...], dict[str, str | None]]:
    """The files and the options of a form that was sent."""
    rows: list[Mapping[str, Any]] = data.get("components") or []
    sent = {row["component"]["custom_id"]: row["component"] for row in rows if row.get("component")}
    resolved: Mapping[str, Any] = data.get("resolved") or {}
    files: Mapping[str, Any] = resolved.get("attachments") or {}
    found = [files[one] for one in _values(sent, "tracks") if one in files]
    options: dict[str, str | None] = {
        name: sent.get(name, {}).get("value") for name in ("style", "title", "prompt")
    }
    options["engine"] = next(iter(_values(sent, "engine")), None)
    return tuple(Offer(file["url"], file["filename"], file["size"]) for file in found), options


def _values(sent: Mapping[str, Mapping[str, Any]], name: str) -> Sequence[str]:
    return sent.get(name, {}).get("values") or ()


def _told(guild: str, track: Loaded, locale: str) -> str:
    link = f"https://discord.com/channels/{guild}/{track.channel}/{track.message}"
    return say(
        locale,
        "decks-track",
        name=plain(track.name, _NAME),
        length=duration(track.seconds),
        size=f"{max(track.size / (1 << 20), 0.1):.1f}",
        link=link,
    )
