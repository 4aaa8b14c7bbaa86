"""What quotas look like: words, small bars and timestamps."""

from __future__ import annotations

from bot.quotas.policy import Standing
from bot.texts import Value, say

_BAR = 10


def what_is_left(standing: Standing, locale: str) -> str:
    """One sentence about a member's allowance."""
    if standing.limit is None or standing.left is None:
        return say(locale, "left-unlimited", taken=standing.taken)
    values: dict[str, Value] = {
        "left": standing.left,
        "limit": standing.limit,
        "granted": standing.granted,
        "period": say(locale, f"period-{standing.window.period}"),
        "ends": str(standing.window.end // 1000),
    }
    return say(locale, "left-granted" if standing.granted else "left", **values)


def bar(part: int, whole: int) -> str:
    """How much of the whole is there; anything that is there shows."""
    full = min(_BAR, -(-_BAR * part // whole)) if whole > 0 else 0
    return f"`{'█' * full}{'░' * (_BAR - full)}`"
