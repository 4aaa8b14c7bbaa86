"""The one clock of the stand-in: every limit and every timestamp is read from it, so that it can be moved."""

from __future__ import annotations

import asyncio
import contextlib
import time


class Clock:
    """Real time plus a distance that tests and the page may add."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """UTC seconds since 1970."""
        return time.time() + self._ahead

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Jump ahead and wake every sleeper whose time has come."""
        self._ahead += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep_until(self, due: float) -> None:
        """Sleep until `monotonic` says `due`."""
        while (left := due - self.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)
