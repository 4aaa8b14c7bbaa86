"""Measures how late the event loop is, twice a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.metrics import counters

_SECONDS = 0.5


class LoopLag:
    """One task between `start` and `stop`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._measure(), name="loop lag")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _measure(self) -> None:
        while True:
            due = self._monotonic() + _SECONDS
            await asyncio.sleep(_SECONDS)
            counters.LOOP_LAG.observe(max(0.0, self._monotonic() - due))
