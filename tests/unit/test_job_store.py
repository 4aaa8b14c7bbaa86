"""The rows of `jobs`, `sources` and `tracks`: what each function writes, what it finds, in which order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from bot.database import Database, Tx
from bot.errors import Code, Refusal
from bot.guilds.former import former
from bot.jobs import store
from bot.jobs.job import Ask, Removal, Source, State, Track
from bot.jobs.steps import NEVER

T = TypeVar("T")
SOURCES = (
    Source("a", "https://x/a", "eins.mp3", 11, "0a" * 32, 7.5),
    Source("b", "https://x/b", "zwei.mp3", 22),
)
ASK = Ask("", "g", "c", "m", "de", "kie", "mashup", {"title": "Zwölf"}, 5, 6, SOURCES, token="t", again_of=None)


class Table:
    """The table, with shorthands."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def do(self, unit: Callable[[Tx], T]) -> T:
        return await self._db.work(unit)

    async def add(self, *names: str, now: int = 100, **changes: Any) -> None:
        """Jobs of these names; what is no part of an `Ask` is a column."""
        asked = {name: changes.pop(name) for name in list(changes) if name in Ask.__dataclass_fields__}

        def unit(tx: Tx) -> None:
            for name in names:
                store.insert(tx, name, replace(ASK, interaction=f"i-{name}", **asked), now=now, deadline=900)
                for column, value in changes.items():
                    tx.run(f"UPDATE jobs SET {column} = ? WHERE id = ?", (value, name))

        await self._db.work(unit)

    async def row(self, name: str, *columns: str) -> tuple[Any, ...]:
        found = await self._db.work(lambda tx: tx.one("SELECT * FROM jobs WHERE id = ?", (name,)))
        assert found is not None
        return tuple(found[column] for column in columns)

    async def waits(self) -> dict[str, int]:
        rows = await self._db.work(lambda tx: tx.all("SELECT id, wake_at FROM jobs"))
        return {row["id"]: row["wake_at"] for row in rows}


@pytest.fixture
def table(db: Database) -> Table:
    return Table(db)


async def test_a_job_is_written_as_it_was_asked_for(table: Table) -> None:
    await table.add("j1", now=100, private=True, again_of="j0")
    asked = "interaction", "guild", "channel", "member", "locale", "engine", "operation", "seed", "max_bytes"
    assert await table.row("j1", *asked) == ("i-j1", "g", "c", "m", "de", "kie", "mashup", 5, 6)
    stands = "state", "rev", "wake_at", "owner", "deadline", "attempts", "created_at", "updated_at"
    assert await table.row("j1", *stands) == ("accepted", 0, 100, None, 900, 0, 100, 100)
    assert await table.row("j1", "request", "private", "token", "again_of") == ('{"title": "Zwölf"}', 1, "t", "j0")
    job = await table.do(lambda tx: store.get(tx, "j1"))
    assert job is not None
    assert job.ask.sources == SOURCES
    assert (job.ask.private, job.ask.request) == (True, {"title": "Zwölf"})


async def test_without_a_token_there_is_none(table: Table) -> None:
    await table.add("j1", token="")
    assert await table.row("j1", "token") == (None,)
    assert await table.do(lambda tx: store.token_of(tx, "j1", 0)) is None


async def test_a_token_is_there_for_what_was_accepted_after_a_moment(table: Table) -> None:
    await table.add("j1", now=100)
    assert await table.do(lambda tx: [store.token_of(tx, "j1", since) for since in (99, 100)]) == ["t", None]
    assert await table.do(lambda tx: store.token_of(tx, "j2", 0)) is None


async def test_who_holds_a_job_and_whether_its_member_is_forgotten(table: Table) -> None:
    await table.add("j1", owner="me")
    await table.add("j2", owner="me", member=former("x"))
    assert await table.do(lambda tx: store.held(tx, "j1", "me")) == store.Held(State.ACCEPTED, forgotten=False)
    assert await table.do(lambda tx: store.held(tx, "j2", "me")) == store.Held(State.ACCEPTED, forgotten=True)
    assert await table.do(lambda tx: [store.held(tx, "j1", "you"), store.held(tx, "j3", "me")]) == [None, None]
    names = ("j1", "j2", "j3")
    assert await table.do(lambda tx: [store.is_forgotten(tx, name) for name in names]) == [False, True, False]


