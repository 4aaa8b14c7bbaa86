"""S28: two hours at twenty times the speed of a busy server with one fault in a hundred (`tests/soak`).

That the container is hardened is tested where it is built.
"""

from __future__ import annotations

from tests.scorecard.commands import table_of
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    return table_of("tests.soak", "--hours", "2")


def broken() -> Measured:
    """A bot that leaves 20 kB and an open file behind at each step of a job."""
    return table_of("tests.soak", "--minutes", "6", "--broken", "leak")


ROW = Row(
    28,
    "runs steadily",
    "2 h at 20 times speed, 1 % faults: under 1 MB an hour, handles 0, 0 unhandled exceptions, stop within 10 s",
    "tests/unit/test_soak.py",
    measure,
    broken,
)
