"""S15: one server floods the bot with twice what all servers together send on a busy day, and a member of another
server uses it once a second (`benchmarks/flood.py`)."""

from __future__ import annotations

import asyncio

from benchmarks.flood import busy_house, fairness
from benchmarks.report import Figure
from tests.scorecard.figures import measured, missed
from tests.scorecard.row import Measured, Row

_SLOW = 0.3
"""Seconds that Discord takes for each first answer: then the flood alone would fill all places."""


async def _figures(broken: str, *, slow: float) -> list[Figure]:
    async with busy_house(broken) as (crowd, _):
        crowd.slow_down(slow)
        return await fairness(crowd)


def measure() -> Measured:
    swift, slow = (measured(asyncio.run(_figures("", slow=seconds))) for seconds in (0, _SLOW))
    return Measured(f"{swift.text}. A Discord that takes {_SLOW} s: {slow.text}", swift.kept and slow.kept)


def broken() -> Measured:
    """Places are for whoever comes first."""
    return missed(asyncio.run(_figures("without-shares", slow=_SLOW)))


ROW = Row(
    15,
    "stays fair under a flood",
    "beside 200 uses a second of one server a quiet member waits at most twice as long and is never told busy; "
    "the flood is told within 1 s",
    "tests/unit/test_intake.py",
    measure,
    broken,
)
