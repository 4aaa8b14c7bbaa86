"""When a card is edited and when not; which answers of Discord are for good and which pass."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import discord
import pytest

from bot.clock import Clock
from bot.database import Database, Tx
from bot.errors import Code
from bot.jobs.board import Board
from bot.jobs.job import Job
from bot.jobs.line import JobLine
from bot.posts import store as posts
from bot.posts.port import Closed, Delivery, Postponed
from bot.posts.post import Post, Progress, Purpose
from bot.request import Operation
from cogs.delivery import _closed
from tests.unit.test_job_ledger import OFFERS, PLACE, REGISTRY, NoonClock, service

MINUTE = 60_000
Outcome = TypeVar("Outcome")


class Dial(NoonClock):
    """A clock that is `ahead` of noon, in milliseconds."""

    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead / 1000


class Shown:
    """Notes every edit of a card, but for those that go wrong: one for each of `errors`."""

    def __init__(self, *errors: Exception) -> None:
        self.edits: list[Progress] = []
        self.errors = list(errors)

    async def show(self, post: Post, progress: Progress) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.edits.append(progress)


class Ailing:
    """A database that cannot be read the first `left` times."""

    def __init__(self, db: Database, left: int) -> None:
        self._db = db
        self.left = left

    async def work(self, unit: Callable[[Tx], Outcome]) -> Outcome:
        if self.left:
            self.left -= 1
            raise sqlite3.OperationalError("database is locked")
        return await self._db.work(unit)


def answer(status: int, code: int) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="")
    return discord.HTTPException(response, {"code": code, "message": "no"})


async def sent_card(db: Database, interaction: str = "i1") -> Job:
    place = replace(PLACE, interaction=interaction)
    job = (await service(db).ask(Operation.MASHUP, place, OFFERS, {"engine": "kie"})).job
    await db.work(lambda tx: tx.run("UPDATE posts SET state = 'sent', message_id = '5'"))
    assert await db.work(lambda tx: posts.of(tx, job.subject, Purpose.CARD)) is not None
    return job


def nobody(*_: object) -> list[str]:
    return []


def board(
    db: Database | Ailing,
    clock: Clock,
    shown: Shown,
    down: Callable[[], frozenset[str]] = frozenset,
    seconds: float = 5,
) -> Board:
    line = cast(JobLine, SimpleNamespace(queue=nobody, down=down))
    return Board(cast(Database, db), clock, REGISTRY, line, cast(Delivery, shown), edit_seconds=seconds)


async def edited(one: Board, shown: Shown, times: int) -> None:
    """Until so many edits were made, and nothing is left to do."""
    async with asyncio.timeout(20):
        while len(shown.edits) < times or one._dirty or one._drawing:  # noqa: ASYNC110 - a board rings no bell
            await asyncio.sleep(0.01)


async def drawn(one: Board, job: Job) -> None:
    """What is due now is drawn."""
    for name in one._due():
        del one._dirty[name]
        one._drawing[name] = asyncio.create_task(one._try_to_draw(name))
    await asyncio.gather(*one._drawing.values())


async def turn(db: Database, one: Board, job: Job, state: str) -> None:
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = ? WHERE id = ?", (state, job.id)))
    one.changed(job.id)
    await drawn(one, job)


async def test_a_card_is_edited_every_five_seconds_at_most_and_only_when_it_says_something_else(
    db: Database,
) -> None:
    clock, shown, job = Dial(), Shown(), await sent_card(db)
    one = board(db, clock, shown)
    await turn(db, one, job, "accepted")
    assert shown.edits == [], "it says that already"
    await turn(db, one, job, "staged")
    await turn(db, one, job, "ready")
    assert [edit.stage for edit in shown.edits] == ["waiting"]
    clock.ahead += 5100
    await drawn(one, job)
    assert [edit.stage for edit in shown.edits] == ["waiting", "collecting"], "the last state wins"


@pytest.mark.parametrize(
    ("error", "traces"),
    [(Postponed("cut off"), 0), (answer(503, 0), 1), (sqlite3.OperationalError("disk I/O error"), 0)],
)
async def test_a_card_that_could_not_be_edited_is_edited_later_with_growing_pauses(
    db: Database, error: Exception, traces: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be the last edit, after which nothing changes any more."""
    clock, shown, job = Dial(), Shown(*[error] * 5), await sent_card(db)
    one = board(db, clock, shown)
    await turn(db, one, job, "cancelled")
    for pause in (5, 10, 20, 40, 60):
        assert shown.edits == []
        clock.ahead += pause * 1000 - 500
        assert one._due() == []
        clock.ahead += 600
        await drawn(one, job)
    assert [edit.stage for edit in shown.edits] == ["cancelled"]
    assert (one._dirty, one._cards) == ({}, {})
    assert sum(record.exc_info not in (None, False) for record in caplog.records) == traces


