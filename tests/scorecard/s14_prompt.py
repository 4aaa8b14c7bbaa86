"""S14: many use the bot at once, the load of `benchmarks/flood.py`: for two minutes, then a rush."""

from __future__ import annotations

import asyncio

from benchmarks.flood import busy_house, promptness, rushing
from benchmarks.report import Figure
from tests.scorecard.figures import measured, missed
from tests.scorecard.row import Measured, Row

_NORMAL_SECONDS, _RUSH_SECONDS = 120, 10
_SLOW = 0.12
"""Seconds that Discord takes for each first answer: then no bot has places for 400 a second, however fast it is."""


async def _busy_day() -> list[Figure]:
    async with busy_house() as (crowd, bot):
        return await promptness(crowd, bot, normal_seconds=_NORMAL_SECONDS, rush_seconds=_RUSH_SECONDS)


async def _slow_rush(broken: str = "") -> list[Figure]:
    async with busy_house(broken) as (crowd, _):
        crowd.slow_down(_SLOW)
        return await rushing(crowd, _RUSH_SECONDS)


def measure() -> Measured:
    day, rush = measured(asyncio.run(_busy_day())), measured(asyncio.run(_slow_rush()))
    return Measured(f"{day.text}. A Discord that takes {_SLOW} s: {rush.text}", day.kept and rush.kept)


def broken() -> Measured:
    """Whoever finds no place waits behind everybody else."""
    return missed(asyncio.run(_slow_rush("in-line")))


ROW = Row(
    14,
    "answers at once",
    "100 uses a second for 120 s: p99 under 250 ms, p99.9 under 1 s; then 400 a second for 10 s: none above 2.5 s",
    "tests/unit/test_intake.py",
    measure,
    broken,
)
