"""When a card is edited and when not; which answers of Discord are for good and which pass."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.clock import Clock
from bot.database import Database
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


class Dial(NoonClock):
    """A clock that is `ahead` of noon, in milliseconds."""

    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead / 1000


class Shown:
    """Notes every edit of a card."""

    def __init__(self) -> None:
        self.edits: list[Progress] = []

    async def show(self, post: Post, progress: Progress) -> None:
        self.edits.append(progress)


async def sent_card(db: Database) -> Job:
    job = (await service(db).ask(Operation.MASHUP, PLACE, OFFERS, {"engine": "kie"})).job
    await db.work(lambda tx: tx.run("UPDATE posts SET state = 'sent', message_id = '5'"))
    assert await db.work(lambda tx: posts.of(tx, job.subject, Purpose.CARD)) is not None
    return job


def nobody(*_: object) -> list[str]:
    return []


def board(db: Database, clock: Clock, shown: Shown) -> Board:
    line = cast(JobLine, SimpleNamespace(queue=nobody, down=frozenset))
    return Board(db, clock, REGISTRY, line, cast(Delivery, shown), edit_seconds=5)


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


@pytest.mark.parametrize(("minutes", "edits"), [(59, 1), (61, 0)])
async def test_nothing_is_edited_after_an_hour(db: Database, minutes: int, edits: int) -> None:
    clock, shown, job = Dial(), Shown(), await sent_card(db)
    clock.ahead = minutes * MINUTE
    await turn(db, board(db, clock, shown), job, "staged")
    assert len(shown.edits) == edits


def answer(status: int, code: int) -> discord.HTTPException:
    response: Any = SimpleNamespace(status=status, reason="")
    return discord.HTTPException(response, {"code": code, "message": "no"})


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
