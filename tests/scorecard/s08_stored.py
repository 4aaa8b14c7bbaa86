"""S8: acknowledged is stored.

10,000 callbacks are each sent until they are answered with 200, sixteen at a time, while one thing after
another befalls the bot: a kill and a start, 2 s in which it can write to no file (`RLIMIT_FSIZE`), 6 s in which
another process holds the database. After a last kill and start every one that was acknowledged has to have its
row. The broken bot answers first and stores then.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks import stored
from tests.scorecard.figures import measured, missed
from tests.scorecard.row import Measured, Row


def _outcome(callbacks: int, module: str) -> stored.Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(stored.measure(Path(folder), callbacks, module))


def measure() -> Measured:
    return measured(stored.figures_of(_outcome(stored.CALLBACKS, "benchmarks.parked")))


def broken() -> Measured:
    return missed(stored.figures_of(_outcome(2000, "tests.wire.hasty_bot")))


ROW = Row(
    8,
    "an acknowledged callback is stored",
    "10,000 callbacks while the disk is full, the database locked, the bot killed: 0 x 2xx without a row",
    "tests/wire/test_stored.py",
    measure,
    broken,
)