@pytest.mark.parametrize("state", list(State))
async def test_four_states_are_ends(table: Table, state: State) -> None:
    await table.add("j1", state=state)
    ends = state in (State.DONE, State.FAILED, State.CANCELLED, State.UNKNOWN)
    assert await table.do(lambda tx: store.has_ended(tx, "j1")) is ends
    assert await table.do(lambda tx: store.has_ended(tx, "j2")) is False
    assert await table.do(lambda tx: (store.open_ids(tx), len(store.open_jobs(tx)))) == (
        ([], 0) if ends else (["j1"], 1)
    )


async def test_where_a_member_had_a_hand_in_jobs(table: Table) -> None:
    await table.add("own", guild="g1", member="7")
    await table.add("stopped", guild="g2", cancelled_by="7")
    await table.add("deleted", guild="g3")
    await table.do(lambda tx: store.remove(tx, "deleted", Removal("7", "loud")))
    await table.add("other", guild="g4", cancelled_by="8")
    assert sorted(await table.do(lambda tx: store.guilds_of(tx, "7"))) == ["g1", "g2", "g3"]
    assert await table.do(lambda tx: [store.count_of_member(tx, who) for who in ("7", "m", "9")]) == [1, 3, 0]


async def test_the_first_deletion_and_the_first_wish_to_stop_stay(table: Table) -> None:
    await table.add("j1")
    for who in ("1", "2"):
        await table.do(lambda tx, who=who: store.remove(tx, "j1", Removal(who, "zu läut")))
        await table.do(lambda tx, who=who: store.cancel(tx, "j1", who))
    assert await table.row("j1", "removed", "cancelled_by", "wake_at", "rev") == (
        '{"by": "1", "reason": "zu läut"}',
        "1",
        0,
        3,
    )
    job = await table.do(lambda tx: store.get(tx, "j1"))
    assert job is not None
    assert job.removed == Removal("1", "zu läut")


async def test_every_write_is_seen_in_rev(table: Table) -> None:
    await table.add("j1")
    await table.do(lambda tx: store.rewrite(tx, "j1", {"task": "t1"}))
    await table.do(lambda tx: store.ring(tx, "j1"))
    (job,) = await table.do(lambda tx: store.lease(tx, ["j1"], owner="me", lease_until=5))
    assert (job.task, job.rev, job.owner) == ("t1", 3, "me")
    assert await table.do(lambda tx: store.mark(tx, job, "me", State.SUBMITTING, now=7, deadline=8))
    marked = await table.row("j1", "state", "marked_at", "updated_at", "deadline", "attempts", "rev", "owner")
    assert marked == ("submitting", 7, 7, 8, 1, 4, "me")
    assert not await table.do(lambda tx: store.mark(tx, job, "me", State.SUBMITTING, now=9, deadline=9)), "by state"
    job = replace(job, state=State.SUBMITTING)
    assert not await table.do(lambda tx: store.mark(tx, job, "you", State.SUBMITTED, now=9, deadline=9)), "by owner"
    assert await table.do(lambda tx: store.advance(tx, job, "you", State.SUBMITTED, {})) is None
    row = await table.do(lambda tx: store.advance(tx, job, "me", State.SUBMITTED, {"task": "t2"}))
    assert row is not None
    assert (row["state"], row["task"], row["rev"], row["owner"], row["lease_until"]) == (
        "submitted",
        "t2",
        5,
        None,
        None,
    )


async def test_a_step_may_keep_its_lease(table: Table) -> None:
    await table.add("j1")
    (job,) = await table.do(lambda tx: store.lease(tx, ["j1"], owner="me", lease_until=5))
    row = await table.do(lambda tx: store.advance(tx, job, "me", State.STAGED, {}, hold=True))
    assert row is not None
    assert (row["owner"], row["lease_until"]) == ("me", 5)


async def test_sleep_gives_back_unless_it_was_rung_for(table: Table) -> None:
    await table.add("quiet", "rung")
    jobs = await table.do(lambda tx: store.lease(tx, ["rung", "quiet"], owner="me", lease_until=5))
    assert [job.id for job in jobs] == ["rung", "quiet"], "in the order asked for"
    assert await table.do(lambda tx: store.lease(tx, ["rung", "quiet"], owner="you", lease_until=5)) == []
    assert await table.do(lambda tx: store.lease(tx, [], owner="you", lease_until=5)) == []
    await table.do(lambda tx: store.ring(tx, "rung"))
    for job in jobs:
        await table.do(lambda tx, job=job: store.sleep(tx, job, "you", 700))
        await table.do(lambda tx, job=job: store.sleep(tx, job, "me", 500))
    columns = ("wake_at", "rev", "owner", "lease_until")
    assert await table.row("quiet", *columns) == (500, 2, None, None)
    assert await table.row("rung", *columns) == (0, 2, None, None)


