"""Charts, drawn in a capped child: a guild's use, the ranks of a contest.

They have figures and no words: the font that comes with the drawing library knows the letters of few languages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.files.store import FileStore
from bot.worker.pool import Limits, Pool

_LIMITS = Limits(memory_bytes=1024 << 20, cpu_seconds=30, file_bytes=8 << 20, open_files=32, wall_seconds=60)


Panel = Sequence[tuple[str, int]]
"""One row of bars: a label and a value for each."""


@dataclass(frozen=True)
class Row:
    """One row of a ranking."""

    rank: int
    name: str
    points: int
    won: bool


class Charts:
    """Draws in `pool`."""

    def __init__(self, pool: Pool, files: FileStore) -> None:
        self._pool = pool
        self._files = files

    async def draw(self, panels: Sequence[Panel]) -> bytes:
        """A PNG with one panel below the other. Raises `Refused`."""
        return await self._drawn("bot.audio.chart:draw", {"panels": panels})

    async def rank(self, rows: Sequence[Row]) -> bytes:
        """A PNG with one row below the other. Raises `Refused`."""
        return await self._drawn("bot.audio.ranking:draw", {"rows": [asdict(row) for row in rows]})

    async def _drawn(self, target: str, arguments: dict[str, Any]) -> bytes:
        with self._files.room() as folder:
            arguments = {**arguments, "path": str(folder / "chart.png")}
            await self._pool.run(target, arguments, directory=folder, limits=_LIMITS)
            return await asyncio.to_thread((folder / "chart.png").read_bytes)
