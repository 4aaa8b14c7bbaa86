"""Counts what was turned away, by reason; it tells the log once a minute at most, however many there are."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from bot.metrics import counters

log = logging.getLogger(__name__)
EVERY_SECONDS = 60.0
FAULT, NOT_STORED = "fault", "not stored"
_OURS = frozenset({FAULT, NOT_STORED})


class Tally:
    """`counts` are all since the start."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told_at = -EVERY_SECONDS
        self._traced_at = -EVERY_SECONDS
        self._untold: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """`reason` is a word of ours, never of a request."""
        self.counts[reason] += 1
        counters.TURNED_AWAY.labels(reason).inc()
        self._untold[reason] += 1
        if self._monotonic() - self._told_at >= EVERY_SECONDS:
            self.tell()

    def fault(self, error: BaseException) -> None:
        """A fault of ours: its kind and place once a minute, without the address that was asked for."""
        if self._monotonic() - self._traced_at >= EVERY_SECONDS:
            self._traced_at = self._monotonic()
            log.error("a request could not be answered", exc_info=error)
        self.add(FAULT)

    def tell(self) -> None:
        """All that was not told yet, in one line."""
        if self._untold:
            level = logging.WARNING if _OURS & self._untold.keys() else logging.INFO
            told = ", ".join(f"{count} x {reason}" for reason, count in self._untold.most_common())
            log.log(level, "turned away: %s", told)
            self._untold.clear()
            self._told_at = self._monotonic()
