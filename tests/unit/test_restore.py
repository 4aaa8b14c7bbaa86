"""The quarantine after a restore: nothing open is made again, and every message in doubt is looked up first."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from bot.database import Database, Tx
from bot.errors import Code
from bot.jobs import store
from bot.jobs.job import ENDED, Ask, Job, Source, State, Track
from bot.jobs.restore import quarantine
from bot.posts import store as posts
from bot.posts.post import NewPost, PostState, Purpose
from bot.quotas import ledger
from bot.quotas.facts import Claim
from bot.quotas.windows import Window
from tests.bookkeeping import counters, kinds

CREATED, NOW = 1_000, 9_000_000
SOURCES = (Source("a", "https://x/a", "a.mp3", 1), Source("b", "https://x/b", "b.mp3", 1))
REQUEST: dict[str, Any] = {"title": "t", "unused": []}


async def restored(db: Database, state: State, engine: str = "kie") -> Job:
    """One job in `state`, its card asked for but not known to be out, and then the quarantine."""
    ask = Ask("i", "g", "c", "m", "en", engine, "mashup", REQUEST, 1, 1, SOURCES)
    ids = itertools.count()

    def unit(tx: Tx) -> Job | None:
        store.insert(tx, "job", ask, now=CREATED, deadline=99)
        store.add_track(tx, "job", Track(1, "hash", "picture", "t", 60))
        tx.run("UPDATE jobs SET state = ?, owner = 'dead', report = '{}' WHERE id = 'job'", (state,))
        posts.add(tx, "job:job", NewPost(Purpose.CARD, "c", {}), post_id="card", now=CREATED)
        tx.run("INSERT INTO command_syncs VALUES ('1', 'digest', 0)")
        ledger.reserve(tx, "job", [Claim("member:m", 1, 5, Window(0, 100))], CREATED)
        quarantine(tx, now=NOW, new_id=lambda: f"new{next(ids)}")
        return store.get(tx, "job")

    job = await db.work(unit)
    assert job is not None
    return job


@pytest.mark.parametrize("engine", ["kie", "local"])
@pytest.mark.parametrize("state", [State.ACCEPTED, State.STAGED, State.SUBMITTING, State.SUBMITTED, State.READY])
async def test_a_job_without_its_result_is_explained_and_never_handed_in_again(
    db: Database, state: State, engine: str
) -> None:
    job = await restored(db, state, engine)
    assert (job.state, job.owner) == (State.NOTIFYING, None)
    assert job.error is not None
    assert job.error.code is Code.RESTORED
    notice = await db.work(lambda tx: posts.of(tx, "job:job", Purpose.NOTICE))
    assert notice is not None
    assert (notice.state, notice.marked_at) == (PostState.SENDING, CREATED)
    assert await db.work(lambda tx: kinds(tx, "job")) == [("member", "reserve"), ("member", "release")]
    assert await db.work(counters) == {}


async def test_a_result_in_our_store_is_delivered_after_a_look(db: Database) -> None:
    job = await restored(db, State.DOWNLOADED)
    assert (job.state, job.error) == (State.POSTING, None)
    result = await db.work(lambda tx: posts.of(tx, "job:job", Purpose.RESULT))
    assert result is not None
    assert (result.state, result.marked_at) == (PostState.SENDING, CREATED)


@pytest.mark.parametrize("state", [State.POSTING, State.NOTIFYING, *sorted(ENDED)])
async def test_other_states_stay_and_their_messages_are_looked_up(db: Database, state: State) -> None:
    job = await restored(db, state)
    assert job.state is state
    card = await db.work(lambda tx: posts.of(tx, "job:job", Purpose.CARD))
    assert card is not None
    assert (card.state, card.marked_at) == (PostState.SENDING, CREATED)


async def test_commands_are_synced_again(db: Database) -> None:
    await restored(db, State.DONE)
    assert await db.work(lambda tx: tx.all("SELECT * FROM command_syncs")) == []
