"""Readiness in the bot's own process: each part goes red by what really stops it, and green again."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot.clock import Clock
from bot.database import Database
from bot.metrics.gateway import Gateway
from bot.runner import Runner
from bot.web.health import look
from bot.web.readiness import Readiness
from bot.worker.pool import Limits, Pool

TARGETS = "tests.wire.worker_targets"
LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=10, file_bytes=1 << 20, open_files=32, wall_seconds=20.0)
READY = {"gateway": "", "database": "", "workers": ""}


class Bot:
    """Everything that readiness looks at."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.gateway = Gateway()
        self.runner = Runner(db, Clock(), [])
        self.pool = Pool(1, allowed=(TARGETS,))
        self.readiness = Readiness(db, self.gateway, self.runner, [self.pool])


@pytest_asyncio.fixture
async def bot(db: Database) -> AsyncIterator[Bot]:
    bot = Bot(db)
    bot.gateway.connected = True
    bot.runner.start()
    yield bot
    await bot.readiness.stop()
    await bot.runner.stop()
    await bot.pool.close()


async def test_a_bot_at_work_is_ready_and_leaves_nothing_behind(bot: Bot) -> None:
    assert await bot.readiness.parts() == READY
    assert await bot.db.work(lambda tx: tx.all("SELECT * FROM command_syncs")) == []


async def test_a_bot_that_begins_is_not(db: Database) -> None:
    bot = Bot(db)
    assert await bot.readiness.parts() == {"gateway": "not connected", "database": "", "workers": "not started"}
    await bot.pool.close()


async def test_a_full_disk_is_not_ready(bot: Bot, tmp_path: Path) -> None:
    """A look that only reads finds nothing wrong: that is what readiness must not be."""
    assert await bot.readiness.parts() == READY
    with limited(resource.RLIMIT_FSIZE, (tmp_path / "twodeck.db-wal").stat().st_size):
        assert (await bot.readiness.parts())["database"] == "cannot be written (OperationalError)"
        assert await bot.db.work(look)
    assert await bot.readiness.parts() == READY


async def test_a_database_that_hangs_is_asked_once(bot: Bot) -> None:
    connection = bot.db._connection
    assert connection is not None
    hanging = asyncio.create_task(connection.hop(lambda _: time.sleep(4)))
    await asyncio.sleep(0)
    answers = await asyncio.gather(*(bot.readiness.parts() for _ in range(50)))
    assert {answer["database"] for answer in answers} == {"does not answer"}
    assert len(bot.db._asked) <= 1
    await hanging
    assert await bot.readiness.parts() == READY


async def test_a_closed_database_is_not_ready(bot: Bot) -> None:
    await bot.runner.stop()
    await bot.db.close()
    parts = await bot.readiness.parts()
    assert (parts["database"], parts["workers"]) == ("cannot be written (DatabaseClosedError)", "not started")


async def test_a_machine_that_starts_no_process_is_not_ready(bot: Bot, tmp_path: Path) -> None:
    async def work() -> None:
        await bot.pool.run(f"{TARGETS}:describe", {}, directory=tmp_path, limits=LIMITS)

    await work()
    with limited(resource.RLIMIT_NOFILE, 3), pytest.raises(OSError, match="Too many open files"):
        await work()
    assert (await bot.readiness.parts())["workers"] == "no worker can be started"
    await work()
    assert await bot.readiness.parts() == READY
    with pytest.raises(FileNotFoundError):
        await bot.pool.run(f"{TARGETS}:describe", {}, directory=tmp_path / "gone", limits=LIMITS)
    assert await bot.readiness.parts() == READY, "that was the caller's fault"


async def test_a_runner_that_looks_for_nothing_is_stuck(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = bot.runner._clock
    later = clock.monotonic() + 200
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert (await bot.readiness.parts())["workers"] == "stuck"


@contextmanager
def limited(kind: int, most: int) -> Generator[None]:
    """What this process may have of something."""
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))
