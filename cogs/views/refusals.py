"""The one renderer of refusals: a code and its values become a sentence."""

from __future__ import annotations

import discord

from bot.errors import Refusal
from bot.texts import Value, say

_WRITTEN_BY_MEMBERS = frozenset({"name", "value", "model", "why"})


def plain(text: str) -> str:
    """A person's own words made harmless: no markup, no mention, no link preview."""
    flat = " ".join(text.split())
    return discord.utils.escape_mentions(discord.utils.escape_markdown(flat)).replace("://", ":\u200b//")


def sentence(refusal: Refusal, locale: str) -> str:
    """What happened, why, and what to do next."""
    values: dict[str, Value] = {
        name: plain(value) if isinstance(value, str) and name in _WRITTEN_BY_MEMBERS else value
        for name, value in refusal.values.items()
    }
    return say(locale, f"refusal-{refusal.code}", **values)
