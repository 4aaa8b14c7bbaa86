"""100,000 reservations by 1,000 coroutines, a tenth of them cancelled anywhere: is any account ever overspent?

The same storm over a ledger that looks first and takes later has to be found out.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.report import Figure, print_table
from bot.database import Database
from tests.reservations import Books, Reserve, check_then_act, reserve, storm

ATTEMPTS, COROUTINES, MEMBERS = 100_000, 1_000, 200
BROKEN_ATTEMPTS = 5_000


def main() -> bool:
    started = time.perf_counter()
    books = asyncio.run(_storm(ATTEMPTS, reserve))
    seconds = time.perf_counter() - started
    broken = asyncio.run(_storm(BROKEN_ATTEMPTS, check_then_act))
    told = ", ".join(f"{count} {name}" for name, count in sorted(books.answers.items()))
    return print_table(
        [
            Figure("reservations tried", f"{books.answers.total():,} ({told})"),
            Figure("prefixes of the ledger over a limit", str(len(books.overspent)), "0", not books.overspent),
            Figure("accounts unlike the sums", str(len(books.differing)), "0", not books.differing),
            Figure("tried per second", f"{books.answers.total() / seconds:.0f}"),
            Figure(
                "check-then-act: prefixes over", str(len(broken.overspent)), "at least 1", bool(broken.overspent)
            ),
        ]
    )


async def _storm(attempts: int, how: Reserve) -> Books:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder) / "twodeck.db")
        await db.open()
        try:
            return await storm(db, attempts, COROUTINES, members=MEMBERS, seed=7, how=how)
        finally:
            await db.close()
