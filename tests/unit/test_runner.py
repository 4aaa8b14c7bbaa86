"""The scheduler: a waiting row costs no task, a ring during a step is never lost, a fault never stops the rest."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import pytest

from bot import failpoints
from bot.clock import Clock
from bot.database import Database, Tx
from bot.jobs import store
from bot.jobs.job import Ask, Job, Source, State
from bot.runner import Runner


@dataclass
class Row:
    id: str


class Counter:
    """A line whose rows are numbers; the even ones fail."""

    name = "numbers"
    room = 3

    def __init__(self, rows: int) -> None:
        self.waiting = [Row(str(n)) for n in range(rows)]
        self.taken: list[Row] = []
        self.done: list[str] = []
        self.most = self.now = 0
        self.rows = rows
        self.finished = asyncio.Event()

    def clear(self, tx: Tx) -> None: ...

    def reclaim(self, tx: Tx, running: Collection[str]) -> None:
        lost = [row for row in self.taken if row.id not in running and row.id not in self.done]
        self.taken = [row for row in self.taken if row not in lost]
        self.waiting += lost

    def claim(self, tx: Tx, owner: str, room: int) -> list[Row]:
        taken, self.waiting = self.waiting[:room], self.waiting[room:]
        self.taken += taken
        return taken

    def next_wake(self, tx: Tx, since: int) -> int | None:
        return None

    async def advance(self, row: Row, owner: str) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        self.done.append(row.id)
        if len(self.done) == self.rows:
            self.finished.set()
        if int(row.id) % 2 == 0:
            raise ValueError("even")


async def test_rows_are_advanced_within_their_room_whatever_fails(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    line = Counter(20)
    runner = Runner(db, Clock(), [line])
    with caplog.at_level(logging.CRITICAL):
        runner.start()
        runner.start()
        async with asyncio.timeout(20):
            await line.finished.wait()
        await runner.stop()
    assert sorted(map(int, line.done)) == list(range(20))
    assert line.most <= 3


class Leases:
    """A line over the jobs table whose first step is lost."""

    name = "jobs"
    room = 3

    def __init__(self) -> None:
        self.owners: list[str] = []
        self.again = asyncio.Event()

    def clear(self, tx: Tx) -> None: ...

    def reclaim(self, tx: Tx, running: Collection[str]) -> None:
        store.reclaim(tx, running, 0)

    def claim(self, tx: Tx, owner: str, room: int) -> list[Job]:
        due = [row["id"] for row in store.waiting(tx, State.ACCEPTED, 10)]
        return store.lease(tx, due, owner=owner, lease_until=9)

    def next_wake(self, tx: Tx, since: int) -> int | None:
        return store.next_wake(tx, since)

    async def advance(self, job: Job, owner: str) -> None:
        self.owners.append(owner)
        if len(self.owners) == 1:
            raise asyncio.CancelledError
        self.again.set()


@pytest.mark.parametrize("mended", [True, False])
async def test_a_step_that_was_lost_is_taken_up_again(db: Database, mended: bool) -> None:
    await accepted(db)
    await db.work(store.clear_leases)
    line = Leases()
    if not mended:
        line.reclaim = lambda tx, running: None
    runner = Runner(db, Clock(), [line])
    runner.start()
    with contextlib.nullcontext() if mended else pytest.raises(TimeoutError):
        async with asyncio.timeout(20 if mended else 0.3):
            await line.again.wait()
    await runner.stop()
    assert len(set(line.owners)) == (2 if mended else 1), "the lost step cannot pass for the one that followed"


async def test_a_cancelled_runner_begins_again(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    line = Counter(2)
    runner = Runner(db, Clock(), [line])
    failpoints.arm(cancelling("commit bot.runner.Runner._claim:before"))
    try:
        with caplog.at_level(logging.ERROR):
            runner.start()
            async with asyncio.timeout(20):
                await line.finished.wait()
    finally:
        failpoints.arm(None)
        await runner.stop()
    assert "it begins again" in caplog.text


def cancelling(name: str) -> Callable[[str], None]:
    """Cancels the task that reaches this point first."""
    todo = [name]

    def strike(reached: str) -> None:
        task = asyncio.current_task()
        if reached in todo and task is not None:
            todo.clear()
            task.cancel()

    return strike


async def accepted(db: Database) -> Job:
    sources = (Source("a", "https://x/a", "a.mp3", 1), Source("b", "https://x/b", "b.mp3", 1))
    ask = Ask("i1", "g", "c", "m", "en", "local", "mashup", {"title": "t"}, 1, 1, sources)
    await db.work(lambda tx: store.insert(tx, "j1", ask, now=5, deadline=99))
    (job,) = await db.work(lambda tx: store.lease(tx, ["j1"], owner="me", lease_until=9))
    return job


async def wake_at(db: Database) -> int:
    rows = await db.work(lambda tx: tx.all("SELECT wake_at FROM jobs"))
    return rows[0]["wake_at"]


async def test_a_step_that_sleeps_wakes_when_it_wanted(db: Database) -> None:
    job = await accepted(db)
    await db.work(lambda tx: store.sleep(tx, job, "me", 1000))
    assert await wake_at(db) == 1000


async def test_a_due_row_without_room_hides_no_later_one(db: Database) -> None:
    job = await accepted(db)
    await db.work(lambda tx: store.sleep(tx, job, "me", 1000))
    assert await db.work(lambda tx: store.next_wake(tx, 999)) == 1000
    assert await db.work(lambda tx: store.next_wake(tx, 1000)) is None
    later = replace(job.ask, interaction="i2")
    await db.work(lambda tx: store.insert(tx, "j2", later, now=2000, deadline=9999))
    assert await db.work(lambda tx: store.next_wake(tx, 1500)) == 2000


async def test_a_ring_during_a_step_wins_over_going_to_sleep(db: Database) -> None:
    job = await accepted(db)
    await db.work(lambda tx: store.ring(tx, "j1"))
    await db.work(lambda tx: store.sleep(tx, job, "me", 1000))
    assert await wake_at(db) == 0


async def test_a_known_interaction_makes_no_second_job(db: Database) -> None:
    job = await accepted(db)
    assert await db.work(lambda tx: store.by_interaction(tx, "i1")) is not None
    with pytest.raises(Exception, match="UNIQUE"):
        await db.work(lambda tx: store.insert(tx, "j2", job.ask, now=5, deadline=99))


async def test_what_is_written_is_what_a_later_look_finds(db: Database) -> None:
    sources = (Source("a", "https://x/a", "a.mp3", 1), Source("b", "", "b.mp3", 2, "0f" * 32, 3.5))
    ask = Ask(
        "i1", "g", "c", "m", "en", "local", "mashup", {"title": "Zwei"}, 1, 1, sources, private=True, token="t"
    )
    written = await db.work(lambda tx: store.insert(tx, "j1", ask, now=5, deadline=99))
    assert written == await db.work(lambda tx: store.get(tx, "j1"))


@pytest.mark.parametrize("many", [3, 2 * store._GLANCE])
async def test_what_is_due_fills_the_room_of_every_state_however_much_is_due(db: Database, many: int) -> None:
    def unit(tx: Tx) -> None:
        ask = Ask("", "g", "c", "m", "en", "local", "mashup", {"title": "t"}, 1, 1, ())
        for number in range(many):
            for state in (State.STAGED, State.ACCEPTED, State.READY):
                name = f"{state}{number:04}"
                due = 1000 + number if state is not State.READY else 5000 - number
                store.insert(tx, name, replace(ask, interaction=name), now=due, deadline=99)
                tx.run("UPDATE jobs SET state = ? WHERE id = ?", (state, name))
        store.lease(tx, ["accepted0001"], owner="me", lease_until=9)

    await db.work(unit)
    due = await db.work(lambda tx: store.due(tx, {State.ACCEPTED: 2, State.READY: 1}, 9999))
    assert sorted(due.others) == ["accepted0000", "accepted0002", f"ready{many - 1:04}"]
    assert [row["id"] for row in due.staged] == [f"staged{number:04}" for number in range(many)]
    early = await db.work(lambda tx: store.due(tx, {State.ACCEPTED: 2}, 1001))
    assert early.others == ["accepted0000"]
    assert [row["id"] for row in early.staged] == ["staged0000", "staged0001"]
