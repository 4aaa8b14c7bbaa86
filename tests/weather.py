"""A disk that is full or read-only, a database that another program holds, a clock that is put forward or back."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Coroutine
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.database import Database, DatabaseError, Tx
from bot.jobs import inbox
from bot.jobs import store as jobs
from bot.jobs.job import Job, State
from bot.posts import store as posts
from bot.runner import Runner
from bot.web import callbacks
from tests.wire.test_callbacks import SECRET, UPLOADS, Door, ask

HOUR_MS = 3600_000
Trouble = Callable[[Database, Path, float], Coroutine[Any, Any, None]]


@dataclass
class Seen:
    """Answers while it lasted, seconds until the first 200 after it, and what was promised and is not there."""

    during: list[int] = field(default_factory=list[int])
    recovered: float = float("inf")
    missing: list[str] = field(default_factory=list[str])
    verdict: str = ""


class Hasty(callbacks.Callbacks):
    """Broken on purpose: answers 200, whether it was stored or not."""

    async def _keep(self, *args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            await super()._keep(*args)  # pyright: ignore[reportArgumentType]
        except (sqlite3.Error, DatabaseError):
            return


async def full(db: Database, _: Path, seconds: float) -> None:
    """No page more than there are, and every row that comes takes one."""
    await _pragma(db, f"max_page_count={await _pragma(db, 'page_count')}")
    await db.work(lambda tx: tx.run(_WIDER))
    await asyncio.sleep(seconds)
    await _pragma(db, "max_page_count=1073741823")
    await db.work(lambda tx: tx.run("DROP TRIGGER wide"))


async def read_only(db: Database, _: Path, seconds: float) -> None:
    await _pragma(db, "query_only=ON")
    await asyncio.sleep(seconds)
    await _pragma(db, "query_only=OFF")


async def locked(db: Database, path: Path, seconds: float) -> None:
    """By another connection, as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
        other.execute("ROLLBACK")


_WIDER = (
    "CREATE TEMP TRIGGER wide AFTER INSERT ON main.inbox BEGIN"
    " INSERT INTO command_syncs VALUES (NEW.job, hex(zeroblob(8000)), 0); END"
)
TROUBLES: dict[str, Trouble] = {"disk full": full, "read-only": read_only, "locked": locked}


async def _pragma(db: Database, text: str) -> int:
    assert db._connection is not None
    row = await db._connection.hop(lambda raw: raw.execute(f"PRAGMA {text}").fetchone())
    return row[0] if row else 0


async def weather(
    path: Path, trouble: Trouble, seconds: float, kind: type[callbacks.Callbacks] | None = None
) -> Seen:
    """Callbacks all the time, each of a job of its own, before, during and after the trouble."""
    seen, db = Seen(), Database(path)
    await db.open()
    door = Door(db, "", kind or callbacks.Callbacks, proxies="127.0.0.0/8")
    await door.listener.start("127.0.0.1", 0)
    kept: list[str] = []
    try:
        await _pragma(db, "busy_timeout=200")
        await db.work(lambda tx: [_job(tx, number) for number in range(4_000)])
        lasting, number = asyncio.create_task(trouble(db, path, seconds)), 0
        begun = await _call(door, number, kept)
        while not lasting.done():
            number += 1
            seen.during.append(await _call(door, number, kept))
            await asyncio.sleep(seconds / 300)
        await lasting
        over = time.monotonic()
        while await _call(door, number := number + 1, kept) != 200:  # noqa: ASYNC110 - the door tells nobody
            await asyncio.sleep(0.02)
        seen.recovered = time.monotonic() - over
        assert begun in (200, 503)
        there = {row[0] for row in await db.work(lambda tx: tx.all("SELECT job FROM inbox"))}
        seen.missing = [job for job in kept if job not in there]
        seen.verdict = (await db.work(lambda tx: tx.all("PRAGMA integrity_check")))[0][0]
    finally:
        await door.listener.stop()
        await db.close()
    return seen


async def _call(door: Door, number: int, kept: list[str]) -> int:
    job = f"job{number}"
    status = await door.post(door.url(job))
    if status == 200:
        kept.append(job)
    return status


def _job(tx: Tx, number: int) -> None:
    job = f"job{number}"
    jobs.insert(tx, job, replace(ask(), interaction=job), now=0, deadline=1 << 53)
    inbox.arm(tx, job, SECRET, UPLOADS)


class Jumpy(Clock):
    """A wall clock that can be put forward or back."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead


class Waiting:
    """A line over the jobs table that notes when each job had its turn, and what its deadline was then."""

    name = "jobs"
    room = 8

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.taken: dict[str, float] = {}
        self.left: dict[str, int] = {}

    def clear(self, tx: Tx) -> None: ...

    def reclaim(self, tx: Tx, running: Collection[str]) -> None: ...

    def claim(self, tx: Tx, owner: str, room: int) -> list[Job]:
        now = self._clock.now()
        due = jobs.due(tx, {State.ACCEPTED: room}, now).others
        return jobs.lease(tx, due, owner=owner, lease_until=now)

    def next_wake(self, tx: Tx, since: int) -> int | None:
        return jobs.next_wake(tx, since)

    async def advance(self, row: Job, owner: str) -> None:
        self.taken[row.id] = time.monotonic()
        self.left[row.id] = row.deadline - self._clock.now()


async def jump(
    db: Database, by_ms: int, *, wait: float, patience: float, follows: bool = True
) -> tuple[float, int]:
    """A job that waits for `wait` seconds while the clock jumps: after how many it had its turn (or infinity), and
    how many milliseconds its deadline of an hour was ahead then."""
    clock = Jumpy()
    line = Waiting(clock)
    now = clock.now()

    def unit(tx: Tx) -> None:
        jobs.insert(tx, "one", ask(), now=now, deadline=now + HOUR_MS)
        tx.run("UPDATE jobs SET wake_at = ?", (now + int(wait * 1000),))

    await db.work(unit)
    runner = Runner(db, clock, [line], (jobs.shift, posts.shift) if follows else ())
    runner.start()
    begun = time.monotonic()
    await asyncio.sleep(wait / 4)
    clock.ahead = by_ms
    while "one" not in line.taken and time.monotonic() - begun < patience:  # noqa: ASYNC110 - nor does the line
        await asyncio.sleep(0.02)
    await runner.stop()
    return line.taken.get("one", float("inf")) - begun, line.left.get("one", 0)
