"""S22: twelve members of fifty servers do 20,000 things through the services, with ids of anywhere.

And every statement in the source about a table with a server names one, finds one row by its id, or has a reason.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from bot.database import Database
from tests.scorecard.commands import tests_pass
from tests.scorecard.row import Measured, Row
from tests.tenants import Town
from tests.unit.test_tenants import break_scope

_SHORT = "tests/unit/test_tenants.py"


async def _town(guilds: int, acts: int) -> tuple[Town, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder, "twodeck.db"))
        await db.open()
        try:
            town = Town(db, Path(folder), guilds, seed=22)
            return town, await town.live(acts)
        finally:
            await db.close()


def measure() -> Measured:
    town, leaks = asyncio.run(_town(50, 20_000))
    statements = tests_pass(_SHORT, "-k", "statement")
    done, refused = town.done.total(), town.refused.total()
    text = f"{done:,} acts done and {refused:,} refused, {len(leaks)} foreign marks; statements: {statements.text}"
    return Measured(text, statements.kept and not leaks)


def broken() -> Measured:
    """A list without its server, and a job that is found wherever it is."""
    found: dict[str, int] = {}
    for leak in ("listed", "get"):
        with pytest.MonkeyPatch.context() as patch:
            break_scope(patch, leak)
            found[leak] = len(asyncio.run(_town(10, 1000))[1])
    return Measured(f"foreign marks: {found}", not all(found.values()))


ROW = Row(
    22,
    "servers learn nothing of one another",
    "50 servers, 20,000 acts: 0 foreign marks; every query on a table with servers names one or has a reason",
    _SHORT,
    measure,
    broken,
)
