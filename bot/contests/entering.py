"""What entrants do: make a mashup of the contest's pair, enter what they made, withdraw or replace it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.contests import entries, moves, store
from bot.contests.contest import Contest, Entry, EntryState, Phase, pair_of
from bot.contests.desk import LISTED, Desk, contest_of, entry_of, must_have_role, must_run
from bot.contests.schedule import NEVER
from bot.database import Tx
from bot.errors import Code, Refused
from bot.files.store import is_kept, share
from bot.jobs import store as jobs
from bot.jobs import view
from bot.jobs.job import Job, State, Track
from bot.jobs.service import Accepted, Offer, Place
from bot.posts import store as posts
from bot.posts.post import Purpose
from bot.quotas.facts import Allowance, contest_account
from bot.request import Operation

_RECENT = 50


class Entering(Desk):
    """Every method raises `Refused`; then nothing is changed."""

    async def mashup(self, place: Place, contest_id: str, given: Mapping[str, Any]) -> Accepted:
        """A private mashup of the contest's pair, an entry as soon as it is done, on the contest's account."""
        contest = await self._db.work(lambda tx: self._open_to(tx, place, contest_id))
        if not contest.sources:
            raise Refused(Code.CONTEST_WITHOUT_SOURCES)
        offers = tuple(Offer("", s.name, s.size, s.hash, s.seconds) for s in contest.sources)
        given = {**given, "engine": given.get("engine") or await self._engine(contest)}
        ask = await self._jobs.checked(Operation.MASHUP, replace(place, private=True), offers, given)
        job_id, post_id, entry_id = (self._clock.new_id() for _ in range(3))

        def unit(tx: Tx) -> Job:
            known = jobs.by_interaction(tx, place.interaction)
            if known is not None:
                return known
            fresh, now = self._open_to(tx, place, contest_id), self._clock.now()
            _check_engine(fresh, ask.engine)
            _check_room(tx, fresh, place.member)
            allowance = Allowance(contest_account(fresh.id, place.member), fresh.rules.units)
            job = self._jobs.accept_in(tx, ask, job_id=job_id, post_id=post_id, allowance=allowance).job
            entries.insert(tx, _entry(entry_id, fresh, job, 1, now))
            return job

        job = await self._db.work(unit)
        await self._jobs.accepted(job)
        return Accepted(job, None)

    async def enterable(self, place: Place, contest_id: str | None = None) -> tuple[Job, ...]:
        """The member's own finished jobs that could enter this contest, or any that is open, newest first."""

        def unit(tx: Tx) -> tuple[Job, ...]:
            if contest_id is not None:
                found = [contest_of(tx, place.guild, contest_id)]
            else:
                found = store.listed(tx, place.guild, LISTED)
            now = self._clock.now()
            open_ones = [contest for contest in found if contest.takes_entries(now)]
            mine = jobs.listed(tx, place.guild, place.member, limit=_RECENT, offset=0)
            return tuple(job for job in mine if any(_fits(tx, contest, job) for contest in open_ones))

        return await self._db.work(unit)

    async def doors(self, place: Place, job_id: str) -> tuple[Job, tuple[Contest, ...]]:
        """A finished job of the member's own, and the contests that would take a track of it now."""

        def unit(tx: Tx) -> tuple[Job, tuple[Contest, ...]]:
            job = jobs.get(tx, job_id)
            if job is None or job.ask.guild != place.guild:
                raise Refused(Code.NO_SUCH_JOB, job=job_id)
            if job.ask.member != place.member:
                raise Refused(Code.NOT_YOUR_JOB, job=job_id)
            return job, self._taking(tx, job, _fits)

        return await self._db.work(unit)

    async def welcomes(self, job_id: str) -> bool:
        """Whether some contest would take the result of a job that is being delivered."""

        def unit(tx: Tx) -> bool:
            job = jobs.get(tx, job_id)
            return job is not None and bool(self._taking(tx, job, _would_fit))

        return await self._db.work(unit)

    async def enter(self, place: Place, contest_id: str, job_id: str, track: int = 1) -> Entry:
        """Enter a finished job of one's own; our own copy of it stays until the contest is archived."""
        entry_id = self._clock.new_id()

        def unit(tx: Tx) -> Entry:
            contest = self._open_to(tx, place, contest_id)
            again = _same(tx, contest, place.member, job_id, track)
            if again is not None:
                return again
            _check_room(tx, contest, place.member)
            return self._take_in(tx, contest, place, entry_id, job_id, track)

        entry = await self._db.work(unit)
        self._wake()
        return entry

    async def withdraw(self, place: Place, contest_id: str, entry_id: str) -> None:
        """Take an entry of one's own back; a mashup that is still being made goes on, and is only delivered."""

        def unit(tx: Tx) -> None:
            contest = _before_deadline(tx, place, contest_id, self._clock.now())
            entry = _own(tx, contest, place.member, entry_id)
            if entry.state is not EntryState.WITHDRAWN:
                moves.drop_out(tx, entry, None)
                store.ring(tx, contest.id)

        await self._db.work(unit)
        self._wake()

    async def replace(self, place: Place, contest_id: str, entry_id: str, job_id: str, track: int = 1) -> Entry:
        """Put another finished job of one's own in the place of an entry; all of it or nothing."""
        new_id = self._clock.new_id()

        def unit(tx: Tx) -> Entry:
            contest = self._open_to(tx, place, contest_id)
            again = _same(tx, contest, place.member, job_id, track)
            if again is not None:
                return again
            entry = _own(tx, contest, place.member, entry_id)
            if entry.state is EntryState.WITHDRAWN:
                raise Refused(Code.NO_SUCH_ENTRY, entry=entry_id)
            moves.drop_out(tx, entry, None)
            return self._take_in(tx, contest, place, new_id, job_id, track)

        entry = await self._db.work(unit)
        self._wake()
        return entry

    def _taking(self, tx: Tx, job: Job, fits: Callable[[Tx, Contest, Job], bool]) -> tuple[Contest, ...]:
        now = self._clock.now()
        found = (one for one in store.listed(tx, job.ask.guild, LISTED) if one.takes_entries(now))
        return tuple(contest for contest in found if fits(tx, contest, job))

    def _open_to(self, tx: Tx, place: Place, contest_id: str) -> Contest:
        """A contest that this member may enter now. Raises `Refused`."""
        contest = _before_deadline(tx, place, contest_id, self._clock.now())
        must_have_role(contest.rules.enter_role, place.roles)
        return contest

    async def _engine(self, contest: Contest) -> str | None:
        """The first engine that both the guild and the contest take, if the contest is choosy."""
        if not contest.rules.engines:
            return None
        allowed = await self._jobs.allowed(Operation.MASHUP, contest.guild)
        return next((name.value for name in allowed if name in contest.rules.engines), None)

    def _take_in(self, tx: Tx, contest: Contest, place: Place, entry_id: str, job_id: str, track: int) -> Entry:
        job, found = _finished(tx, contest, place.member, job_id, track)
        entry = _entry(entry_id, contest, job, track, self._clock.now())
        entries.insert(tx, entry)
        if not adopt(tx, contest, entry, found):
            raise Refused(Code.RESULT_EXPIRED, job=job.id)
        store.ring(tx, contest.id)
        return entries.get(tx, contest.id, entry_id) or entry


