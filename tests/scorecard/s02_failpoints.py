"""S2: something fails at every step."""

from __future__ import annotations

from tests.scorecard.commands import table_of, tests_pass
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    return table_of("tests.chaos", "failpoints", "--all")


def broken() -> Measured:
    """An effect without a point is found by the tests of the list."""
    found = tests_pass("tests/chaos/test_points.py")
    return Measured(found.text, not found.kept)


ROW = Row(
    2,
    "survives a failure at every step",
    "each point before and after an effect x raise, timeout, cancel, kill: 0 violations",
    "tests/chaos/test_points.py",
    measure,
    broken,
)
