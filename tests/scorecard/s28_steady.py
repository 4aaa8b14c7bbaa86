"""S28: two hours at twenty times the speed of a busy server with one fault in a hundred (`tests/soak`).

Before them the container says of itself that it is hardened (`hardened.py`).
"""

from __future__ import annotations

from tests.scorecard import hardened
from tests.scorecard.commands import table_of
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    return _both(hardened.measure(), table_of("tests.soak", "--hours", "2"))


def broken() -> Measured:
    """Root's rights on a root that can be written to; a bot that leaves 20 kB and a file open at each step."""
    loose, leaking = hardened.broken(), table_of("tests.soak", "--minutes", "6", "--broken", "leak")
    return Measured(_both(loose, leaking).text, loose.kept or leaking.kept)


def _both(one: Measured, other: Measured) -> Measured:
    return Measured(f"{one.text}. {other.text}", one.kept and other.kept)


ROW = Row(
    28,
    "runs hardened and steadily",
    "all assertions of the container; 2 h, 1 % faults: < 1 MB an hour, handles 0, 0 exceptions, stop in 10 s",
    "tests/unit/test_soak.py",
    measure,
    broken,
)
