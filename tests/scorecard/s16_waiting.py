"""S16: 10,000 jobs in flight.

`benchmarks/waiting.py`: a bot's real parts with 10,000 jobs at a provider that never ends them, killed and
started again; its memory, its loop, its polls. Broken on purpose: a bot that polls each job on its own every 30
s.
"""

from __future__ import annotations

from tests.scorecard.commands import table_of, tests_pass
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    return table_of("benchmarks", "waiting")


def broken() -> Measured:
    found = tests_pass("tests/unit/test_in_flight.py", "-k", "found_out")
    return Measured(found.text, not found.kept)


ROW = Row(
    16,
    "10,000 jobs in flight cost next to nothing",
    "RSS at most 300 MB, loop lag p99 at most 50 ms, first poll within 10 s of a restart, polls within the rate",
    "tests/unit/test_in_flight.py",
    measure,
    broken,
)
