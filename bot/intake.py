"""How many interactions may be under way at once, and how many of them one server."""

from __future__ import annotations

import logging
from collections import Counter

from bot.clock import Clock
from bot.errors import Code, Refused

log = logging.getLogger(__name__)
_LOG_SECONDS = 60.0


class Intake:
    """Places for interactions. Whoever has as many as are free gets no more.

    So one server that floods the bot takes half of the places, two take a third each, and so on: somebody else
    always finds one. A server is known by its id, a member in direct messages by theirs.
    """

    def __init__(self, places: int, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._held: Counter[int] = Counter()
        self._under_way = 0
        self.turned_away = 0
        """Since the start."""
        self._told = 0
        self._told_at: float | None = None

    @property
    def under_way(self) -> int:
        return self._under_way

    def enter(self, who: int) -> None:
        """Take a place, to be given back by `leave`. Raises `Refused` without having taken one."""
        if not self._has_room(who):
            self.turned_away += 1
            self._tell()
            raise Refused(Code.BUSY)
        self._held[who] += 1
        self._under_way += 1

    def leave(self, who: int) -> None:
        self._under_way -= 1
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]

    def _has_room(self, who: int) -> bool:
        return self._held[who] < self._places - self._under_way

    def _tell(self) -> None:
        """At once, and then once a minute as long as it goes on."""
        now = self._clock.monotonic()
        if self._told_at is None or now - self._told_at >= _LOG_SECONDS:
            new, self._told, self._told_at = self.turned_away - self._told, self.turned_away, now
            log.warning("busy: %d interactions turned away, %d since the start", new, self.turned_away)
