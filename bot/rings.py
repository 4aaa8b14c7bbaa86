"""What happens to a job or a message, and who has to know of it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from bot.clock import Clock
from bot.contests import galleries
from bot.database import Database, DatabaseError, Tx
from bot.guilds import arrivals
from bot.jobs import store as jobs
from bot.jobs.board import Board
from bot.jobs.forgetting import clear
from bot.posts.post import Post
from bot.runner import Runner

log = logging.getLogger(__name__)


class Rings:
    """Who is told when something happens to a job; a ring is a row, so that a restart cannot lose it."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._board: Board | None = None
        self._runner: Runner | None = None
        self._ringing: set[asyncio.Task[None]] = set()

    def connect(self, board: Board, runner: Runner) -> None:
        self._board, self._runner = board, runner

    def changed(self, job: str) -> None:
        if self._board is not None:
            self._board.changed(job)

    def ended(self, job: str) -> None:
        """An engine is finished with a job."""
        ringing = asyncio.create_task(self._ring(job), name=f"ring:{job}")
        self._ringing.add(ringing)
        ringing.add_done_callback(self._ringing.discard)

    def posted(self, tx: Tx, post: Post) -> None:
        """In the unit that ends a post: wake its subject."""
        kind, _, name = post.subject.partition(":")
        if kind == "job":
            jobs.ring(tx, name)
            clear(tx, name)
        galleries.posted(tx, post, self._clock.new_id, self._clock.now())
        arrivals.posted(tx, post)

    def wake(self) -> None:
        """A row became due."""
        if self._runner is not None:
            self._runner.wake()

    async def close(self) -> None:
        await asyncio.gather(*self._ringing, return_exceptions=True)

    async def _ring(self, job: str) -> None:
        try:
            await self._db.work(lambda tx: jobs.ring(tx, job))
        except (sqlite3.Error, DatabaseError) as error:
            log.warning("job %s is only looked at in its turn, as it could not be rung for: %s", job, error)
        else:
            self.wake()
