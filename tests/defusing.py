"""Sends bombs through the probe of an upload, and says what each costs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.engines.probe import LONGEST_SECONDS, SHORTEST_SECONDS
from bot.errors import Refused
from bot.worker.pool import Limits, Pool

CPU_SECONDS, MEGABYTES = 2.0, 200.0
LIMITS = Limits(memory_bytes=512 << 20, cpu_seconds=60, file_bytes=1 << 20, open_files=32, wall_seconds=300)


@dataclass(frozen=True)
class Cost:
    """Of one file: `end` is the code of its refusal, or its length in seconds."""

    name: str
    end: str | float
    cpu: float
    megabytes: float

    @property
    def through(self) -> bool:
        """Whether it passed for longer than anything may be."""
        return isinstance(self.end, float) and self.end > LONGEST_SECONDS

    @property
    def kept(self) -> bool:
        return not self.through and self.cpu <= CPU_SECONDS and self.megabytes <= MEGABYTES


def defuse(made: Iterable[tuple[str, bytes]], *, each: int = 1, longest: float = LONGEST_SECONDS) -> list[Cost]:
    """`each` files to a child: with one, start and imports count to its cost."""
    return asyncio.run(_defuse(made, each, longest))


async def _defuse(made: Iterable[tuple[str, bytes]], each: int, longest: float) -> list[Cost]:
    costs: list[Cost] = []
    pool = Pool(1, allowed=("tests.bomb_child",))
    with tempfile.TemporaryDirectory(prefix="bombs-") as name:
        batch: list[tuple[str, Path]] = []
        for number, (told, body) in enumerate(made):
            path = Path(name) / str(number)
            path.write_bytes(body)
            batch.append((told, path))
            if len(batch) == each:
                costs += await _weighed(pool, batch, Path(name), longest)
                batch = []
        costs += await _weighed(pool, batch, Path(name), longest)
    await pool.close()
    return costs


async def _weighed(pool: Pool, batch: list[tuple[str, Path]], folder: Path, longest: float) -> list[Cost]:
    if not batch:
        return []
    arguments = {"files": [str(path) for _, path in batch], "min_seconds": SHORTEST_SECONDS, "max_seconds": longest}
    try:
        told = await pool.run("tests.bomb_child:weigh", arguments, directory=folder, limits=LIMITS)
        costs = [Cost(name, *cost) for (name, _), cost in zip(batch, told["costs"], strict=True)]
    except Refused as refused:  # the child went down
        costs = [Cost(name, refused.refusal.code.value, float("inf"), 0.0) for name, _ in batch]
    for _, path in batch:
        path.unlink()
    return costs
