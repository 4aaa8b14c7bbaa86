"""A store that is full: the oldest results make room, then new jobs are refused; nothing under way is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.files.space import Space
from bot.files.store import share
from bot.jobs import store as jobs
from bot.jobs.job import Source, State
from bot.jobs.retention import release_oldest
from tests.unit.test_retention import DAY, START, House

MEBIBYTE = 1 << 20


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


def space(house: House, tmp_path: Path, *, most_mb: int = 0, free_mb: int = 0) -> Space:
    seen = iter(range(0, 10_000, 10))
    found = Space(house.db, tmp_path, most_mb=most_mb, free_mb=free_mb, monotonic=lambda: float(next(seen)))
    house.upkeep._space = found
    return found


async def fill(house: House, name: str, *, state: State = State.DONE, hours_ago: float = 2) -> None:
    """A job with a source that counts as a mebibyte."""
    await house.job(name, state=state)
    ended = int(START - hours_ago * 3600_000)

    def unit(tx: Tx) -> None:
        [row] = tx.all("SELECT hash FROM file_refs WHERE owner = ?", (f"job:{name}",))
        jobs.stage_source(tx, name, Source("a", "", "a.mp3", 1, row["hash"], 9.0))
        tx.run("UPDATE files SET size = ?", (MEBIBYTE,))
        tx.run("UPDATE jobs SET ended_at = ? WHERE id = ? AND ended_at > 0", (ended, name))

    await house.db.work(unit)


async def kept(house: House) -> set[str]:
    rows = await house.db.work(lambda tx: tx.all("SELECT owner FROM file_refs ORDER BY owner"))
    return {row[0].removeprefix("job:") for row in rows}


async def test_the_oldest_results_make_room_and_nothing_else(house: House, tmp_path: Path) -> None:
    for name, hours, state in (
        *(("oldest", 9, State.DONE), ("older", 8, State.DONE), ("young", 0.5, State.DONE)),
        *(("open", 9, State.SUBMITTED), ("entered", 10, State.DONE)),
    ):
        await fill(house, name, hours_ago=hours, state=state)
    held = "SELECT hash FROM file_refs WHERE owner = 'job:entered'"
    digest = await house.db.work(lambda tx: tx.all(held)[0][0])
    await house.db.work(lambda tx: share(tx, digest, "contest:c", START + DAY))
    found = space(house, tmp_path, most_mb=4)
    with pytest.raises(Refused) as refused:
        await found.check()
    assert refused.value.refusal.code is Code.NO_SPACE
    await house.after(0)
    assert await kept(house) == {"young", "open", "contest:c"}
    await found.check()


async def test_without_an_order_the_young_ones_would_go(house: House) -> None:
    """The broken variant: whatever has ended."""
    await fill(house, "young", hours_ago=0.5)
    assert await house.db.work(lambda tx: release_oldest(tx, START, START)) == [MEBIBYTE]
    assert await house.db.work(lambda tx: release_oldest(tx, START, START)) == []


async def test_too_little_disk_refuses_new_jobs_and_more_lets_them_in(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage, free = type(shutil.disk_usage(tmp_path)), [100 * MEBIBYTE]

    def disk_usage(_: Path) -> object:
        return usage(1 << 40, 0, free[0])

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    found = space(house, tmp_path, free_mb=512)
    with pytest.raises(Refused):
        await found.check()
    free[0] = 513 * MEBIBYTE
    await found.check()
