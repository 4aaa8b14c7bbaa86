"""The one renderer of refusals: a code and its values become a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.errors import Refusal
from bot.metrics import counters
from bot.texts import Value, say

_WRITTEN_BY_MEMBERS = frozenset({"name", "value", "model", "why", "contest", "entry", "host", "format"})
_IDS = frozenset({"job"})
"""What is written as code, where nothing but letters and digits belongs."""
_LONGEST = 300
_MENTIONED = {"roles": "<@&{}>", "channels": "<#{}>"}
"""Values that are ids, separated by commas."""
_NAMED = {"period": "period", "phase": "contest-phase"}
"""Values that have a message of their own, and with what its id begins."""


_INVITE = re.compile(r"(?i)(discord(?:app)?|dsc)(\.(?:gg|com|me|io|li|new))")
_UNSEEN = re.compile("[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""What shows nothing and turns round or hides what stands beside it."""
_BREAK = "\u200b"


def plain(text: str, most: int | None = None) -> str:
    """A person's own words made harmless: no markup, mention, link or invite; cut to `most`, never to nothing."""
    flat = _UNSEEN.sub("", " ".join(text.split()))
    parts = [_harmless(char, first=place == 0) for place, char in enumerate(_apart(flat))]
    whole = "".join(parts) or "?" * bool(text)
    if most is None or len(whole) <= most:
        return whole
    room = most - 1
    kept: list[str] = []
    for part in parts:
        room -= len(part)
        if room < 0:
            break
        kept.append(part)
    return "".join(kept) + "…"


def _apart(text: str) -> str:
    """Links and invites taken apart where nobody sees it."""
    return _INVITE.sub(rf"\1{_BREAK}\2", text.replace("://", f":{_BREAK}//"))


def _harmless(char: str, *, first: bool) -> str:
    if char == "@":
        return f"@{_BREAK}"
    return f"\\{char}" if char in "\\*_~|`<[]" or (first and char in "#>-") else char


def sentence(refusal: Refusal, locale: str) -> str:
    """What a member is told who is refused something just now: counted, and said."""
    counters.REFUSALS.labels(refusal.code).inc()
    return described(refusal, locale)


def described(refusal: Refusal, locale: str) -> str:
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
    if name in _NAMED:
        return say(locale, f"{_NAMED[name]}-{value}")
    if name in _IDS:
        return re.sub(r"[^0-9A-Za-z]", "", value)[:_LONGEST] or "-"
    return plain(value, _LONGEST) if name in _WRITTEN_BY_MEMBERS else value
