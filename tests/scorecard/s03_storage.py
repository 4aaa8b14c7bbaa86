"""S3: the storage survives lost and changed bytes, and comes back from a backup.

The log of a killed bot is cut at any byte, or eight bytes of it are changed: a start has to find the first n
commits, whole, with counters that equal the ledger. In the file at rest whole pages or eight bytes of one are
changed, or it is cut short: a start has to refuse with the way back and every byte as it was, or open what is
there; SQLite has no check sums for rows, so some changes inside a row cannot be seen. The drill spoils a
database with 10,000 jobs and restores it. Power cuts of the running bot are the chaos row `power`. Broken on
purpose: a start that begins anew.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.parked import park
from bot.database import Database, DatabaseError
from bot.database.backup import back_up
from bot.database.restoring import restore
from tests import storage
from tests.bookkeeping import transact
from tests.scorecard.row import Measured, Row

COPIES, FLIPS, JOBS, SECONDS = 10_000, 500, 10_000, 60


def measure() -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        left = storage.make(folder, commits=90)
        cuts = storage.cut_logs(left, folder, COPIES, seed=3)
        flips = storage.flip_pages(left, folder, FLIPS, seed=3)
        seconds, drilled = _drill(folder / "drill")
        synchronous = asyncio.run(_synchronous(folder / "asked.db"))
    ends = flips.ends
    text = (
        f"{COPIES:,} cut or flipped logs: {len(cuts.wrong)} inconsistent, {len(cuts.prefixes)} prefixes;"
        f" {FLIPS} spoilt files: {ends['refused']} refused untouched, {ends['opened as it is']} opened as is,"
        f" {ends['overwritten']} overwritten; {drilled:,} jobs restored in {seconds:.1f} s;"
        f" synchronous {synchronous}"
    )
    kept = not cuts.wrong and not flips.wrong and drilled == JOBS and seconds <= SECONDS and synchronous == 2
    return Measured(text, kept)


def broken() -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        left = storage.make(folder, commits=90)
        found = storage.flip_pages(left, folder, FLIPS, seed=3, how=storage.start_anew)
    return Measured(
        f"a start that begins anew: {found.ends['overwritten']} of {FLIPS} overwritten", not found.wrong
    )


def _drill(folder: Path) -> tuple[float, int]:
    """Seconds from the refused start to the restored one, and how many jobs are there."""
    folder.mkdir()
    path = folder / "twodeck.db"
    with closing(storage.start(path)) as connection:
        transact(connection, lambda tx: park(tx, JOBS, now=1))
    back_up(path, folder / "backups", now=int(time.time() * 1000), keep=3)
    path.write_bytes(path.read_bytes()[: 1 << 20])
    begun = time.monotonic()
    try:
        storage.start(path).close()
    except DatabaseError:
        restore(folder, None, now=int(time.time() * 1000))
    with closing(storage.start(path)) as connection:
        jobs = connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    return time.monotonic() - begun, jobs


async def _synchronous(path: Path) -> int:
    """What the bot's own connection asks of the disk; 2 is FULL."""
    database = Database(path)
    await database.open()
    row = await database.work(lambda tx: tx.one("PRAGMA synchronous"))
    await database.close()
    return row[0] if row else -1


ROW = Row(
    3,
    "storage is durable",
    "10,000 spoilt logs: 0 inconsistent; 500 spoilt files: 0 overwritten; restored in 60 s; synchronous=FULL",
    "tests/unit/test_storage.py",
    measure,
    broken,
)
