"""S1: kill the bot anywhere."""

from __future__ import annotations

from tests.scorecard.commands import table_of
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    every = table_of("tests.chaos", "kills", "--kills", "1000")
    lossy = table_of("tests.chaos", "kills", "--kills", "1000", "--lost-callbacks", "10")
    return Measured(f"{every.text}. With 10 % lost: {lossy.text}", every.kept and lossy.kept)


def broken() -> Measured:
    """Chaos finds out each of its own broken bots: then its answer is good, and the row's red."""
    found = table_of("tests.chaos", "broken")
    return Measured(found.text, not found.kept)


ROW = Row(
    1,
    "survives `kill -9` anywhere",
    "1,000 kills over 4,000 jobs, with all callbacks and with 10 % lost: 0 lost, 0 posted twice, 0 submitted twice",
    "tests/chaos/test_chaos.py",
    measure,
    broken,
)
