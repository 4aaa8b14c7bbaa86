"""The first card on a new server: what to set, what is safe already, whose the uploads are, where to report."""

from __future__ import annotations

import discord

from bot.texts import say
from cogs.views.style import Look, card

PARTS = ("set", "safe", "rights")


def welcome_card(locale: str, mark: str = "") -> discord.Embed:
    """For moderators. `mark` is the post's id, where it is posted."""
    embed = card(Look.PLAIN, say(locale, "welcome-title"), say(locale, "welcome-words"), footer=mark)
    for part in PARTS:
        heading, told = say(locale, f"welcome-{part}-title"), say(locale, f"welcome-{part}")
        embed.add_field(name=heading, value=told, inline=False)
    return embed
