"""The card that says how well two tracks go together, and why; and the button that asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.errors import Refused
from bot.texts import say, say_reason
from cogs.people import bot_of, place_of
from cogs.views.answers import defer, reply
from cogs.views.cards import source_fields
from cogs.views.controls import IdButton
from cogs.views.refusals import sentence
from cogs.views.style import Look, card

_FITS = 60  # points of 100 from which the card is green
_FIELD = 1020


def comparison_card(report: Mapping[str, Any], names: Sequence[str], locale: str) -> discord.Embed:
    """Score, what was heard in both, the verdicts with their reasons, and what a mashup would do about it."""
    score = int(report["score"])
    title = say(locale, "compat-score", score=score) if report["verdicts"] else say(locale, "compat-no-score")
    look = Look.GOOD if score >= _FITS else Look.PLAIN
    embed = card(look, title, footer=say(locale, "compat-note"))
    for heading, value in source_fields(locale, names, report["sources"]):
        embed.add_field(name=heading, value=value)
    if report["verdicts"]:
        told = _told(locale, report["verdicts"])
        embed.add_field(name=say(locale, "compat-verdicts"), value=told, inline=False)
    embed.add_field(name=say(locale, "compat-plan"), value=_told(locale, report["reasons"]), inline=False)
    return embed


class CompareButton(IdButton, word="compare", label="button-compare"):
    """Tells the requester of the job of this card how well its two sources go together."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await defer(interaction)
        locale = str(interaction.locale)
        try:
            place = await place_of(interaction, private=True)
            report, names = await bot_of(interaction).services.comparisons.compare_in(place, self.about)
        except Refused as refused:
            await reply(interaction, sentence(refused.refusal, locale))
            return
        await reply(interaction, embed=comparison_card(report, names, locale))


def _told(locale: str, reasons: Sequence[Mapping[str, Any]]) -> str:
    lines = (f"- {say_reason(locale, reason['code'], reason['values'])}" for reason in reasons)
    return "\n".join(lines)[:_FIELD]