async def test_a_card_that_is_gone_is_not_edited_any_more(db: Database) -> None:
    clock, shown, job = Dial(), Shown(Closed(Code.CHANNEL_GONE)), await sent_card(db)
    one = board(db, clock, shown)
    for state in ("staged", "ready", "cancelled"):
        await turn(db, one, job, state)
        clock.ahead += MINUTE
        await drawn(one, job)
    assert shown.edits == []
    assert (one._dirty, one._cards, one._closed) == ({}, {}, set())


@pytest.mark.parametrize(("minutes", "edits"), [(4, 2), (6, 1)])
async def test_a_start_draws_the_ends_that_the_last_run_may_not_have_drawn(
    db: Database, minutes: int, edits: int
) -> None:
    older, newer = await sent_card(db, "i1"), await sent_card(db, "i2")
    now, shown = NoonClock().now(), Shown()
    end = "UPDATE jobs SET state = 'cancelled', ended_at = ? WHERE id = ?"
    for job, at in ((older, now - minutes * MINUTE), (newer, now)):
        await db.work(lambda tx, job=job, at=at: tx.run(end, (at, job.id)))
    one = board(db, Dial(), shown)
    one.start()
    await edited(one, shown, edits)
    await one.stop()
    assert [edit.stage for edit in shown.edits] == ["cancelled"] * edits


async def test_a_board_that_cannot_read_its_database_goes_on(db: Database) -> None:
    ailing, shown, job, down = Ailing(db, 3), Shown(), await sent_card(db), [frozenset[str]()]
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'staged' WHERE id = ?", (job.id,)))
    one = board(ailing, Dial(), shown, lambda: down[0], seconds=0.05)
    one.start()
    await edited(one, shown, 1)
    ailing.left, down[0] = 3, frozenset({"kie"})
    await edited(one, shown, 2)
    await one.stop()
    assert [edit.down for edit in shown.edits] == [False, True]


@pytest.mark.parametrize(("minutes", "edits"), [(59, 1), (61, 0)])
async def test_nothing_is_edited_after_an_hour(db: Database, minutes: int, edits: int) -> None:
    clock, shown, job = Dial(), Shown(), await sent_card(db)
    clock.ahead = minutes * MINUTE
    await turn(db, board(db, clock, shown), job, "staged")
    assert len(shown.edits) == edits


async def test_of_a_card_that_is_an_hour_old_nothing_is_kept(db: Database) -> None:
    clock, shown, job = Dial(), Shown(), await sent_card(db)
    one = board(db, clock, shown)
    await turn(db, one, job, "ready")
    clock.ahead = 61 * MINUTE
    for state in ("posting", "cancelled"):
        await turn(db, one, job, state)
    assert len(shown.edits) == 1
    assert (one._dirty, one._cards, one._closed) == ({}, {}, set())


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [
        (403, 50013, Code.MISSING_PERMISSIONS),
        (400, 50083, Code.THREAD_LOCKED),
        (429, 30046, Code.EDITED_TOO_LATE),
        (400, 50035, Code.UNEXPECTED),
        (400, 20016, None),
        (429, 20028, None),
        (429, 0, None),
        (503, 0, None),
    ],
)
def test_what_is_for_good_and_what_passes(status: int, code: int, ends: Code | None) -> None:
    error = answer(status, code)
    found = _closed(error)
    assert (found.code if isinstance(found, Closed) else None) is ends
    assert isinstance(found, Closed | Postponed) or found is error, "it is tried again, so that no message is lost"
