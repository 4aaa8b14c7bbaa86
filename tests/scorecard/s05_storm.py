"""S5: callbacks lost, repeated, late and out of order."""

from __future__ import annotations

from tests.scorecard.commands import table_of, tests_pass
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    some = table_of("tests.chaos", "storm", "--jobs", "2000")
    none = table_of("tests.chaos", "storm", "--jobs", "2000", "--lost-callbacks", "100")
    return Measured(f"{some.text}. All lost: {none.text}", some.kept and none.kept)


def broken() -> Measured:
    """A bot that submits again what it may have submitted is found out by the checker over the same history."""
    found = tests_pass("tests/chaos/test_checker.py")
    return Measured(found.text, not found.kept)


ROW = Row(
    5,
    "lost, repeated, late and shuffled callbacks are harmless",
    "2,000 jobs, 30 % lost, 30 % repeated: all end, 0 double effects; with all lost, too",
    "tests/chaos/test_chaos.py",
    measure,
    broken,
)
