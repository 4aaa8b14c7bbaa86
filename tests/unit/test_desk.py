"""Units that make rows due: claimed in the same transaction, and never lost when that cannot be."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar, cast

import pytest
import pytest_asyncio

from bot import failpoints
from bot.clock import Clock
from bot.database import Database, Tx
from bot.jobs import store
from bot.jobs.job import Ask, Job
from bot.runner import Desk, Runner

Outcome = TypeVar("Outcome")
CLAIM = "commit bot.runner.Runner._claim:after"


class Counted:
    """A database that knows how many units it was asked for, and can be held up."""

    def __init__(self, db: Database) -> None:
        self.raw = db
        self.units = 0
        self.open = asyncio.Event()
        self.open.set()

    async def work(self, unit: Callable[[Tx], Outcome]) -> Outcome:
        self.units += 1
        await self.open.wait()
        return await self.raw.work(unit)


@dataclass
class Jobs:
    """The jobs table, whose steps note how many units there were when they began, and end the job."""

    db: Counted
    name: str = "jobs"
    room: int = 2
    claims: int = 0
    reclaims: int = 0
    begun: dict[str, int] = field(default_factory=dict[str, int])
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def clear(self, tx: Tx) -> None: ...

    def reclaim(self, tx: Tx, running: Collection[str]) -> None:
        self.reclaims += 1
        store.reclaim(tx, running, 0)

    def claim(self, tx: Tx, owner: str, room: int) -> list[Job]:
        self.claims += 1
        due = [row["id"] for row in tx.all("SELECT id FROM jobs WHERE state = 'accepted' AND owner IS NULL")]
        return store.lease(tx, due[:room], owner=owner, lease_until=1 << 53)

    def next_wake(self, tx: Tx, since: int) -> int | None:
        return None

    async def advance(self, job: Job, owner: str) -> None:
        self.begun[job.id] = self.db.units
        done = "UPDATE jobs SET state = 'done', owner = NULL WHERE id = ?"
        await self.db.work(lambda tx: tx.run(done, (job.id,)))
        self.woken.set()


@dataclass
class Place:
    db: Counted
    line: Jobs
    runner: Runner
    desk: Desk

    async def ended(self, job_id: str) -> None:
        async with asyncio.timeout(20):
            while not await self.db.raw.work(lambda tx: store.has_ended(tx, job_id)):
                self.line.woken.clear()
                await self.line.woken.wait()

    async def idle(self) -> None:
        """Until the runner sleeps, with nothing that wakes it."""
        seen = -1
        while seen != self.db.units or self.runner._looking.locked():
            seen = self.db.units
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture
async def place(db: Database) -> AsyncIterator[Place]:
    counted = Counted(db)
    line = Jobs(counted)
    runner = Runner(cast("Database", counted), Clock(), [line])
    runner.start()
    place = Place(counted, line, runner, Desk(runner, line))
    await place.idle()
    yield place
    failpoints.arm(None)
    await runner.stop()


def insert(tx: Tx, job_id: str) -> str:
    ask = Ask(job_id, "g", "c", "m", "en", "local", "mashup", {"title": "t"}, 1, 1, ())
    store.insert(tx, job_id, ask, now=5, deadline=99)
    return job_id


async def test_what_became_due_is_claimed_in_the_same_transaction(place: Place) -> None:
    before = place.db.units
    assert await place.desk.work(lambda tx: insert(tx, "j1")) == "j1"
    await place.ended("j1")
    assert place.line.begun == {"j1": before + 1}


async def test_by_way_of_the_database_it_takes_a_look_more(place: Place) -> None:
    before = place.db.units
    await place.db.work(lambda tx: insert(tx, "j1"))
    place.runner.wake()
    await place.ended("j1")
    assert place.line.begun["j1"] > before + 1


async def test_while_it_looks_the_unit_goes_alone_and_its_row_is_found(place: Place) -> None:
    place.db.open.clear()
    place.runner.wake()
    await asyncio.sleep(0.05)
    assert place.runner._looking.locked()
    served = asyncio.create_task(place.desk.work(lambda tx: insert(tx, "j1")))
    await asyncio.sleep(0.05)
    place.db.open.set()
    assert await served == "j1"
    await place.ended("j1")


async def test_many_at_once_are_all_taken_up_within_the_room_there_is(place: Place) -> None:
    names = [f"j{number}" for number in range(20)]
    await asyncio.gather(*(place.desk.work(lambda tx, name=name: insert(tx, name)) for name in names))
    for name in names:
        await place.ended(name)
    assert sorted(place.line.begun) == sorted(names)


async def test_a_unit_that_refuses_claims_nothing_and_wakes_nobody(place: Place) -> None:
    def refuse(tx: Tx) -> None:
        insert(tx, "j1")
        raise LookupError("unknown")

    units, claims = place.db.units, place.line.claims
    with pytest.raises(LookupError):
        await place.desk.work(refuse)
    await asyncio.sleep(0.2)
    assert (place.db.units, place.line.claims) == (units + 1, claims)
    assert await place.db.work(store.open_ids) == []


async def test_after_a_refusal_nobody_looks_for_lost_leases(place: Place) -> None:
    """That reads every open job, and whoever knocks without a key could make the bot do it."""

    def refuse(tx: Tx) -> None:
        raise LookupError("unknown")

    reclaims = place.line.reclaims
    with pytest.raises(LookupError):
        await place.desk.work(refuse)
    await place.desk.work(lambda tx: None)
    assert place.line.reclaims == reclaims


async def test_a_doubt_outlives_a_refusal(place: Place) -> None:
    def refuse(tx: Tx) -> None:
        raise LookupError("unknown")

    place.runner._in_doubt.add("jobs")
    with pytest.raises(LookupError):
        await place.desk.work(refuse)
    assert place.runner._in_doubt == {"jobs"}


@pytest.mark.parametrize("error", [asyncio.CancelledError, sqlite3.OperationalError])
@pytest.mark.parametrize("rings", [True, False])
async def test_a_claim_whose_end_nobody_saw_is_taken_back(
    place: Place, error: type[BaseException], rings: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, but the answer was lost. Without the bell its row waits for the next look."""
    todo = [CLAIM]

    def strike(name: str) -> None:
        if name in todo:
            todo.clear()
            raise error

    if not rings:
        monkeypatch.setattr(place.runner, "wake", lambda: None)
    failpoints.arm(strike)
    with pytest.raises(error):
        await place.desk.work(lambda tx: insert(tx, "j1"))
    if rings:
        await place.ended("j1")
    else:
        await asyncio.sleep(0.3)
        assert place.line.begun == {}


async def test_a_runner_that_stopped_stores_and_claims_nothing(place: Place) -> None:
    await place.runner.stop()
    claims = place.line.claims
    await place.desk.work(lambda tx: insert(tx, "j1"))
    assert await place.db.work(store.open_ids) == ["j1"]
    assert place.line.claims == claims


async def test_a_claim_that_ends_after_the_stop_begins_no_step(place: Place) -> None:
    place.db.open.clear()
    served = asyncio.create_task(place.desk.work(lambda tx: insert(tx, "j1")))
    await asyncio.sleep(0.05)
    await place.runner.stop()
    place.db.open.set()
    assert await served == "j1"
    await asyncio.sleep(0.05)
    assert place.line.begun == {}