def adopt(tx: Tx, contest: Contest, entry: Entry, track: Track) -> bool:
    """An entry has its track: the copy is ours from now on. False when it is there no more."""
    if not share(tx, track.hash, entry.subject, NEVER):
        return False
    masked = contest.rules.masking
    changes = {"state": EntryState.ENTERED, "original": track.hash, "audio": None if masked else track.hash}
    about = {"track": track.number, "seconds": track.seconds, "title": track.title}
    entries.change(tx, entry.id, {**changes, **about})
    return True


def _entry(entry_id: str, contest: Contest, job: Job, track: int, now: int) -> Entry:
    return Entry(
        id=entry_id,
        contest=contest.id,
        member=job.ask.member,
        job=job.id,
        track=track,
        state=EntryState.MAKING,
        number=None,
        original=None,
        audio=None,
        seconds=0.0,
        title="",
        reason=None,
        created_at=now,
    )


def _before_deadline(tx: Tx, place: Place, contest_id: str, now: int) -> Contest:
    contest = contest_of(tx, place.guild, contest_id)
    if contest.phase is Phase.OPEN:
        must_run(contest)
    if not contest.takes_entries(now):
        over = contest.phase is Phase.OPEN
        raise Refused(Code.CONTEST_PHASE, phase=Phase.CLOSED.value if over else contest.phase.value)
    return contest


