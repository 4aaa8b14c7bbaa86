"""The story of a job: one handler for each state, each returning the step that follows."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.database import Database, Tx
from bot.engines.port import Ambiguous, Engine, Later, Order, TaskState, TaskStatus
from bot.engines.registry import Registry
from bot.engines.spending import Spending
from bot.engines.switches import Switches
from bot.errors import Alarm, Cause, Code, Refusal, Refused
from bot.files.download import Downloader
from bot.files.store import FileStore
from bot.guilds.store import wants_direct
from bot.jobs import inbox, messages, store
from bot.jobs.artist import Artist
from bot.jobs.job import DEADLINES, Job, Move, Sleep, Source, State, Step, Track
from bot.jobs.staging import Stager
from bot.jobs.stake import NoStake, Stake
from bot.jobs.view import KEPT
from bot.posts import store as posts
from bot.posts.post import NewPost, Post, PostState, Purpose
from bot.request import EngineName, Mode, Operation
from bot.worker.pool import Pool

log = logging.getLogger(__name__)
MESSAGE_MS = 60_000
SUBMITS = 2
PATIENCE_MS = 60 * 60_000
"""How long after its acceptance a job may still be told "not now", or wait for credits."""
LATE_MS = 24 * 60 * 60_000
"""How long after its order a task is asked about that did not end in its time."""
FORGOTTEN = "forgotten"
"""How a result goes out whose member asked to be forgotten: not at all."""
NEVER = 1 << 53
"""A wake-up that only a ring can bring forward."""


@dataclass(frozen=True)
class Pace:
    """Milliseconds: between two questions about a task, or about a late one; how long an answer is waited for."""

    poll: int = 30_000
    late_poll: int = 10 * 60_000
    grace: int = 15 * 60_000


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
        stake: Stake | None = None,
        spending: Spending | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._registry = registry
        self._switches = switches
        self._spending = spending or Spending(switches, alarm, ())
        self._files = files
        self._stager = Stager(files, downloader, probes)
        self._artist = Artist(probes, files)
        self._alarm = alarm
        self._pace = pace or Pace()
        self._stake = stake or NoStake()
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
        for source in job.ask.sources:
            if source.seconds is not None:
                self._check_length(job, source, source.seconds)
        missing = [source for source in job.ask.sources if source.hash is None or source.seconds is None]
        wanted = [(f"{job.id}-{source.side}", source.name, source.url) for source in missing]
        found = await self._stager.stage_each(wanted) if wanted else []
        for source, (_, seconds) in zip(missing, found, strict=True):
            self._check_length(job, source, seconds)
        return Move(
            State.STAGED,
            sources=tuple(
                replace(source, hash=stored.hash, seconds=seconds)
                for source, (stored, seconds) in zip(missing, found, strict=True)
            ),
            files=tuple((stored.hash, stored.size, stored.kind) for stored, _ in found),
        )

    async def staged(self, job: Job, owner: str) -> Step:
        """It is this job's turn: make ready, commit the marker, then hand the order in, once."""
        engine, order, marked = self._engine(job), self._order(job), False
        try:
            uploads = await engine.prepare(order)
            if not await self._spending.allows(engine, self._price(job)):
                return Sleep(self._clock.now())
            secret, now = self._clock.new_secret(), self._clock.now()
            if not await self._db.work(lambda tx: self._mark(tx, job, owner, now, secret, uploads)):
                return Sleep(now)
            marked = True
            task = await engine.submit(replace(order, uploads=uploads, secret=secret))
        except Refused as refused:
            if refused.refusal.code is Code.ENGINE_UNAVAILABLE:
                await self._tell_of(engine, refused.refusal)
            return give_up(job, refused.refusal)
        except Later as later:
            if later.pause:
                await self._switches.pause(engine.name, later.seconds)
                await self._alarm.alert(Cause.OUT_OF_CREDITS, engine.name, engine=engine.name.value)
            return self._later(job, later, marked=marked)
        except Ambiguous as doubt:
            log.warning("job %s: it is not known whether the engine took it (%s)", job.id, doubt)
            return Sleep(self._clock.now())
        for cause in (Cause.ENGINE_STOPPED, Cause.OUT_OF_CREDITS):
            await self._alarm.clear(cause, engine.name)
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
            status = await self._ask_about(job)
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
        status = await self._ask_about(job)
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
        if job.forgotten:
            return Move(State.DOWNLOADED)
        try:
            finished = await self._engine(job).finished(job.task or "", job.ask.max_bytes)
        except Later as later:
            return Sleep(self._clock.now() + int(later.seconds * 1000))
        sounds = [(track.audio, "mp3") for track in finished.tracks]
        waves = [(track.picture, "png") for track in finished.tracks if track.picture is not None]
        kept = await self._files.copy(job.id, [*sounds, *waves])
        drawn = iter(kept[len(sounds) :])
        tracks = [
            Track(
                t.number, audio.hash, next(drawn).hash if t.picture else "", t.title, t.seconds, t.audio_id or None
            )
            for t, audio in zip(finished.tracks, kept, strict=False)
        ]
        files = tuple((k.hash, k.size, k.kind) for k in kept)
        report = json.dumps({**finished.report, "model": job.ask.request["model"]}, ensure_ascii=False)
        return Move(State.DOWNLOADED, {"report": report}, tracks=tuple(tracks), files=files)

    async def downloaded(self, job: Job, owner: str) -> Step:
        """Ask for the result message; it goes out in its own time, exactly once."""
        await self._engine(job).discard(job.task or "")
        if job.forgotten:
            return Move(State.POSTING)
        return Move(State.POSTING, posts=await self._next_way(job, ()), wake_at=self._clock.now() + MESSAGE_MS)

    async def posting(self, job: Job, owner: str) -> Step:
        """The message is out, or every place refuses it and the result is kept; what lacks a picture gets one."""
        if job.forgotten:
            return Move(State.DONE, {"how": FORGOTTEN})
        tried = await self._tried(job, messages.RESULTS)
        sent = next((post for post in tried if post.state is not PostState.DEAD), None)
        if sent is not None and sent.state is not PostState.SENT:
            return Sleep(self._clock.now() + MESSAGE_MS)
        further = await self._next_way(job, tried) if sent is None else ()
        if further:
            return Sleep(self._clock.now() + MESSAGE_MS, further)
        tracks, files = await self._artist.draw(job)
        pictures = messages.pictures(sent, tracks) if sent is not None else ()
        how = messages.HOW[sent.purpose] if sent is not None else KEPT
        return Move(State.DONE, {"how": how}, posts=pictures, tracks=tracks, files=files)

    async def notifying(self, job: Job, owner: str) -> Step:
        """The member has been told, or cannot be, or asked for it."""
        tried = await self._tried(job, messages.NOTICES)
        if any(post.state not in (PostState.SENT, PostState.DEAD) for post in tried):
            return Sleep(self._clock.now() + MESSAGE_MS)
        if not tried or any(post.state is PostState.SENT for post in tried) or job.error is None:
            return end(job)
        _, hidden = await self._discretion(job)
        further = messages.untried(messages.notices(job, job.error, hidden=hidden), tried)
        return Sleep(self._clock.now() + MESSAGE_MS, (further,)) if further else end(job)

    def _check_length(self, job: Job, source: Source, seconds: float) -> None:
        """Some engines take shorter sources than we do. Raises `Refused`."""
        request = job.ask.request
        offered = self._engine(job).capabilities(
            Operation(job.ask.operation), Mode(request["mode"]), request["model"]
        )
        if offered is not None and offered.source_seconds is not None and seconds > offered.source_seconds:
            raise Refused(Code.AUDIO_TOO_LONG, name=source.name, limit=offered.source_seconds)

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
        """Back into the queue, while there is time and, where they are counted, a try left.

        What waits for a paused engine gets no turn until that is over, or its time is.
        """
        now = self._clock.now()
        spent = later.tries is not None and job.attempts + 1 >= later.tries
        if spent or (not later.pause and now - job.created_at > PATIENCE_MS):
            return give_up(job, later.refusal)
        due = now if later.pause else now + int(later.seconds * 1000)
        return Move(State.STAGED, {"task": None}, wake_at=due) if marked else Sleep(due)

    async def _ask_about(self, job: Job) -> TaskStatus:
        """How the task stands by the engine's own word; a word nobody knows is told to the operators, once."""
        engine = self._engine(job)
        status = await engine.status(job.task or "")
        if status.unheard:
            about = f"{engine.name}:{status.unheard}"
            await self._alarm.alert(Cause.UNHEARD_STATE, about, engine=engine.name.value, state=status.unheard)
        return status

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
        direct, hidden = await self._discretion(job)
        way = messages.untried(messages.results(job, direct=direct, hidden=hidden), tried)
        return (way,) if way else ()

    async def _discretion(self, job: Job) -> tuple[bool, bool]:
        """Of a private job: whether its member wants direct messages, and whether nobody else may know of it."""
        if not job.ask.private:
            return False, False
        return await self._db.work(lambda tx: (wants_direct(tx, job.ask.member), self._stake.hides(tx, job.id)))

    def _engine(self, job: Job) -> Engine:
        return self._registry.get(EngineName(job.ask.engine))

    def _price(self, job: Job) -> float:
        """In the engine's credits."""
        operation, mode = Operation(job.ask.operation), Mode(job.ask.request["mode"])
        offered = self._engine(job).capabilities(operation, mode, job.ask.request["model"])
        return offered.credits if offered is not None else 0.0

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
