"""The line of jobs: a step that is due at once follows under the same lease, and sees what happened meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from types import SimpleNamespace
from typing import cast

import pytest

from bot.database import Database, Tx
from bot.jobs import store
from bot.jobs.job import Job, Move, Sleep, State, Step
from bot.jobs.steps import Steps
from tests.unit.test_job_ledger import ask, leased, line_of, service


class Story:
    """Handlers that go on to the next state, and tell what they were given."""

    def __init__(self, **steps: Step) -> None:
        self.told: list[Job] = []
        self.handlers = {State(name): self.handler for name in steps}
        self._steps = {State(name): step for name, step in steps.items()}

    async def handler(self, job: Job, owner: str) -> Step:
        self.told.append(job)
        return self._steps[job.state]

    @property
    def states(self) -> list[State]:
        return [job.state for job in self.told]


def of(story: Story) -> Steps:
    return cast(Steps, SimpleNamespace(handlers=story.handlers))


async def row(db: Database, job: str) -> dict[str, object]:
    found = await db.work(lambda tx: tx.one("SELECT state, owner, wake_at FROM jobs WHERE id = ?", (job,)))
    assert found is not None
    return dict(found)


async def test_steps_that_are_due_at_once_follow_under_one_lease(db: Database) -> None:
    job = (await ask(service(db))).job
    story = Story(
        submitted=Move(State.READY),
        ready=Move(State.DOWNLOADED, {"report": '{"seconds": 7}'}),
        downloaded=Move(State.POSTING, wake_at=1 << 50),
        posting=Sleep(1),
    )
    await line_of(db, of(story)).advance(await leased(db, job.id, State.SUBMITTED), "me")
    assert story.states == [State.SUBMITTED, State.READY, State.DOWNLOADED], "posting waits for its message"
    assert story.told[-1].report == {"seconds": 7}
    assert await row(db, job.id) == {"state": "posting", "owner": None, "wake_at": 1 << 50}


async def test_what_waits_for_its_turn_is_given_back(db: Database) -> None:
    job = (await ask(service(db))).job
    story = Story(accepted=Move(State.STAGED), staged=Sleep(1))
    await line_of(db, of(story)).advance(await leased(db, job.id, State.ACCEPTED), "me")
    assert story.states == [State.ACCEPTED]
    assert (await row(db, job.id))["owner"] is None


async def test_a_state_without_room_is_left_to_a_later_look(db: Database) -> None:
    job = (await ask(service(db))).job
    story = Story(submitted=Move(State.READY), ready=Move(State.DOWNLOADED), downloaded=Sleep(1))
    line = line_of(db, of(story))
    for number in range(8):
        busy = await leased(db, (await ask(service(db), f"busy{number}", member=f"{number}")).job.id, State.READY)
        line._running[busy.id] = busy
    await line.advance(await leased(db, job.id, State.SUBMITTED), "me")
    assert story.states == [State.SUBMITTED]
    assert (await row(db, job.id))["owner"] is None


async def test_a_following_step_sees_a_wish_that_came_meanwhile(db: Database) -> None:
    job = (await ask(service(db))).job
    story = Story(submitted=Move(State.READY), ready=Sleep(1))
    line = line_of(db, of(story))
    apply = line._apply

    async def wished(job: Job, owner: str, step: Step) -> Job | None:
        if isinstance(step, Move):
            await db.work(lambda tx: store.cancel(tx, job.id, "42"))
        return await apply(job, owner, step)

    line._apply = wished
    await line.advance(await leased(db, job.id, State.SUBMITTED), "me")
    assert story.told[-1].cancelled_by == "42"


@pytest.mark.parametrize("state", [State.ACCEPTED, State.STAGED])
@pytest.mark.parametrize("committed", [True, False])
async def test_a_claim_that_came_to_nothing_takes_no_room(db: Database, state: State, committed: bool) -> None:
    """Its commit failed, or its answer was lost: the runner takes back what no step of its own holds."""
    line = line_of(db, of(Story(accepted=Sleep(1), staged=Sleep(1))))
    for number in range(2):
        await ask(service(db), f"i{number}", member=f"{number}")
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = ?", (state,)))

    def failing(tx: Tx) -> None:
        claimed.append(len(line.claim(tx, "me", 32)))
        if not committed:
            raise OSError("disk full")

    claimed: list[int] = []
    with contextlib.suppress(OSError):
        await db.work(failing)
    await db.work(lambda tx: tx.run("UPDATE jobs SET wake_at = 0"))
    assert await db.work(lambda tx: line.claim(tx, "again", 32)) == [], "there is no room, or they are leased"
    await db.work(lambda tx: line.reclaim(tx, ()))
    await db.work(lambda tx: tx.run("UPDATE jobs SET wake_at = 0"))
    assert len(await db.work(lambda tx: line.claim(tx, "again", 32))) == claimed[0] > 0


async def test_a_step_under_way_keeps_its_room(db: Database) -> None:
    line = line_of(db, of(Story(accepted=Sleep(1))))
    for number in range(2):
        await ask(service(db), f"i{number}", member=f"{number}")
    jobs = await db.work(lambda tx: line.claim(tx, "me", 32))
    await db.work(lambda tx: line.reclaim(tx, [job.id for job in jobs]))
    assert len(line._under_way) == 2


async def test_the_database_counts_jobs_while_steps_come_and_go(db: Database) -> None:
    await ask(service(db))
    line = line_of(db, of(Story(submitted=Sleep(1))))
    interval, found = sys.getswitchinterval(), [0]

    def look() -> None:
        for _ in range(3000):
            found.append(len(line._room()))

    job = (await db.work(store.open_jobs))[0]
    sys.setswitchinterval(1e-6)
    try:
        looking = asyncio.create_task(asyncio.to_thread(look))
        await asyncio.sleep(0)
        while not looking.done():
            line._running.update({f"j{number}": job for number in range(50)})
            line._running.clear()
            await asyncio.sleep(0)
        await looking
    finally:
        sys.setswitchinterval(interval)
    assert max(found) > 0