def _own(tx: Tx, contest: Contest, member: str, entry_id: str) -> Entry:
    """A member's own entry. Raises `Refused`, for those of others just as for none."""
    entry = entry_of(tx, contest, entry_id)
    if entry.member != member or entry.state is EntryState.DISQUALIFIED:
        raise Refused(Code.NO_SUCH_ENTRY, entry=entry_id)
    return entry


def _same(tx: Tx, contest: Contest, member: str, job_id: str, track: int) -> Entry | None:
    """The entry that this track already is, so that asking twice changes nothing."""
    mine = entries.of_member(tx, contest.id, member)
    return next((entry for entry in mine if (entry.job, entry.track) == (job_id, track)), None)


def _check_room(tx: Tx, contest: Contest, member: str) -> None:
    if len(entries.of_member(tx, contest.id, member)) >= contest.rules.entries:
        raise Refused(Code.CONTEST_ENTRIES_FULL, limit=contest.rules.entries)


def _check_engine(contest: Contest, engine: str) -> None:
    allowed = contest.rules.engines
    if allowed and engine not in allowed:
        raise Refused(Code.CONTEST_ENGINE, engine=engine, choices=", ".join(sorted(allowed)))


def _finished(tx: Tx, contest: Contest, member: str, job_id: str, number: int) -> tuple[Job, Track]:
    """A job and its track that this contest takes from this member. Raises `Refused`."""
    job = jobs.get(tx, job_id)
    if job is None or job.ask.guild != contest.guild:
        raise Refused(Code.NO_SUCH_JOB, job=job_id)
    if job.ask.member != member:
        raise Refused(Code.NOT_YOUR_JOB, job=job_id)
    if (gone := view.gone(job)) is not None:
        raise Refused.of(gone)
    track = next((track for track in job.tracks if track.number == number), None)
    if job.state is not State.DONE or track is None:
        raise Refused(Code.NO_RESULT, job=job_id)
    if not is_kept(tx, job.subject, track.hash):
        raise Refused(Code.RESULT_EXPIRED, job=job_id)
    _check_engine(contest, job.ask.engine)
    if contest.rules.masking and _was_public(tx, job):
        raise Refused(Code.RESULT_WAS_PUBLIC)
    if contest.sources and tuple(source.hash for source in job.ask.sources) != pair_of(contest):
        raise Refused(Code.CONTEST_OTHER_SOURCES)
    if entries.is_taken(tx, job_id, number):
        raise Refused(Code.RESULT_ENTERED)
    return job, track


def _was_public(tx: Tx, job: Job) -> bool:
    """Whether others know whose it is: it was made in the open, or its member showed it."""
    return not job.ask.private or posts.of(tx, job.subject, Purpose.SHARED) is not None


def _fits(tx: Tx, contest: Contest, job: Job) -> bool:
    """Whether any track of a job could enter."""
    for track in job.tracks:
        try:
            _finished(tx, contest, job.ask.member, job.id, track.number)
        except Refused:
            continue
        return True
    return False


def _would_fit(tx: Tx, contest: Contest, job: Job) -> bool:
    """The same of a job whose result is on its way out."""
    mine = any(entry.contest == contest.id for entry in entries.of_job(tx, job.id))
    engines = contest.rules.engines
    masked = contest.rules.masking and _was_public(tx, job)
    other = bool(contest.sources) and tuple(source.hash for source in job.ask.sources) != pair_of(contest)
    return not (mine or masked or other) and (not engines or job.ask.engine in engines)
