"""How every card begins: a look is a colour and, where it tells a state, a sign; colour is never the only one."""

from __future__ import annotations

from enum import Enum

import discord


class Look(Enum):
    """What a card tells: its colour, and what stands before its title."""

    PLAIN = (0x3B6EA8, "")
    GOOD = (0x2E8B57, "✓")
    BAD = (0xB23A48, "✗")
    ALERT = (0xB7791F, "⚠")  # somebody has to do something


def card(look: Look, title: str = "", words: str = "", *, footer: str = "") -> discord.Embed:
    """An embed of this look. What further cards of one message look like, the title of the first has said."""
    colour, sign = look.value
    embed = discord.Embed(
        title=f"{sign} {title}".strip() if title else None, description=words or None, colour=colour
    )
    if footer:
        embed.set_footer(text=footer)
    return embed
