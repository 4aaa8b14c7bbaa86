"""Runs due jobs: claims them fairly, calls the handler of their state, applies the step in one unit."""

from __future__ import annotations

import asyncio
import functools
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from sqlite3 import Row

from bot.clock import Clock
from bot.database import Database, Tx
from bot.engines.port import Engine
from bot.engines.registry import Registry, turn
from bot.engines.switches import Switches
from bot.errors import Alarm, Cause, Code, Refusal, Refused
from bot.files.store import Stored, keep
from bot.jobs import inbox, store
from bot.jobs.forgetting import clear, without_trace
from bot.jobs.job import (
    ARROWS,
    CANCELLABLE,
    DEADLINES,
    EFFECTS,
    ENDED,
    Effect,
    Job,
    Move,
    Sleep,
    State,
    Step,
    check_arrow,
)
from bot.jobs.retention import DAY_MS
from bot.jobs.stake import NoStake, Stake
from bot.jobs.steps import PATIENCE_MS, Steps, call_off, end, give_up
from bot.jobs.view import KEPT
from bot.logs import bind
from bot.metrics import counters
from bot.posts import store as posts
from bot.quotas import ledger
from bot.quotas.store import paused_guilds
from bot.request import EngineName
from bot.settings import KeepSettings

log = logging.getLogger(__name__)
LEASE_MS = 30 * 60_000
RECLAIM_MS = 1000
"""How long a job rests whose step was lost."""
FAULTS = 5

_PAUSES = (0.1, 1.0, *(5.0,) * 10)
_STAGING = 2
_ROOM = {State.ACCEPTED: _STAGING, State.READY: 8}
_WIDE = 16
_TOLD = 25
_time_in = functools.cache(counters.TIME_IN_STATE.labels)


