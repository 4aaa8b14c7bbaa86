"""S21: bots that log at DEBUG are killed again and again, with canaries for token, keys and callback addresses.

They are looked for in the log, the database, its backups and every message; in what every fault of a provider makes
the bot say; and in what a worker is told.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.chaos import kills
from tests.scorecard.commands import tests_pass
from tests.scorecard.row import Measured, Row

_SHORT = "tests/wire/test_callback_faults.py"
_KILLS = 25


def _lives(count: int, broken: str = "") -> tuple[int, list[str]]:
    """Jobs that were played, and where a secret was found."""
    with tempfile.TemporaryDirectory() as folder:
        run = kills.run(
            Path(folder), lambda _: None, kills=count, jobs_per_life=4, lost=0.1, seed=21, broken=broken, debug=True
        )
        tally = asyncio.run(run)
    return tally.counts["jobs"], [violation for violation in tally.violations if violation.startswith("I8")]


def measure() -> Measured:
    jobs, leaks = _lives(_KILLS)
    faults = tests_pass(_SHORT, "tests/wire/test_hosted_faults.py", "tests/wire/test_worker.py")
    text = f"{_KILLS} kills, {jobs} jobs at DEBUG: {len(leaks)} secrets told; every fault: {faults.text}"
    return Measured(text, faults.kept and not leaks)


def broken() -> Measured:
    """A bot that writes a provider's key into its log."""
    _, leaks = _lives(2, "tell")
    return Measured(f"{len(leaks)} secrets told", not leaks)


ROW = Row(
    21,
    "keeps secrets",
    "canaries in all secrets, kills and faults at DEBUG: 0 in logs, database, backups, messages and workers",
    _SHORT,
    measure,
    broken,
)