async def test_who_is_due_next(table: Table) -> None:
    assert await table.do(lambda tx: store.next_wake(tx, 0)) is None
    await table.add("later", now=300)
    await table.add("now", now=200)
    await table.add("held", now=100, owner="me")
    await table.add("ended", now=100, state="done")
    assert await table.do(lambda tx: [store.next_wake(tx, since) for since in (0, 199, 200, 300)]) == [
        200,
        200,
        300,
        None,
    ]
    rows = await table.do(lambda tx: store.waiting(tx, State.ACCEPTED, 300))
    assert [row["id"] for row in rows] == ["now", "later"]
    assert [row["id"] for row in await table.do(lambda tx: store.waiting(tx, State.ACCEPTED, 299))] == ["now"]


async def test_at_start_nobody_holds_anything(table: Table) -> None:
    await table.add("held", owner="me", lease_until=5)
    await table.add("free", lease_until=5)
    await table.add("ended", owner="me", state="done")
    await table.do(store.clear_leases)
    assert [await table.row(name, "owner", "lease_until") for name in ("held", "free", "ended")] == [
        (None, None),
        (None, 5),
        ("me", None),
    ]


async def test_only_those_whose_step_is_gone_are_taken_back(table: Table) -> None:
    await table.add("gone", "running", owner="me", lease_until=5)
    await table.add("ended", owner="me", state="done")
    await table.add("free")
    await table.do(lambda tx: store.reclaim(tx, ["running"], 777))
    columns = ("owner", "lease_until", "wake_at", "rev")
    assert await table.row("gone", *columns) == (None, None, 777, 1)
    assert await table.row("running", *columns) == ("me", 5, 100, 0)
    assert [await table.row(name, "wake_at") for name in ("ended", "free")] == [(100,), (100,)]


async def test_a_clock_that_was_put_moves_what_open_jobs_wait_for(table: Table) -> None:
    await table.add("waits", now=100, marked_at=50)
    await table.add("rung", wake_at=0)
    await table.add("early", wake_at=1)
    await table.add("never", wake_at=NEVER)
    await table.add("ended", state="failed")
    await table.do(lambda tx: store.shift(tx, 1000))
    assert await table.row("waits", "deadline", "created_at", "marked_at") == (1900, 1100, 1050)
    assert await table.row("ended", "deadline", "created_at") == (900, 100)
    assert await table.waits() == {
        "waits": 1100,
        "rung": 0,
        "early": 1001,
        "never": NEVER,
        "ended": 100,
    }


async def test_after_a_start_an_engine_is_asked_one_after_the_other(table: Table) -> None:
    await table.add("second", now=20, state="submitted", wake_at=9000)
    await table.add("first", now=10, state="submitted", wake_at=9000)
    await table.add("soon", now=30, state="submitted", wake_at=5)
    await table.add("other", state="submitted", engine="sunoapi", wake_at=9000)
    await table.add("staged", state="staged", wake_at=9000)
    await table.do(lambda tx: store.poll_soon(tx, "kie", now=1000, gap_ms=250))
    assert await table.waits() == {"first": 1000, "second": 1250, "soon": 5, "other": 9000, "staged": 9000}
    assert [await table.row(name, "rev") for name in ("first", "other", "staged")] == [(1,), (0,), (0,)]
    assert await table.do(lambda tx: [store.count_submitted(tx, one) for one in ("kie", "sunoapi", "local")]) == [
        3,
        1,
        0,
    ]


