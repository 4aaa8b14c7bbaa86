"""Rate limits: a bucket for each route and place, a global one, the headers that announce them, and the 429."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.playground.clock import Clock
from bot.playground.errors import RateLimited

DISCORD, GENEROUS, OFF = "discord", "generous", "off"
MODES: Mapping[str, int] = {DISCORD: 1, GENEROUS: 20, OFF: 0}
"""By what the limits are multiplied. Discord publishes no figures: ours are those commonly seen."""

_CHANNEL, _TOKEN = r"/channels/(?P<major>\d+)", r"/webhooks/\d+/(?P<major>[^/]+)"
_GLOBAL = 50
_KEPT = 5000


@dataclass(frozen=True)
class Rule:
    """`limit` requests in `seconds` for each `major` part of the path."""

    name: str
    method: str
    path: re.Pattern[str]
    limit: int
    seconds: float


RULES = (
    Rule("create", "POST", re.compile(_CHANNEL + r"/messages"), 5, 5.0),
    Rule("edit", "PATCH", re.compile(_CHANNEL + r"/messages/\d+"), 5, 5.0),
    Rule("delete", "DELETE", re.compile(_CHANNEL + r"/messages/\d+"), 5, 1.0),
    Rule("threads", "POST", re.compile(_CHANNEL + r"(/messages/\d+)?/threads"), 50, 300.0),
    Rule("token", "", re.compile(_TOKEN + r"(/messages/.*)?"), 5, 2.0),
)
_REST = Rule("rest", "", re.compile(r".*"), 50, 1.0)


@dataclass
class _Window:
    ends: float
    used: int = 0


class Limits:
    """Fixed windows on the stand-in's clock, each begun by its first request."""

    def __init__(self, clock: Clock, mode: str = DISCORD) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self.normal = self.mode = mode

    def spend(self, method: str, path: str) -> dict[str, str]:
        """Count one request; returns the headers of its answer. Raises RateLimited when there is none left."""
        factor = MODES[self.mode]
        if not factor:
            return {"Via": "1.1 playground"}
        if not path.startswith(("/interactions/", "/webhooks/")):
            self._spend_global(factor)
        rule, major = _rule(method, path)
        window = self._window((rule.name, major), rule.seconds)
        limit, left = rule.limit * factor, window.ends - self._clock.monotonic()
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - window.used - 1)),
            "X-RateLimit-Reset": f"{self._clock.now() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": rule.name if rule is not _REST else f"rest {major}",
            "Via": "1.1 playground",
        }
        if window.used >= limit:
            raise RateLimited(left, headers=headers | {"X-RateLimit-Scope": "user"})
        window.used += 1
        return headers

    def _spend_global(self, factor: int) -> None:
        window = self._window(("global", ""), 1.0)
        if window.used >= _GLOBAL * factor:
            raise RateLimited(window.ends - self._clock.monotonic(), everywhere=True)
        window.used += 1

    def _window(self, key: tuple[str, str], seconds: float) -> _Window:
        now = self._clock.monotonic()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            if len(self._windows) > _KEPT:
                self._windows = {k: w for k, w in self._windows.items() if w.ends > now}
            window = self._windows[key] = _Window(now + seconds)
        return window


def _rule(method: str, path: str) -> tuple[Rule, str]:
    for rule in RULES:
        if rule.method in ("", method) and (found := rule.path.fullmatch(path)):
            return rule, found["major"]
    return _REST, f"{method} {path.split('/')[1]}"
