"""S14: many use the bot at once, the load of `benchmarks/flood.py`: for two minutes, then a rush."""

from __future__ import annotations

import asyncio

from benchmarks.flood import busy_house, promptness
from benchmarks.report import Figure
from tests.scorecard.figures import measured
from tests.scorecard.row import Measured, Row

_NORMAL_SECONDS, _RUSH_SECONDS = 120, 10
_NO_LIMIT = 10_000


async def _figures(places: int | None, normal_seconds: int) -> list[Figure]:
    async with busy_house(places) as (crowd, bot):
        return await promptness(crowd, bot, normal_seconds=normal_seconds, rush_seconds=_RUSH_SECONDS)


def measure() -> Measured:
    return measured(asyncio.run(_figures(None, _NORMAL_SECONDS)))


def broken() -> Measured:
    """An intake without a limit: whoever comes waits behind everybody else."""
    return measured(asyncio.run(_figures(_NO_LIMIT, _RUSH_SECONDS)))


ROW = Row(
    14,
    "answers at once",
    "100 uses a second for 120 s: p99 under 250 ms, p99.9 under 1 s; then 400 a second for 10 s: none above 2.5 s",
    "tests/unit/test_intake.py",
    measure,
    broken,
)
