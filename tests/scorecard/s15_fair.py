"""S15: one server floods the bot with twice what all servers together send on a busy day, and a member of another
server uses it once a second (`benchmarks/flood.py`)."""

from __future__ import annotations

import asyncio

from benchmarks.flood import busy_house, fairness
from benchmarks.report import Figure
from tests.scorecard.figures import measured
from tests.scorecard.row import Measured, Row

_NO_LIMIT = 10_000


async def _figures(places: int | None) -> list[Figure]:
    async with busy_house(places) as (crowd, _):
        return await fairness(crowd)


def measure() -> Measured:
    return measured(asyncio.run(_figures(None)))


def broken() -> Measured:
    """An intake without a limit: the flood is let in as a whole."""
    return measured(asyncio.run(_figures(_NO_LIMIT)))


ROW = Row(
    15,
    "stays fair under a flood",
    "beside 200 uses a second of one server a quiet member waits at most twice as long and is never told busy; "
    "the flood is told within 1 s",
    "tests/unit/test_intake.py",
    measure,
    broken,
)
