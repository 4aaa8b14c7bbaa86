"""What a member may use as a source besides a new file: what they may hear here, while we still have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.clock import Clock
from bot.database import Database, Tx
from bot.decks.store import decks_of
from bot.errors import Code, Refused
from bot.files.store import is_kept, size_of
from bot.jobs import store
from bot.jobs.job import Job, State
from bot.jobs.service import Offer
from bot.jobs.stake import Stake
from bot.posts.store import subject_of

MOST = 25
"""As many as Discord shows."""

_LOOK_BACK = 100
_PUBLIC = "channel"
_LINK = re.compile(r"^<?https://(?:(?:ptb|canary)\.)?discord(?:app)?\.com/channels/(\d+)/\d+/(\d+)>?$")
_NAMED = re.compile(r"^(deck|[0-9a-z]{12})(?:/([ab]|\d{1,2}))?$")


@dataclass(frozen=True)
class Listener:
    """Who wants to use something, and what they can see; `hears` answers for the id of a channel."""

    guild: str
    member: str
    hears: Callable[[str], bool]


@dataclass(frozen=True)
class Known:
    """One source: by which word it is named, whether it is of a deck, a track or a result, and what it is."""

    word: str
    kind: str
    offer: Offer


class Reach:
    """Everything here is asked anew each time: rights and files come and go."""

    def __init__(self, db: Database, clock: Clock, stake: Stake) -> None:
        self._db = db
        self._clock = clock
        self._stake = stake

    async def known(self, listener: Listener, typed: str) -> tuple[Known, ...]:
        """What there is whose name or word has what was typed, newest first: decks, own tracks, results."""
        now = self._clock.now()

        def unit(tx: Tx) -> tuple[Known, ...]:
            wanted, found = typed.strip().lower(), dict[str, Known]()
            for one in self._all(tx, listener, now):
                if len(found) == MOST:
                    break
                if wanted in f"{one.word} {one.offer.name}".lower():
                    found.setdefault(one.offer.hash or one.word, one)
            return tuple(found.values())

        return await self._db.work(unit)

    async def offer(self, listener: Listener, typed: str) -> Offer:
        """What was meant: a word of `known`, the number of a job, or a link to its message. Raises `Refused`."""
        now = self._clock.now()
        return await self._db.work(lambda tx: self._named(tx, listener, typed, now))

    async def of_message(self, listener: Listener, message: str) -> Offer:
        """The first track of the result that this message of ours brought. Raises `Refused`."""
        unknown = Refused(Code.MESSAGE_WITHOUT_AUDIO)
        return await self._db.work(lambda tx: self._result(tx, listener, _job_of(tx, message), 1, unknown))

    def _all(self, tx: Tx, listener: Listener, now: int) -> Iterator[Known]:
        """Each with a file that is still there; the same file may come twice."""
        for side, track in decks_of(tx, listener.guild, listener.member, now).loaded.items():
            yield Known(f"deck/{side}", "deck", Offer("", track.name, track.size, track.hash, track.seconds))
        own = store.listed(tx, listener.guild, listener.member, limit=_LOOK_BACK, offset=0)
        everybody = store.listed(tx, listener.guild, None, limit=_LOOK_BACK, offset=0)
        jobs = {job.id: job for job in (*own, *everybody)}
        veiled = self._stake.veiled(tx, listener.guild)
        for job in sorted(jobs.values(), key=lambda job: job.created_at, reverse=True):
            if _may_hear(job, listener) and job.id not in veiled:
                for track in job.tracks:
                    offer = _track_of(tx, job, track.number)
                    if offer is not None:
                        yield Known(f"{job.id}/{track.number}", "result", offer)
            if job.ask.member == listener.member:
                for source in job.ask.sources:
                    offer = _source_of(tx, job, source.side)
                    if offer is not None:
                        yield Known(f"{job.id}/{source.side}", "track", offer)

    def _named(self, tx: Tx, listener: Listener, typed: str, now: int) -> Offer:
        text = typed.strip()
        unknown = Refused(Code.SOURCE_UNKNOWN, value=text)
        link, word = _LINK.match(text), _NAMED.match(text.lower())
        if link is not None:
            job = _job_of(tx, link[2]) if link[1] == listener.guild else None
            return self._result(tx, listener, job, 1, unknown)
        if word is None:
            raise unknown
        name, part = word[1], word[2] or "1"
        if name == "deck":
            return _deck(tx, listener, part, now, unknown)
        job = store.get(tx, name)
        if part.isdecimal():
            return self._result(tx, listener, job, int(part), unknown)
        if job is None or (job.ask.guild, job.ask.member) != (listener.guild, listener.member):
            raise unknown
        return _still_there(_source_of(tx, job, part), text)

    def _result(self, tx: Tx, listener: Listener, job: Job | None, number: int, unknown: Refused) -> Offer:
        """A track of a job. Nobody learns of a job that they may not hear whether there is one."""
        if job is None or not _may_know(job, listener):
            raise unknown
        if self._stake.hides(tx, job.id):
            raise Refused(Code.SOURCE_MASKED, job=job.id) if job.ask.member == listener.member else unknown
        if job.removed is not None:
            raise Refused(Code.RESULT_REMOVED, why=job.removed.reason)
        if not _may_hear(job, listener):
            raise Refused(Code.NO_RESULT, job=job.id)
        if all(track.number != number for track in job.tracks):
            raise unknown
        return _still_there(_track_of(tx, job, number), job.title)


def _may_know(job: Job, listener: Listener) -> bool:
    """Whether the member may know of this job: it is their own, or its result was posted where they read."""
    if job.ask.guild != listener.guild or job.forgotten:
        return False
    if job.ask.member == listener.member:
        return True
    posted = job.how == _PUBLIC and job.removed is None and not job.ask.private
    return posted and listener.hears(job.ask.channel)


def _may_hear(job: Job, listener: Listener) -> bool:
    """Whether there is a result, too, that nobody deleted."""
    over = job.state is State.DONE and job.removed is None
    return over and bool(job.tracks) and _may_know(job, listener)


def _job_of(tx: Tx, message: str) -> Job | None:
    """The job that a message of ours is about."""
    kind, _, name = (subject_of(tx, message) or "").partition(":")
    return store.get(tx, name) if kind == "job" else None


def _track_of(tx: Tx, job: Job, number: int) -> Offer | None:
    """A track as it would be handed in; None when its file is no longer kept."""
    track = next((one for one in job.tracks if one.number == number), None)
    if track is None or not is_kept(tx, job.subject, track.hash):
        return None
    name = track.title if len(job.tracks) == 1 else f"{track.title} ({number})"
    return Offer("", f"{name}.mp3", size_of(tx, track.hash) or 0, track.hash, track.seconds)


def _source_of(tx: Tx, job: Job, side: str) -> Offer | None:
    """A source as it would be handed in again; None when its file is no longer kept."""
    source = next((one for one in job.ask.sources if one.side == side), None)
    if source is None or source.hash is None or source.seconds is None:
        return None
    if not is_kept(tx, job.subject, source.hash):
        return None
    return Offer("", source.name, source.size, source.hash, source.seconds)


def _deck(tx: Tx, listener: Listener, side: str, now: int, unknown: Refused) -> Offer:
    track = decks_of(tx, listener.guild, listener.member, now).loaded.get(side)
    if track is None:
        raise unknown
    return Offer("", track.name, track.size, track.hash, track.seconds)


def _still_there(offer: Offer | None, name: str) -> Offer:
    if offer is None:
        raise Refused(Code.SOURCES_GONE, name=name)
    return offer
