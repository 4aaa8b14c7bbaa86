"""Thousands of jobs at a provider: a restart asks about them at its rate, and each waits for its turn."""

from __future__ import annotations

from pathlib import Path

from benchmarks.lives import Parts, Provider
from benchmarks.parked import park
from bot.clock import Clock
from bot.database import Database

JOBS = 800
RATE = 10.0


async def polls_in_first_minute(db: Database, folder: Path, rate: float | None) -> int:
    """How many a start makes due within a minute."""
    parts = Parts(folder, db, Provider)
    parts.engine.polls_per_second = rate
    now = Clock().now()
    await db.work(lambda tx: park(tx, JOBS, now=now, engine="sunoapi"))
    await db.work(parts.jobs.clear)
    minute = Clock().now() + 60_000
    rows = await db.work(lambda tx: tx.all("SELECT 1 FROM jobs WHERE wake_at <= ?", (minute,)))
    return len(rows)


async def test_a_restart_asks_at_the_providers_rate(db: Database, tmp_path: Path) -> None:
    assert await polls_in_first_minute(db, tmp_path, RATE) <= 61 * RATE


async def test_a_restart_that_asks_about_all_at_once_is_found_out(db: Database, tmp_path: Path) -> None:
    assert await polls_in_first_minute(db, tmp_path, None) == JOBS


async def test_the_more_wait_the_rarer_each_is_asked_about(db: Database, tmp_path: Path) -> None:
    parts = Parts(tmp_path, db, Provider)
    parts.engine.polls_per_second = RATE
    await db.work(lambda tx: park(tx, JOBS, now=0, engine="sunoapi"))
    assert await parts.steps._next_poll(parts.engine) - Clock().now() >= 0.89 * 1000 * JOBS / RATE
