"""S25: a thousand clicks of each of fifty members, in any order and many of them twice, through the real service.

A contest has no rule about the age of members or accounts. The edges that it has, of its phase, of the role that
may vote and of the moment at which that is judged, are tests of `short`.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from unittest import mock

from bot.contests import ballots
from bot.database import Database
from tests.contests import Room
from tests.scorecard.commands import tests_pass
from tests.scorecard.row import Measured, Row
from tests.unit.test_contest_votes import VOTERS, faults, storm, without_key

_SHORT = "tests/unit/test_contest_votes.py"
_CLICKS = 1000


async def _storm(clicks: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder, "twodeck.db"))
        await db.open()
        try:
            room = Room(db, Path(folder))
            contest = await room.voting(members=8, winners=3)
            return await faults(room, contest, await storm(room, contest, clicks, seed=1))
        finally:
            await db.close()


def measure() -> Measured:
    clicks = _CLICKS * len(VOTERS)
    found, edges = asyncio.run(_storm(clicks)), tests_pass(_SHORT)
    text = f"{clicks:,} clicks, {len(found)} faults; edges: {edges.text}"
    return Measured(text, edges.kept and not found)


def broken() -> Measured:
    """Whoever clicks again gets another ballot."""
    with mock.patch.object(ballots, "open_for", without_key):
        found = asyncio.run(_storm(_CLICKS))
    return Measured("; ".join(found[:3]), not found)


ROW = Row(
    25,
    "counts votes honestly",
    "1,000 clicks of each of 50 members at once: one ballot each, nobody else's, the tally is the recount",
    _SHORT,
    measure,
    broken,
)