class JobLine:
    """The jobs table as the runner sees it.

    `on_change(job_id)` is told of every applied step, `alarm` of faults of the program and of unknown outcomes.
    """

    name = "jobs"
    room = 32

    def __init__(
        self,
        db: Database,
        clock: Clock,
        registry: Registry,
        switches: Switches,
        steps: Steps,
        on_change: Callable[[str], None],
        alarm: Alarm,
        keep: KeepSettings,
        stake: Stake | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self._stake = stake or NoStake()
        self._steps = steps
        self._on_change = on_change
        self._switches = switches
        self._alarm = alarm
        self._keep = keep
        self._running: dict[str, Job] = {}
        self._faults: dict[str, int] = {}
        self._last_guild: str | None = None

    def clear(self, tx: Tx) -> None:
        store.clear_leases(tx)
        for engine in self._registry.engines:
            gap_ms = 1000 / engine.polls_per_second if engine.polls_per_second else 0
            store.poll_soon(tx, engine.name, now=self._clock.now(), gap_ms=gap_ms)

    def reclaim(self, tx: Tx, running: Collection[str]) -> None:
        """A claim that came to nothing takes no room from the jobs it was about."""
        for lost in {job.id for job in self._under_way}.difference(running):
            self._running.pop(lost, None)
        store.reclaim(tx, running, self._clock.now() + RECLAIM_MS)

    def next_wake(self, tx: Tx, since: int) -> int | None:
        """Also when an engine opens by itself that jobs wait for, or one has waited too long; other room is made by
        a step, which rings."""
        now = self._clock.now()
        rows = store.waiting(tx, State.STAGED, now)
        staged = {row["engine"] for row in rows}
        wakes = [self._opens_at(engine, now) for engine in self._registry.engines if engine.name in staged]
        wakes += [ends for row in rows if (ends := self._waits_until(row)) > since]
        return min((wake for wake in (store.next_wake(tx, since), *wakes) if wake is not None), default=None)

    def _opens_at(self, engine: Engine, now: int) -> int | None:
        if rest := self._switches.resting(engine.name):
            return rest
        seconds = engine.opens_in()
        return None if seconds is None else now + int(seconds * 1000) + 1

    def claim(self, tx: Tx, owner: str, room: int) -> list[Job]:
        """Lease due jobs: fair turns for staged ones as far as their engine is free, the rest as they come."""
        now = self._clock.now()
        due = store.due(tx, self._room(), now)
        chosen = self._turns(tx, due.staged, now) + due.others
        jobs = store.lease(tx, chosen[:room], owner=owner, lease_until=now + LEASE_MS)
        self._running.update({job.id: job for job in jobs})
        return jobs

    async def advance(self, job: Job, owner: str) -> None:
        """One step of one leased job, and those that follow at once, as far as there is room for them."""
        following: Job | None = job
        bind(job=job.id, guild=job.ask.guild, engine=job.ask.engine)
        while following is not None:
            following = await self._advance(following, owner)

    async def _advance(self, job: Job, owner: str) -> Job | None:
        """One step; the job as it is now if the next one is due and the lease was kept for it."""
        self._running[job.id] = job
        try:
            step = (
                await self._cancelled(job)
                or self._overdue(job)
                or await self._steps.handlers[job.state](job, owner)
            )
        except Refused as refused:
            step = give_up(job, refused.refusal)
        except Exception:
            log.exception("job %s stumbled in %s", job.id, job.state)
            await self._alarm.alert(Cause.UNEXPECTED, job=job.id)
            step = self._stumble(job)
        finally:
            self._running.pop(job.id, None)
        following = await self._insist(job, owner, step)
        self._on_change(job.id)
        return following

    @property
    def _under_way(self) -> list[Job]:
        """As they are now: claims look from the database's thread, while steps come and go."""
        return list(self._running.values())

    def _room(self) -> dict[State, int]:
        """How many more of each state may be worked on; staged ones have turns instead."""
        busy = Counter(job.state for job in self._under_way)
        room = {s: _ROOM.get(s, _WIDE) - busy[s] for s in self._steps.handlers if s is not State.STAGED}
        return {state: most for state, most in room.items() if most > 0}

    def _has_room(self, state: State) -> bool:
        """Whether one more job may go on at once in this state; where there are turns it waits for its own."""
        busy = sum(job.state is state for job in self._under_way)
        waits = state is State.STAGED or state not in self._steps.handlers
        return not waits and busy < _ROOM.get(state, _WIDE)

    def _turns(self, tx: Tx, rows: list[Row], now: int) -> list[str]:
        if rows:
            paused = paused_guilds(tx)
            rows = [row for row in rows if row["guild"] not in paused]
        chosen: list[str] = []
        for engine in self._registry.engines:
            staged = [job for job in self._under_way if job.state is State.STAGED]
            due = [row for row in rows if row["engine"] == engine.name]
            if not self._switches.takes(engine.name):
                chosen += [row["id"] for row in due if self._waits_until(row) <= now]
                continue
            busy = sum(1 for job in staged if job.ask.engine == engine.name)
            mine = [(row["id"], row["guild"]) for row in due]
            guilds = dict(mine)
            for job in turn(mine, max(0, engine.free() - busy), self._last_guild):
                chosen.append(job)
                self._last_guild = guilds[job]
        if chosen:
            self._tell_those_next(rows)
        return chosen

    def _tell_those_next(self, waiting: list[Row]) -> None:
        """The queue moved up: the cards of those in front say so."""
        for row in waiting[:_TOLD]:
            self._on_change(row["id"])

    async def _cancelled(self, job: Job) -> Step | None:
        """Stop a job that somebody wants stopped, where it can still be stopped."""
        if (job.cancelled_by is None and not job.forgotten) or job.state not in CANCELLABLE:
            return None
        if job.state is State.SUBMITTED:
            engine = self._registry.get(EngineName(job.ask.engine))
            if not engine.cancellable:
                return None
            await engine.discard(job.task or "")
        if job.state is State.SUBMITTING:
            return None
        return call_off(job)

    def _waits_until(self, row: Row) -> int:
        """When a staged job is given up that gets no turn."""
        resting = self._switches.resting(EngineName(row["engine"]))
        return min(row["deadline"], row["created_at"] + PATIENCE_MS) if resting else row["deadline"]

    def _overdue(self, job: Job) -> Step | None:
        engine, now = EngineName(job.ask.engine), self._clock.now()
        starved = job.state is State.STAGED and self._switches.resting(engine)
        if starved and now >= job.created_at + PATIENCE_MS:
            return give_up(job, self._switches.without_credits(engine, self._registry.names))
        if now < job.deadline:
            return None
        if job.state is State.POSTING:
            return Move(State.DONE, {"how": KEPT})
        if job.state is State.NOTIFYING:
            return end(job)
        code = Code.OUTCOME_UNKNOWN if self._is_paid(job) else Code.TOOK_TOO_LONG
        return give_up(job, Refusal(code)) if State.NOTIFYING in ARROWS[job.state] else None

    def _is_paid(self, job: Job) -> bool:
        """Whether a hosted engine may still deliver it, so that a late result is worth waiting for."""
        handed_in = job.state in (State.SUBMITTING, State.SUBMITTED)
        return handed_in and not self._registry.get(EngineName(job.ask.engine)).repeatable

    def _stumble(self, job: Job) -> Step:
        count = self._faults[job.id] = self._faults.get(job.id, 0) + 1
        if count >= FAULTS and State.NOTIFYING in ARROWS[job.state]:
            return give_up(job, Refusal(Code.UNEXPECTED, {"job": job.id}))
        return Sleep(self._clock.now() + 1000 * 2**count)

    async def _insist(self, job: Job, owner: str, step: Step) -> Job | None:
        """A database that balks is asked again: the step may know of a task that was paid for."""
        for pause in _PAUSES:
            try:
                return await self._apply(job, owner, step)
            except sqlite3.Error as error:
                log.warning("job %s: %s could not be written (%s)", job.id, step, error)
                await asyncio.sleep(pause)
        return await self._apply(job, owner, step)

    async def _apply(self, job: Job, owner: str, step: Step) -> Job | None:
        """Write a step. Returns the job as it is now if the lease was kept for the step that follows at once."""
        post_ids = [self._clock.new_id() for _ in step.posts]
        if isinstance(step, Sleep):
            await self._db.work(lambda tx: self._sleep(tx, job, owner, step, post_ids))
            return None
        if step.to in ENDED:
            self._faults.pop(job.id, None)
        hold = step.wake_at is None and self._has_room(step.to)
        moved = await self._db.work(lambda tx: self._move(tx, job, owner, step, post_ids, hold=hold))
        if moved is None:
            log.warning("job %s was moved by somebody else while in %s", job.id, job.state)
        else:
            _count(job, step.to, self._clock.now())
            if step.to is State.UNKNOWN:
                await self._alarm.alert(Cause.OUTCOME_UNKNOWN, job=job.id)
        return moved if hold else None

    def _sleep(self, tx: Tx, job: Job, owner: str, sleep: Sleep, post_ids: list[str]) -> None:
        """Messages asked for more than once are there once: a subject has one of each purpose."""
        store.sleep(tx, job, owner, sleep.wake_at)
        if sleep.posts and not store.is_forgotten(tx, job.id):
            self._ask(tx, job, sleep, post_ids)

    def _ask(self, tx: Tx, job: Job, step: Step, post_ids: list[str]) -> None:
        for post_id, new in zip(post_ids, step.posts, strict=True):
            posts.add(tx, job.subject, new, post_id=post_id, now=self._clock.now())

    def _move(self, tx: Tx, job: Job, owner: str, move: Move, post_ids: list[str], *, hold: bool) -> Job | None:
        """The whole step in one unit: columns, reservations, sources, tracks, files, messages.

        Returns the job, as it is afterwards if it is held; None when it was not this owner's.
        """
        now = self._clock.now()
        held = store.held(tx, job.id, owner)
        if held is None:
            return None
        job = job if job.state is held.state else replace(job, state=held.state)
        check_arrow(job.state, move.to)
        if held.forgotten:
            move = without_trace(move)
        changes = {
            "updated_at": now,
            "wake_at": now if move.wake_at is None else move.wake_at,
            "deadline": now + DEADLINES.get(move.to, 0),
            **({"ended_at": now} if move.to in ENDED else {}),
            **move.changes,
        }
        row = store.advance(tx, job, owner, move.to, changes, hold=hold)
        if row is None:
            return None
        if not hold and move.to in (State.SUBMITTED, State.UNKNOWN):
            inbox.ring(tx, job.id)  # a callback was faster than this step
        _account(tx, job, move.to, now)
        days = self._keep.source_days if move.to is State.STAGED else self._keep.result_days
        keep(tx, [Stored(*file) for file in move.files], job.subject, now + days * DAY_MS, now)
        for source in move.sources:
            store.stage_source(tx, job.id, source)
        for track in move.tracks:
            store.add_track(tx, job.id, track)
        if held.forgotten:
            clear(tx, job.id)
        else:
            self._ask(tx, job, move, post_ids)
        if move.to in ENDED:
            self._stake.ended(tx, job.id, move.to, now)
        if not hold:
            return job
        return store.get(tx, job.id) if held.forgotten else store.moved(job, row, move.tracks)

    def down(self) -> frozenset[EngineName]:
        """Engines that take nothing now, or do not answer."""
        silent = {e.name for e in self._registry.engines if e.account is not None and not e.account.reached}
        return frozenset({n for n in self._registry.names if not self._switches.takes(n)} | silent)

    def queue(self, tx: Tx, engine: EngineName) -> list[str]:
        """Every staged job of an engine in the order of its turns."""
        rows = store.waiting(tx, State.STAGED, self._clock.now())
        mine = [(row["id"], row["guild"]) for row in rows if row["engine"] == engine]
        return turn(mine, len(mine), self._last_guild)


def _count(job: Job, target: State, now: int) -> None:
    """A move that is committed. What is staged is so until an engine has it: its marker is part of that step."""
    _time_in(job.state).observe(max(0, now - job.updated_at) / 1000)
    if target in ENDED:
        counters.ENDED.labels(target).inc()
        if job.error is not None:
            counters.FAILED.labels(job.error.code).inc()


def _account(tx: Tx, job: Job, target: State, now: int) -> None:
    """Close the job's reservations where the arrow says so."""
    match EFFECTS.get((job.state, target)):
        case Effect.SETTLE:
            ledger.settle(tx, job.id, now)
        case Effect.RELEASE:
            ledger.release(tx, job.id, now)
        case None:
            pass
