"""Keeps live cards up to date: the last state wins, one edit per card in a while, and never a failed job."""

from __future__ import annotations

import asyncio
import itertools
import logging
import sqlite3
from dataclasses import dataclass

from bot.clock import Clock
from bot.database import Database, DatabaseError, Tx
from bot.engines.registry import Registry
from bot.jobs import store, view
from bot.jobs.job import ENDED, Job, State
from bot.jobs.line import JobLine
from bot.posts import store as posts
from bot.posts.port import Closed, Delivery, Postponed
from bot.posts.post import Post, PostState, Progress, Purpose
from bot.request import EngineName

log = logging.getLogger(__name__)
_TICK = 0.25
_HOUR_MS = 60 * 60_000
"""From when on Discord takes few changes of a message: a card stays as it is then."""
_AT_ONCE = 8
"""Cards under way: one whose channel has to wait holds up no other, and a tick stays far below Discord's limit."""
_LONGEST_PAUSE = 60.0
_UNREADABLE = (sqlite3.Error, DatabaseError)


@dataclass
class _Card:
    """What one card showed last, how often in a row it failed, and when it is due again (monotonic seconds)."""

    shown: Progress | None = None
    failures: int = 0
    due_at: float = 0.0


class Board:
    """`changed` may be called from anywhere on the loop, as often as anything changes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        registry: Registry,
        line: JobLine,
        delivery: Delivery,
        *,
        edit_seconds: float,
    ) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self._line = line
        self._delivery = delivery
        self._edit_seconds = edit_seconds
        self._dirty: dict[str, None] = {}  # in the order in which they changed
        self._drawing: dict[str, asyncio.Task[None]] = {}
        self._cards: dict[str, _Card] = {}
        self._closed: set[str] = set()
        self._loop: asyncio.Task[None] | None = None
        self._down: frozenset[EngineName] | None = None

    def changed(self, job_id: str) -> None:
        """The card of this job may be out of date."""
        self._dirty.pop(job_id, None)
        self._dirty[job_id] = None

    def start(self) -> None:
        """Begin to draw, first of all what the last run left open or half drawn; a second call changes nothing."""
        if self._loop is None:
            self._loop = asyncio.create_task(self._run(), name="board")

    async def stop(self) -> None:
        """Draw no more."""
        if self._loop is not None:
            tasks = [self._loop, *self._drawing.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._loop = None

    async def _run(self) -> None:
        while True:
            try:
                await self._catch_up()
                pause = _TICK
            except _UNREADABLE as error:
                log.warning("which cards are out of date cannot be read: %s", error)
                pause = self._edit_seconds
            for job_id in self._due():
                del self._dirty[job_id]
                self._drawing[job_id] = asyncio.create_task(self._try_to_draw(job_id), name=f"card:{job_id}")
            await asyncio.sleep(pause)

    async def _catch_up(self) -> None:
        """Every open card is out of date at the start and when an engine goes down or comes back; at the start also
        those of jobs whose end the last run may not have drawn any more."""
        down, first = self._line.down(), self._down is None
        if down == self._down:
            return
        behind = await self._db.work(lambda tx: [*(store.ended_last(tx) if first else ()), *store.open_ids(tx)])
        self._down = down
        self._dirty = dict.fromkeys(behind) | self._dirty

    def _due(self) -> list[str]:
        """What changed last comes first, so that a restart with many open cards holds up no new one."""
        now = self._clock.monotonic()
        due = (
            job
            for job in reversed(self._dirty)
            if job not in self._drawing and now >= self._cards.get(job, _Card()).due_at
        )
        return list(itertools.islice(due, _AT_ONCE - len(self._drawing)))

    async def _try_to_draw(self, job_id: str) -> None:
        try:
            await self._draw(job_id)
        except Closed:
            self._cards.pop(job_id, None)
            self._closed.add(job_id)
            self.changed(job_id)
        except Postponed as postponed:
            log.info("the card of job %s has to wait: %s", job_id, postponed)
            self._later(job_id)
        except Exception as error:
            new = self._later(job_id) == 1 and not isinstance(error, _UNREADABLE)
            log.warning("the card of job %s could not be drawn: %s", job_id, error, exc_info=new)
        finally:
            del self._drawing[job_id]

    def _later(self, job_id: str) -> int:
        """Draw it again after a while, longer each time; returns how often in a row it could not be drawn."""
        card = self._cards.setdefault(job_id, _Card())
        card.failures += 1
        pause = min(self._edit_seconds * 2 ** min(card.failures - 1, 8), _LONGEST_PAUSE)
        card.due_at = self._clock.monotonic() + pause
        self._dirty.setdefault(job_id, None)
        return card.failures

    async def _draw(self, job_id: str) -> None:
        found = await self._db.work(lambda tx: self._read(tx, job_id))
        if found is None:
            self._cards.pop(job_id, None)
            return
        job, post, place, pace = found
        if post.state is not PostState.SENT:
            if post.state is not PostState.DEAD:
                self.changed(job_id)
            return
        if self._clock.now() - job.created_at >= _HOUR_MS:
            self._closed.add(job_id)
        if job_id in self._closed:
            self._cards.pop(job_id, None)
            if job.state in ENDED:
                self._closed.discard(job_id)
            return
        progress = self._progress(job, place, pace)
        card = self._cards.setdefault(job_id, _Card())
        if progress != (card.shown or Progress.from_json(post.body)):
            card.due_at = self._clock.monotonic() + self._edit_seconds
            await self._delivery.show(post, progress)
        card.shown, card.failures = progress, 0
        if job.state in ENDED:
            self._cards.pop(job_id, None)

    def _read(self, tx: Tx, job_id: str) -> tuple[Job, Post, int, float | None] | None:
        job = store.get(tx, job_id)
        post = posts.of(tx, job.subject, Purpose.CARD) if job else None
        if job is None or post is None:
            return None
        queue = self._line.queue(tx, EngineName(job.ask.engine)) if job.state is State.STAGED else []
        place = queue.index(job_id) + 1 if job_id in queue else 0
        return job, post, place, store.pace(tx, job.ask.engine)

    def _progress(self, job: Job, place: int, pace: float | None) -> Progress:
        stage, fraction = None, 0.0
        if job.state is State.SUBMITTED and job.task:
            status = self._registry.get(EngineName(job.ask.engine)).glance(job.task)
            stage, fraction = status.stage or None, status.fraction
        now = self._clock.now()
        expected = view.ready_at(job, pace=pace, place=place, now=now)
        slow = view.is_slow(job, now)
        down = job.state is State.STAGED and job.ask.engine in self._line.down()
        return view.card(job, stage=stage, fraction=fraction, place=place, ready_at=expected, slow=slow, down=down)
