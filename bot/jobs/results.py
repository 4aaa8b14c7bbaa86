"""What may be done with a result that is there: made again, changed, turned round, shown to others, looked into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.clock import Clock
from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.files.store import is_kept
from bot.guilds.moderation import Actor
from bot.jobs import messages, repeat, store, view
from bot.jobs.job import Job, State
from bot.jobs.provenance import provenance
from bot.jobs.service import Accepted, JobService, Offer, Place, Reader, known
from bot.jobs.stake import Stake
from bot.posts import store as posts
from bot.posts.post import PostState, Purpose
from bot.quotas.gate import Gate
from bot.quotas.policy import Gate as Rule
from bot.request import EngineName, Operation

_WHERE = (Rule.SERVED, Rule.BLOCK, Rule.PAUSE, Rule.ROLE, Rule.CHANNEL)
"""Rules of the gate that hold for showing something, too."""
_MADE = (State.POSTING, State.DONE)


class Act(StrEnum):
    """What a result can offer."""

    AGAIN = "again"
    CHANGE = "change"
    SWAP = "swap"
    SHARE = "share"
    DELETE = "delete"
    DETAILS = "details"


@dataclass(frozen=True)
class Form:
    """What a member may change before a job is made again, filled with what was asked; an engine only where there
    is a choice."""

    job: str
    title: str
    fields: Mapping[str, str]
    engines: tuple[EngineName, ...]
    lyrics: bool


class Results:
    """Every method raises `Refused`; then nothing is changed."""

    def __init__(
        self, db: Database, clock: Clock, jobs: JobService, gate: Gate, stake: Stake, wake: Callable[[], None]
    ) -> None:
        self._db = db
        self._clock = clock
        self._jobs = jobs
        self._gate = gate
        self._stake = stake
        self._wake = wake

    async def offered(self, job_id: str) -> frozenset[Act]:
        """What makes sense of a job that has its result, or is about to."""

        def unit(tx: Tx) -> frozenset[Act]:
            job = store.get(tx, job_id)
            if job is None or job.removed is not None or job.forgotten:
                return frozenset()
            acts = {Act.DELETE, Act.DETAILS}
            if all(source.hash and is_kept(tx, job.subject, source.hash) for source in job.ask.sources):
                acts |= {Act.AGAIN, Act.CHANGE, *([Act.SWAP] if len(job.ask.sources) == 2 else [])}
            if job.ask.private and not self._is_shared(tx, job) and not self._stake.hides(tx, job_id):
                acts.add(Act.SHARE)
            return frozenset(acts)

        return await self._db.work(unit)

    async def home(self, member: str, job_id: str) -> tuple[str, str]:
        """Guild and channel of a job of the member's own, for who presses a button in direct messages."""

        def unit(tx: Tx) -> tuple[str, str]:
            job = store.get(tx, job_id)
            if job is None or job.ask.member != member:
                raise Refused(Code.NO_SUCH_JOB, job=job_id)
            return job.ask.guild, job.ask.channel

        return await self._db.work(unit)

    async def again(self, place: Place, job_id: str) -> Accepted:
        """Ask once more for what a job of the same member made or was to make, with another seed."""
        job = await self._to_repeat(place, job_id)
        return await self._ask(place, job, _offers(job), repeat.given_in(job))

    async def swap(self, place: Place, job_id: str) -> Accepted:
        """The same with track A in the place of track B."""
        job = await self._to_repeat(place, job_id)
        if len(job.ask.sources) != 2:
            raise Refused(Code.ONE_SOURCE, job=job_id)
        return await self._ask(place, job, _offers(job)[::-1], repeat.given_in(job))

    async def form(self, place: Place, job_id: str) -> Form:
        """What can be changed of a job before it is made again."""
        job = await self._to_repeat(place, job_id)
        operation = Operation(job.ask.operation)
        given = {name: _text(value) for name, value in repeat.given_in(job).items()}
        engines = await self._jobs.allowed(operation, place.guild)
        return Form(
            job=job_id,
            title=job.title,
            fields={name: given.get(name, "") for name in repeat.FIELDS[operation]},
            engines=engines if len(engines) > 1 else (),
            lyrics=view.card(job, stage=None, fraction=0, place=0, ready_at=None).lyrics,
        )

    async def change(self, place: Place, job_id: str, typed: Mapping[str, str | None]) -> Accepted:
        """Ask for it with other options."""
        job = await self._to_repeat(place, job_id)
        return await self._ask(place, job, _offers(job), repeat.changed(job, typed))

    async def share(self, place: Place, job_id: str) -> Job:
        """Show a private result to the channel of `place`, once."""
        post_id, now = self._clock.new_id(), self._clock.now()
        actor = Actor(place.guild, place.member, place.roles, manages=False)

        def unit(tx: Tx) -> Job:
            job = repeat.to_repeat(tx, place.guild, place.member, job_id)
            if job.state not in _MADE:
                raise Refused(Code.NO_RESULT, job=job_id)
            if not job.ask.private:
                raise Refused(Code.RESULT_NOT_PRIVATE, job=job_id)
            if self._stake.hides(tx, job_id):
                raise Refused(Code.RESULT_IN_CONTEST, job=job_id)
            if self._is_shared(tx, job):
                raise Refused(Code.ALREADY_SHARED, job=job_id)
            if not all(is_kept(tx, job.subject, track.hash) for track in job.tracks):
                raise Refused(Code.RESULT_EXPIRED, job=job_id)
            verdict = self._gate.decide(tx, self._jobs.asking(actor, place.channel, place.parent), now)
            for check in verdict.checks:
                if check.gate in _WHERE and not check.passed:
                    raise Refused(check.code, **check.values)
            posts.replace_dead(
                tx, job.subject, messages.shared(job, place.channel, place.locale), post_id=post_id, now=now
            )
            return job

        job = await self._db.work(unit)
        self._wake()
        return job

    async def details(self, reader: Reader, job_id: str) -> Mapping[str, Any]:
        """Everything that is known of how a result came to be: of one's own, or of anybody's public one."""

        def unit(tx: Tx) -> Job:
            job = known(tx, reader, job_id)
            own = job.ask.member == reader.member
            if not own and (job.forgotten or self._stake.hides(tx, job_id)):
                raise Refused(Code.NOT_YOUR_JOB, job=job_id)
            if not own and job.ask.private and not self._is_shared(tx, job):
                raise Refused(Code.NOT_YOUR_JOB, job=job_id)
            if (gone := view.gone(job)) is not None:
                raise Refused.of(gone)
            if job.state not in _MADE:
                raise Refused(Code.NO_RESULT, job=job_id)
            return job

        return provenance(await self._db.work(unit))

    async def _to_repeat(self, place: Place, job_id: str) -> Job:
        return await self._db.work(lambda tx: repeat.to_repeat(tx, place.guild, place.member, job_id))

    async def _ask(self, place: Place, job: Job, offers: tuple[Offer, ...], given: Mapping[str, Any]) -> Accepted:
        """Through the same gate as a command, and seen by nobody else than the first one."""
        place = replace(place, private=place.private or job.ask.private)
        return await self._jobs.ask(Operation(job.ask.operation), place, offers, given, again_of=job.id)

    def _is_shared(self, tx: Tx, job: Job) -> bool:
        found = posts.of(tx, job.subject, Purpose.SHARED)
        return found is not None and found.state is not PostState.DEAD


def _offers(job: Job) -> tuple[Offer, ...]:
    return tuple(Offer("", s.name, s.size, s.hash, s.seconds) for s in job.ask.sources)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
