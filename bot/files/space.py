"""How much the store may hold, and whether there is room for more: new jobs are refused before the disk is full."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from bot.database import Database, Tx
from bot.errors import Code, Refused

FULL_SHARE = 0.9
"""Of the budget, from which on the oldest results make room."""
_FRESH_SECONDS = 5.0
_MEBIBYTE = 1 << 20


class Space:
    """`most_mb` for the files of the store, 0: as much as there is; `free_mb` of the disk stay free in any case."""

    def __init__(
        self, db: Database, folder: Path, *, most_mb: int, free_mb: int, monotonic: Callable[[], float]
    ) -> None:
        self._db = db
        self._folder = folder
        self._most = most_mb * _MEBIBYTE
        self._free = free_mb * _MEBIBYTE
        self._monotonic = monotonic
        self._seen_at = -_FRESH_SECONDS
        self._missing = 0

    async def check(self) -> None:
        """Raises `Refused` while there is no room for a new job; looked at every few seconds at most."""
        if self._monotonic() - self._seen_at >= _FRESH_SECONDS:
            self._seen_at, self._missing = self._monotonic(), await self._lacking(1.0)
        if self._missing > 0:
            raise Refused(Code.NO_SPACE)

    async def wanted(self) -> int:
        """Bytes that the oldest results should make room for; 0 while there is enough."""
        self._seen_at = -_FRESH_SECONDS
        return max(0, await self._lacking(FULL_SHARE))

    async def _lacking(self, share: float) -> int:
        """Bytes that would have to go: above this share of the budget, or below what has to stay free."""
        disk = await asyncio.to_thread(shutil.disk_usage, self._folder)
        lacking = self._free - disk.free
        if self._most:
            lacking = max(lacking, await self._db.work(stored) - int(self._most * share))
        return lacking


def stored(tx: Tx) -> int:
    """Bytes of all files that somebody refers to."""
    row = tx.one("SELECT coalesce(sum(size), 0) FROM files")
    return row[0] if row else 0
