"""The one renderer of refusals: a code and its values become a sentence."""

from __future__ import annotations

from collections.abc import Mapping

import discord

from bot.errors import Refusal
from bot.texts import Value, say

_WRITTEN_BY_MEMBERS = frozenset({"name", "value", "model", "why"})
_MENTIONED = {"roles": "<@&{}>", "channels": "<#{}>"}
"""Values that are ids, separated by commas."""


def plain(text: str) -> str:
    """A person's own words made harmless: no markup, no mention, no link preview."""
    flat = " ".join(text.split())
    return discord.utils.escape_mentions(discord.utils.escape_markdown(flat)).replace("://", ":\u200b//")


def sentence(refusal: Refusal, locale: str) -> str:
    """What happened, why, and what to do next."""
    return say(locale, f"refusal-{refusal.code}", **shown(refusal.values, locale))


def shown(values: Mapping[str, Value], locale: str) -> dict[str, Value]:
    """Values as people read them: what they wrote themselves harmless, ids as mentions, a period in words."""
    return {name: _shown(name, value, locale) for name, value in values.items()}


def _shown(name: str, value: Value, locale: str) -> Value:
    if not isinstance(value, str):
        return value
    if name in _MENTIONED:
        return ", ".join(_MENTIONED[name].format(one) for one in value.split(", ") if one) or "-"
    if name == "period":
        return say(locale, f"period-{value}")
    return plain(value) if name in _WRITTEN_BY_MEMBERS else value
