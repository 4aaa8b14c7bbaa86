"""The chart of a guild's use, drawn in a capped child."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.worker.pool import Limits, Pool

_LIMITS = Limits(memory_bytes=1024 << 20, cpu_seconds=30, file_bytes=8 << 20, open_files=32, wall_seconds=60)


@dataclass(frozen=True)
class Panel:
    """One row of bars: its heading, and a label and a value for each bar."""

    heading: str
    bars: Sequence[tuple[str, int]]


class Charts:
    """Draws in `pool`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def draw(self, panels: Sequence[Panel]) -> bytes:
        """A PNG with one panel below the other. Raises `Refused`."""
        with tempfile.TemporaryDirectory(prefix="twodeck-chart-") as name:
            folder = Path(name)
            arguments = {"path": str(folder / "chart.png"), "panels": [asdict(panel) for panel in panels]}
            await self._pool.run("bot.audio.chart:draw", arguments, directory=folder, limits=_LIMITS)
            return await asyncio.to_thread((folder / "chart.png").read_bytes)
