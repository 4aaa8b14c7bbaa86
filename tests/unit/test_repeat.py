"""Asking again: who may, for which ends of a job, once per press, and only while the files are kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.database import Database, Tx
from bot.errors import Code, Refusal, Refused
from bot.files import store as files
from bot.files.store import Stored
from bot.jobs import store
from bot.jobs.job import Job
from bot.jobs.results import Results
from bot.jobs.service import Accepted, JobService
from bot.jobs.stake import NoStake, Stake
from bot.quotas import ledger
from bot.request import Operation
from tests.unit.test_job_ledger import CLOCK, OFFERS, PLACE, held, service

GIVEN = {"engine": "kie", "mode": "simple", "prompt": "rain", "style": "dub", "title": "Mine", "weirdness": 0.3}
FAILED = Refusal(Code.ENGINE_FAILED)


async def failed_job(
    db: Database, jobs: JobService, end: Refusal = FAILED, *, task: str | None = "t", staged: bool = True
) -> Job:
    """A job that ended so, released, with its sources in our store."""
    job = (await jobs.ask(Operation.MASHUP, PLACE, OFFERS, GIVEN)).job
    now = CLOCK.now()

    def fail(tx: Tx) -> None:
        for source in job.ask.sources if staged else ():
            digest = source.side * 64
            store.stage_source(tx, job.id, replace(source, hash=digest, seconds=60.0))
            files.keep(tx, [Stored(digest, 9, "mp3")], job.subject, now + 1000, now)
        tx.run("UPDATE sources SET url = ''")
        tx.run("UPDATE jobs SET state = 'failed', error = ?, task = ?", (json.dumps(end.to_json()), task))
        ledger.release(tx, job.id, now)

    await db.work(fail)
    return job


async def press(jobs: JobService, job: str, interaction: str = "i2", *, member: str = "42") -> Accepted:
    return await results_of(jobs).again(replace(PLACE, interaction=interaction, member=member), job)


def results_of(jobs: JobService, stake: Stake | None = None) -> Results:
    """What the buttons below a result do, beside this service."""
    return Results(jobs._db, CLOCK, jobs, jobs._gate, stake or NoStake(), lambda: None)


async def test_the_same_is_asked_of_our_own_copies_through_the_same_gate(db: Database) -> None:
    jobs = service(db)
    first = await failed_job(db, jobs)
    again = (await press(jobs, first.id)).job
    assert again.id != first.id
    assert again.ask.request == first.ask.request
    assert [(s.url, s.name, s.hash, s.seconds) for s in again.ask.sources] == [
        ("", "a.mp3", "a" * 64, 60.0),
        ("", "b.mp3", "b" * 64, 60.0),
    ]
    assert await held(db) == (1, 0)
    await db.work(lambda tx: files.forget(tx, CLOCK.now() + 2000))
    assert await db.work(lambda tx: files.is_kept(tx, again.subject, "a" * 64)), (
        "the copies outlive the first job's"
    )


async def test_one_press_makes_one_job_and_so_do_two_while_it_is_on_its_way(db: Database) -> None:
    jobs = service(db)
    first = await failed_job(db, jobs)
    made = {(await press(jobs, first.id, interaction)).job.id for interaction in ("i2", "i2", "i3")}
    assert len(made) == 1
    assert await held(db) == (1, 0)
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'cancelled' WHERE again_of IS NOT NULL"))
    assert (await press(jobs, first.id, "i4")).job.id not in made
    assert (await press(jobs, first.id, "i2")).job.id in made


async def test_limits_hold_for_it_too(db: Database) -> None:
    first = await failed_job(db, service(db))
    with pytest.raises(Refused) as caught:
        await press(service(db, member=0), first.id)
    assert caught.value.refusal.code is Code.QUOTA_MEMBER
    assert await held(db) == (0, 0)


@pytest.mark.parametrize(
    ("end", "task", "staged", "code"),
    [
        (Refusal(Code.TEXT_REFUSED), "t", True, None),
        (Refusal(Code.ENGINE_REFUSED, {"status": 422}), None, True, None),
        (Refusal(Code.OUTCOME_UNKNOWN), "t", True, None),
        (Refusal(Code.OUTCOME_UNKNOWN), None, True, Code.NOTHING_TO_REPEAT),
        (Refusal(Code.CANCELLED), None, True, Code.NOTHING_TO_REPEAT),
        (Refusal(Code.NOT_AUDIO, {"name": "a.mp3"}), None, False, Code.NOTHING_TO_REPEAT),
    ],
)
async def test_which_ends_may_be_repeated(
    db: Database, end: Refusal, task: str | None, staged: bool, code: Code | None
) -> None:
    jobs = service(db)
    first = await failed_job(db, jobs, end, task=task, staged=staged)
    if code is None:
        await press(jobs, first.id)
        return
    with pytest.raises(Refused) as caught:
        await press(jobs, first.id)
    assert caught.value.refusal.code is code


async def test_only_its_requester_and_only_while_the_files_are_kept(db: Database) -> None:
    jobs = service(db)
    first = await failed_job(db, jobs)
    for member, job, code in (("43", first.id, Code.REQUESTER_ONLY), ("42", "0" * 12, Code.NO_SUCH_JOB)):
        with pytest.raises(Refused) as caught:
            await press(jobs, job, member=member)
        assert caught.value.refusal.code is code
    await db.work(lambda tx: files.forget(tx, CLOCK.now() + 2000))
    with pytest.raises(Refused) as caught:
        await press(jobs, first.id)
    assert caught.value.refusal.code is Code.SOURCES_GONE
    assert await held(db) == (0, 0)
    assert len(await db.work(lambda tx: store.listed(tx, "7", None, limit=9, offset=0))) == 1
