"""S19: the disk, a lock, the clock.

Callbacks arrive all the time while the database may grow by no page, while it may not be written to, and while
another program holds it for 30 s: what is not stored has to be answered with 503, everything that was answered
with 200 has to be there, and the first 200 has to come within 10 s of the end. A job that waits for ten seconds
has to have its turn though the wall clock is put forward or back by an hour meanwhile, and its deadline has to
stay as far ahead. A bot with 100 jobs is stopped with SIGSTOP for a minute and goes on asking. Broken on
purpose: a door that answers 200 in any case, a runner that believes its clock.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

from benchmarks.parked import ParkedBot, Provider, free_address
from bot.database import Database
from tests.scorecard.row import Measured, Row
from tests.weather import HOUR_MS, TROUBLES, Hasty, Seen, full, jump, weather

SECONDS = {"disk full": 20.0, "read-only": 20.0, "locked": 30.0}
RECOVERED, STUCK, STOPPED = 10.0, 60.0, 60.0


def measure() -> Measured:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seen = {
            name: asyncio.run(weather(folder / f"{name}.db", TROUBLES[name], SECONDS[name])) for name in SECONDS
        }
        jumps = {by: asyncio.run(_jump(folder / f"{by}.db", by, follows=True)) for by in (HOUR_MS, -HOUR_MS)}
        awake = asyncio.run(_stopped(folder / "stopped"))
    told = [f"{name}: {_told(one)}" for name, one in seen.items()]
    told += [f"clock {by // 1000:+} s: turn after {after:.1f} s" for by, (after, _) in jumps.items()]
    told.append(f"stopped for {STOPPED:.0f} s: asks again after {awake:.1f} s")
    steady = all(after < STUCK and abs(left - HOUR_MS) < 30_000 for after, left in jumps.values())
    return Measured("; ".join(told), all(map(_kept, seen.values())) and steady and awake <= RECOVERED)


def broken() -> Measured:
    with tempfile.TemporaryDirectory() as name:
        hasty = asyncio.run(weather(Path(name, "full.db"), full, 2, Hasty))
        after, _ = asyncio.run(_jump(Path(name, "jump.db"), -HOUR_MS, follows=False))
    text = f"hasty door: {len(hasty.missing)} lost; believing runner: turn after {after:.1f} s"
    return Measured(text, _kept(hasty) or after < STUCK)


def _told(seen: Seen) -> str:
    late = f"{seen.during.count(503)} x 503, {len(seen.missing)} answered and lost"
    return f"{late}, back after {seen.recovered:.2f} s, integrity {seen.verdict}"


def _kept(seen: Seen) -> bool:
    answered = 503 in seen.during and set(seen.during) <= {200, 503}
    return answered and not seen.missing and seen.recovered <= RECOVERED and seen.verdict == "ok"


async def _jump(path: Path, by: int, *, follows: bool) -> tuple[float, int]:
    database = Database(path)
    await database.open()
    try:
        return await jump(database, by, wait=10, patience=STUCK + 5, follows=follows)
    finally:
        await database.close()


async def _stopped(folder: Path) -> float:
    """Seconds from SIGCONT to the next question about a job."""
    provider = Provider()
    await provider.start()
    try:
        settings = {"TWODECK_LISTEN": free_address(), "TWODECK_POLL_SECONDS": "2"}
        provider.park(100, "http://127.0.0.1:9")
        async with ParkedBot(folder, provider, settings) as bot:
            await bot.do("park", count=100)
        async with ParkedBot(folder, provider, settings) as bot:
            await asyncio.sleep(5)
            os.kill(bot.pid, signal.SIGSTOP)
            await asyncio.sleep(STOPPED)
            asked, begun = len(provider.asked), time.monotonic()
            os.kill(bot.pid, signal.SIGCONT)
            while len(provider.asked) == asked and time.monotonic() - begun < STUCK:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            return time.monotonic() - begun
    finally:
        await provider.close()


ROW = Row(
    19,
    "disk, lock and clock do no harm",
    "0 corrupt, nothing answered and not stored, back within 10 s, nothing waits for over 60 s",
    "tests/unit/test_weather.py",
    measure,
    broken,
)
