"""The story of a job: one handler for each state, each returning the step that follows."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bot.clock import Clock
from bot.database import Database, Tx
from bot.engines.port import Ambiguous, Engine, FinishedTrack, Later, Order, TaskState
from bot.engines.probe import probe
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Cause, Code, Refusal, Refused, Value
from bot.files.download import Downloader
from bot.files.store import FileStore, Stored
from bot.guilds.store import wants_direct
from bot.jobs import inbox, messages, store
from bot.jobs.job import DEADLINES, Job, Move, Sleep, Source, State, Step, Track
from bot.jobs.view import KEPT
from bot.posts import store as posts
from bot.posts.post import NewPost, Post, PostState, Purpose
from bot.request import EngineName, Mode, Operation
from bot.worker.pool import Pool

log = logging.getLogger(__name__)
MESSAGE_MS = 60_000
SUBMITS = 2
PATIENCE_MS = 60 * 60_000
"""How long after its acceptance a job may still be told "not now"."""
LATE_MS = 24 * 60 * 60_000
"""How long after its order a task is asked about that did not end in its time."""
NEVER = 1 << 53
"""A wake-up that only a ring can bring forward."""


@dataclass(frozen=True)
class Pace:
    """Milliseconds: between two questions about a task, or about a late one; how long an answer is waited for."""

    poll: int = 30_000
    late_poll: int = 10 * 60_000
    grace: int = 15 * 60_000


class Alarm(Protocol):
    """How operators are told of something, once until it is over."""

    async def alert(self, cause: Cause, about: str = "", **values: Value) -> None: ...

    async def clear(self, cause: Cause, about: str = "") -> None: ...


class Steps:
    """Handlers by state. They read the world, act on it once, and say where the job goes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        registry: Registry,
        switches: Switches,
        files: FileStore,
        downloader: Downloader,
        probes: Pool,
        alarm: Alarm,
        pace: Pace | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self._switches = switches
        self._files = files
        self._downloader = downloader
        self._probes = probes
        self._alarm = alarm
        self._pace = pace or Pace()
        self.handlers: Mapping[State, Callable[[Job, str], Awaitable[Step]]] = {
            State.ACCEPTED: self.accepted,
            State.STAGED: self.staged,
            State.SUBMITTING: self.submitting,
            State.SUBMITTED: self.submitted,
            State.READY: self.ready,
            State.DOWNLOADED: self.downloaded,
            State.POSTING: self.posting,
            State.NOTIFYING: self.notifying,
            State.UNKNOWN: self.unknown,
        }

    async def accepted(self, job: Job, owner: str) -> Step:
        """Make both sources ours, and know that they are audio we can use."""
        staged: list[Source] = []
        kept: list[Stored] = []
        for source in job.ask.sources:
            stored, seconds = await self._stage(job, source)
            self._check_length(job, source, seconds)
            staged.append(replace(source, hash=stored.hash, seconds=seconds))
            kept.append(stored)
        files = tuple((k.hash, k.size, k.kind) for k in kept)
        return Move(State.STAGED, sources=tuple(staged), files=files)

    async def staged(self, job: Job, owner: str) -> Step:
        """It is this job's turn: make ready, commit the marker, then hand the order in, once."""
        engine, marked = self._engine(job), False
        try:
            uploads = await engine.prepare(self._order(job))
            secret, now = self._clock.new_secret(), self._clock.now()
            if not await self._db.work(lambda tx: self._mark(tx, job, owner, now, secret, uploads)):
                return Sleep(now)
            marked = True
            task = await engine.submit(replace(self._order(job), uploads=uploads, secret=secret))
        except Refused as refused:
            if refused.refusal.code is Code.ENGINE_UNAVAILABLE:
                await self._tell_of(engine, refused.refusal)
            return give_up(job, refused.refusal)
        except Later as later:
            if later.pause:
                await self._switches.pause(engine.name, later.seconds)
                await self._tell_of(engine, later.refusal)
            return self._later(job, later, marked=marked)
        except Ambiguous as doubt:
            log.warning("job %s: it is not known whether the engine took it (%s)", job.id, doubt)
            return Sleep(self._clock.now())
        await self._alarm.clear(Cause.ENGINE_STOPPED, engine.name)
        return Move(State.SUBMITTED, {"task": task}, wake_at=await self._next_poll(engine))

    async def submitting(self, job: Job, owner: str) -> Step:
        """After a crash or without an answer. A repeatable engine is asked again; another one never.

        It may have the job: then its callback names the task. Without one the job ends after the grace.
        """
        if self._engine(job).repeatable:
            return again(job)
        ends = (job.marked_at or 0) + self._pace.grace
        try:
            task = await self._task_of(job)
        except Later as later:
            return Sleep(self._clock.now() + int(later.seconds * 1000))
        if task is not None:
            return Move(State.SUBMITTED, {"task": task})
        return Sleep(ends) if self._clock.now() < ends else give_up(job, Refusal(Code.OUTCOME_UNKNOWN))

    async def unknown(self, job: Job, owner: str) -> Step:
        """It ended without proof: somebody rang, or it is time to ask again. A late result is delivered free."""
        if job.task is not None:
            status = await self._engine(job).status(job.task)
            if status.state is not TaskState.READY:
                return Sleep(self._late_poll(job))
        try:
            task = job.task or await self._task_of(job)
        except Later as later:
            return Sleep(self._clock.now() + int(later.seconds * 1000))
        if task is None:
            return Sleep(NEVER)
        return Move(State.SUBMITTED, {"task": task, "error": None, "ended_at": None})

    async def submitted(self, job: Job, owner: str) -> Step:
        """Ask the engine; its answer is the truth, whoever rang."""
        status = await self._engine(job).status(job.task or "")
        match status.state:
            case TaskState.READY:
                return Move(State.READY)
            case TaskState.REFUSED:
                return give_up(job, status.refusal or Refusal(Code.ENGINE_FAILED))
            case TaskState.GONE:
                return again(job)
            case _:
                return Sleep(await self._next_poll(self._engine(job)))

    async def ready(self, job: Job, owner: str) -> Step:
        """Copy the results into our own store."""
        try:
            finished = await self._engine(job).finished(job.task or "", job.ask.max_bytes)
        except Later as later:
            return Sleep(self._clock.now() + int(later.seconds * 1000))
        tracks: list[Track] = []
        kept: list[Stored] = []
        for track in finished.tracks:
            audio = await self._copy(job, track, track.audio, "mp3")
            picture = await self._copy(job, track, track.picture, "png")
            kept += [audio, picture]
            tracks.append(Track(track.number, audio.hash, picture.hash, track.title, track.seconds))
        files = tuple((k.hash, k.size, k.kind) for k in kept)
        report = json.dumps({**finished.report, "model": job.ask.request["model"]}, ensure_ascii=False)
        return Move(State.DOWNLOADED, {"report": report}, tracks=tuple(tracks), files=files)

    async def downloaded(self, job: Job, owner: str) -> Step:
        """Ask for the result message; it goes out in its own time, exactly once."""
        await self._engine(job).discard(job.task or "")
        return Move(State.POSTING, posts=await self._next_way(job, ()), wake_at=self._clock.now() + MESSAGE_MS)

    async def posting(self, job: Job, owner: str) -> Step:
        """The message is out, or every place refuses it and the result is kept."""
        tried = await self._tried(job, messages.RESULTS)
        sent = next((post for post in tried if post.state is not PostState.DEAD), None)
        if sent is not None and sent.state is not PostState.SENT:
            return Sleep(self._clock.now() + MESSAGE_MS)
        if sent is not None:
            return Move(State.DONE, {"how": messages.HOW[sent.purpose]})
        further = await self._next_way(job, tried)
        if further:
            return Sleep(self._clock.now() + MESSAGE_MS, further)
        return Move(State.DONE, {"how": KEPT})

    async def notifying(self, job: Job, owner: str) -> Step:
        """The member has been told, or cannot be, or asked for it."""
        tried = await self._tried(job, messages.NOTICES)
        if any(post.state not in (PostState.SENT, PostState.DEAD) for post in tried):
            return Sleep(self._clock.now() + MESSAGE_MS)
        if not tried or any(post.state is PostState.SENT for post in tried) or job.error is None:
            return end(job)
        further = messages.untried(messages.notices(job, job.error), tried)
        return Sleep(self._clock.now() + MESSAGE_MS, (further,)) if further else end(job)

    async def _stage(self, job: Job, source: Source) -> tuple[Stored, float]:
        path = self._files.incoming(f"{job.id}-{source.side}")
        try:
            downloaded = await self._downloader.fetch(source.url, path)
        except Refused as refused:
            raise Refused(refused.refusal.code, **{**refused.refusal.values, "name": source.name}) from refused
        try:
            probed = await probe(self._probes, path, source.name)
            stored = await self._files.adopt(path, probed.kind, digest=downloaded.sha256)
            return stored, probed.seconds
        finally:
            path.unlink(missing_ok=True)

    def _check_length(self, job: Job, source: Source, seconds: float) -> None:
        """Some engines take shorter sources than we do. Raises `Refused`."""
        request = job.ask.request
        offered = self._engine(job).capabilities(
            Operation(job.ask.operation), Mode(request["mode"]), request["model"]
        )
        if offered is not None and offered.source_seconds is not None and seconds > offered.source_seconds:
            raise Refused(Code.AUDIO_TOO_LONG, name=source.name, limit=offered.source_seconds)

    async def _copy(self, job: Job, track: FinishedTrack, path: Path, kind: str) -> Stored:
        target = self._files.incoming(f"{job.id}-{track.number}.{kind}")
        await asyncio.to_thread(shutil.copyfile, path, target)
        return await self._files.adopt(target, kind)

    def _mark(self, tx: Tx, job: Job, owner: str, now: int, secret: str, uploads: tuple[str, ...]) -> bool:
        """The committed marker, with everything by which a lost answer can still be found."""
        deadline = now + max(DEADLINES[State.SUBMITTING], self._pace.grace + MESSAGE_MS)
        if not store.mark(tx, job, owner, State.SUBMITTING, now=now, deadline=deadline):
            return False
        inbox.arm(tx, job.id, secret, uploads)
        return True

    async def _task_of(self, job: Job) -> str | None:
        """The task that a callback named, if the engine's own record names our uploads. Raises `Later`."""
        engine = self._engine(job)
        for task in await self._db.work(lambda tx: inbox.tasks(tx, job.id)):
            if await engine.recognises(task, job.uploads):
                return task
            log.warning("job %s: a callback named a task that is not its own", job.id)
        return None

    def _later(self, job: Job, later: Later, *, marked: bool) -> Step:
        """Back into the queue, while there is time and, where they are counted, a try left."""
        now = self._clock.now()
        spent = later.tries is not None and job.attempts + 1 >= later.tries
        if spent or now - job.created_at > PATIENCE_MS:
            return give_up(job, later.refusal)
        due = now if later.pause else now + int(later.seconds * 1000)  # a paused engine gives no turns
        return Move(State.STAGED, {"task": None}, wake_at=due) if marked else Sleep(due)

    async def _next_poll(self, engine: Engine) -> int:
        """Rarer as soon as more jobs wait than the engine may be asked about in that time."""
        pause = self._pace.poll
        if engine.polls_per_second is not None:
            waiting = await self._db.work(lambda tx: store.count_submitted(tx, engine.name))
            pause = max(pause, int(1000 * waiting / engine.polls_per_second))
        return self._clock.now() + self._clock.jitter(pause)

    def _late_poll(self, job: Job) -> int:
        """A task that did not end in its time is asked about for a day."""
        now = self._clock.now()
        return NEVER if now > (job.marked_at or 0) + LATE_MS else now + self._clock.jitter(self._pace.late_poll)

    async def _tell_of(self, engine: Engine, refusal: Refusal) -> None:
        """Only an operator can mend what stops a whole engine."""
        status = refusal.values.get("status", 0)
        log.error("engine %s takes nothing: code %s", engine.name, status)
        await self._alarm.alert(Cause.ENGINE_STOPPED, engine.name, engine=engine.name.value, status=status)

    async def _tried(self, job: Job, purposes: Sequence[Purpose]) -> list[Post]:
        return await self._db.work(lambda tx: posts.of_any(tx, job.subject, purposes))

    async def _next_way(self, job: Job, tried: Sequence[Post]) -> tuple[NewPost, ...]:
        """The message by which the result goes out, if there is a way left."""
        direct = await self._db.work(lambda tx: wants_direct(tx, job.ask.member))
        way = messages.untried(messages.results(job, direct=direct), tried)
        return (way,) if way else ()

    def _engine(self, job: Job) -> Engine:
        return self._registry.get(EngineName(job.ask.engine))

    def _order(self, job: Job) -> Order:
        return Order(
            job=job.id,
            attempt=job.attempts + 1,
            operation=Operation(job.ask.operation),
            sources=tuple(self._files.path(source.hash or "") for source in job.ask.sources),
            seconds=tuple(source.seconds or 0.0 for source in job.ask.sources),
            request=job.ask.request,
            seed=job.ask.seed,
            max_bytes=job.ask.max_bytes,
            links=tuple(source.url for source in job.ask.sources),
        )


def again(job: Job) -> Move:
    """Back into the queue, at most `SUBMITS` times in all."""
    if job.attempts >= SUBMITS:
        return give_up(job, Refusal(Code.ENGINE_LOST_TASK))
    return Move(State.STAGED, {"task": None})


def call_off(job: Job) -> Move:
    """Stopped on somebody's wish: told to the requester unless the wish was their own."""
    error = Refusal(Code.CANCELLED)
    if job.cancelled_by != job.ask.member:
        return give_up(job, error)
    return Move(State.NOTIFYING, {"error": json.dumps(error.to_json())})


def end(job: Job) -> Move:
    """How a job without a result ends; one of unknown outcome looks for a late proof, or sleeps until one rings."""
    code = job.error.code if job.error else None
    if code is Code.OUTCOME_UNKNOWN:
        return Move(State.UNKNOWN, wake_at=None if job.task else NEVER)
    return Move(State.CANCELLED if code is Code.CANCELLED else State.FAILED)


def give_up(job: Job, error: Refusal) -> Move:
    """There will be no result: tell the member why."""
    text = json.dumps(error.to_json(), ensure_ascii=False)
    return Move(State.NOTIFYING, {"error": text}, posts=messages.notices(job, error)[:1])