async def test_lists_are_in_order_and_in_pages(table: Table) -> None:
    for now, name in enumerate(("old", "middle", "new")):
        await table.add(name, now=now, again_of="old" if name != "old" else None)
    await table.add("elsewhere", now=9, guild="g2", member="n")

    async def listed(guild: str | None, member: str | None, limit: int = 9, offset: int = 0) -> list[str]:
        jobs = await table.do(lambda tx: store.listed(tx, guild, member, limit=limit, offset=offset))
        return [job.id for job in jobs]

    assert await listed("g", None) == ["new", "middle", "old"]
    assert await listed("g", "m", limit=1, offset=1) == ["middle"]
    assert await listed(None, "n") == await listed("g2", None) == ["elsewhere"]
    assert await listed("g", "n") == []
    assert len(await listed(None, None)) == 4
    assert [job.id for job in await table.do(lambda tx: store.repeats_of(tx, "old"))] == ["middle", "new"]
    assert await table.do(store.open_ids) == ["old", "middle", "new", "elsewhere"]
    assert [job.id for job in await table.do(store.open_jobs)] == ["old", "middle", "new", "elsewhere"]
    assert await table.do(store.ended_last) == []
    found = await table.do(lambda tx: store.by_interaction(tx, "i-new"))
    assert found is not None
    assert found.id == "new"
    assert await table.do(lambda tx: store.by_interaction(tx, "new")) is None


async def test_who_ended_last_is_who_ended_five_minutes_before_the_newest_or_later(table: Table) -> None:
    await table.add("open")
    ends = {"newest": 300_007, "b": 7, "a": 7, "before": 6}
    for name, at in ends.items():
        await table.add(name, ended_at=at, state=State.DONE)
    assert await table.do(store.ended_last) == ["a", "b", "newest"]


async def test_copies_and_tracks_are_recorded_once(table: Table) -> None:
    await table.add("j1", "j2")
    await table.do(lambda tx: store.stage_source(tx, "j1", replace(SOURCES[1], hash="0b" * 32, seconds=9.5)))
    first = Track(1, "1a" * 32, "", "Take", 60.5, audio="au1")
    for track in (Track(2, "2a" * 32, "2b" * 32, "Other", 61.5), first, replace(first, picture="1b" * 32)):
        await table.do(lambda tx, track=track: store.add_track(tx, "j1", track))
    await table.do(lambda tx: store.add_track(tx, "j1", replace(first, hash="9a" * 32, picture="9b" * 32)))
    jobs = {job.id: job for job in await table.do(store.open_jobs)}
    assert [(source.hash, source.seconds) for source in jobs["j1"].ask.sources] == [
        ("0a" * 32, 7.5),
        ("0b" * 32, 9.5),
    ]
    assert jobs["j1"].tracks == (replace(first, picture="1b" * 32), Track(2, "2a" * 32, "2b" * 32, "Other", 61.5))
    assert (jobs["j2"].ask.sources, jobs["j2"].tracks) == (SOURCES, ())


async def test_pace_is_of_the_last_ten_of_an_engine(table: Table) -> None:
    assert await table.do(lambda tx: store.pace(tx, "kie")) is None
    for number in range(12):
        seconds = 1_000_000 if number < 2 else 15_000  # 7.5 s of source, in 15 s: two seconds for each
        await table.add(f"j{number}", state="done", marked_at=number - seconds, ended_at=number)
    await table.add("open", state="submitted", marked_at=0, ended_at=1)
    await table.add("other", state="done", engine="sunoapi", marked_at=0, ended_at=750_000)
    paces = await table.do(lambda tx: [store.pace(tx, engine) for engine in ("kie", "sunoapi")])
    assert paces == [pytest.approx(2.0), pytest.approx(100.0)]


async def test_a_held_job_is_as_its_row_after_a_step(table: Table) -> None:
    await table.add("j1")
    (job,) = await table.do(lambda tx: store.lease(tx, ["j1"], owner="me", lease_until=5))
    changes = {
        "error": json.dumps(Refusal(Code.TOOK_TOO_LONG).to_json()),
        "report": '{"seconds": 7}',
        "uploads": '["u1", "u2"]',
        "how": "kept",
        "task": "t9",
    }
    row = await table.do(lambda tx: store.advance(tx, job, "me", State.STAGED, changes, hold=True))
    assert row is not None
    track = Track(1, "1a" * 32, "", "Take", 60.5)
    after = store.moved(job, row, (track,))
    assert (after.state, after.task, after.how, after.report, after.uploads) == (
        State.STAGED,
        "t9",
        "kept",
        {"seconds": 7},
        ("u1", "u2"),
    )
    assert after.error is not None
    assert after.error.code is Code.TOOK_TOO_LONG
    assert (after.ask, after.tracks) == (job.ask, (track,))
    await table.do(lambda tx: store.add_track(tx, "j1", track))
    assert await table.do(lambda tx: store.get(tx, "j1")) == after
