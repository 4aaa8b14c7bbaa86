"""What members do with their decks: put the audio of a message on them, swap, clear, and start a mashup of both."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.database import Database, Tx
from bot.decks import store as decks
from bot.decks.deck import Decks, Loaded
from bot.errors import Code, Refused
from bot.files.store import Stored
from bot.jobs import store
from bot.jobs.retention import DAY_MS
from bot.jobs.service import Accepted, JobService, Offer, Place
from bot.jobs.staging import Stager
from bot.jobs.trying import must_be_welcome
from bot.quotas.gate import Gate
from bot.request import Operation

AT_ONCE = 4
"""Messages that are being fetched for decks, of all members together; one of each."""
LOADS, LOADS_MS = 10, 10 * 60_000
"""How many files a member may have fetched for decks in how many milliseconds."""


@dataclass(frozen=True)
class Change:
    """The decks after a message was put on them, whose track on B made room, and how many files were left out."""

    decks: Decks
    replaced: str | None = None
    left_out: int = 0


class Decking:
    """Every method raises `Refused`; then the decks are as they were."""

    def __init__(
        self, db: Database, clock: Clock, gate: Gate, jobs: JobService, stager: Stager, *, keep_days: int
    ) -> None:
        self._db = db
        self._clock = clock
        self._gate = gate
        self._jobs = jobs
        self._stager = stager
        self._keep_ms = keep_days * DAY_MS
        self._loading: set[str] = set()
        self._fetched: dict[str, deque[int]] = {}

    async def held(self, guild: str, member: str) -> Decks:
        """What is on a member's decks."""
        now = self._clock.now()
        return await self._db.work(lambda tx: decks.decks_of(tx, guild, member, now))

    async def load(self, place: Place, message: str, offers: Sequence[Offer]) -> Change:
        """Put up to two files of a message on the decks: A first, then B, then in the place of B.

        An offer that is ours already is referred to; others are fetched and heard like those of a mashup.
        """
        if not offers:
            raise Refused(Code.MESSAGE_WITHOUT_AUDIO)
        now = self._clock.now()
        await self._db.work(lambda tx: must_be_welcome(tx, self._gate, place, now))
        taken = offers[:2]
        for offer in taken:
            self._jobs.check_size(offer)
        self._admit(place.member, sum(offer.hash is None for offer in taken), now)
        self._loading.add(place.member)
        try:
            ours = [await self._ours(place, number, offer) for number, offer in enumerate(taken)]
        finally:
            self._loading.discard(place.member)
        tracks = [
            Loaded(offer.name[:200], file.hash, file.size, seconds, place.channel, message)
            for offer, (file, seconds) in zip(taken, ours, strict=True)
        ]
        fresh = [file for offer, (file, _) in zip(taken, ours, strict=True) if offer.hash is None]

        def unit(tx: Tx) -> Change:
            before = decks.decks_of(tx, place.guild, place.member, now)
            after = replace(before.with_tracks(tracks), expires_at=now + self._keep_ms)
            decks.put(tx, place.guild, place.member, after, fresh=fresh, now=now)
            gone = before.b.name if before.b is not None and len(tracks) == 1 and after.b != before.b else None
            return Change(after, gone, len(offers) - len(taken))

        return await self._db.work(unit)

    async def swap(self, guild: str, member: str) -> Decks:
        """What was on A is on B."""
        now = self._clock.now()

        def unit(tx: Tx) -> Decks:
            swapped = decks.decks_of(tx, guild, member, now).swapped()
            decks.put(tx, guild, member, swapped, now=now)
            return swapped

        return await self._db.work(unit)

    async def clear(self, guild: str, member: str) -> Decks:
        """Nothing is on the decks."""
        await self._db.work(lambda tx: decks.clear(tx, guild, member))
        return Decks()

    async def start(self, place: Place) -> Accepted:
        """A mashup of both tracks with the defaults, and empty decks, in one unit."""
        held = await self.held(place.guild, place.member)
        offers = tuple(Offer("", t.name, t.size, t.hash, t.seconds) for t in held.loaded.values())
        if held.missing:
            raise _not_full(held)
        ask = await self._jobs.checked(Operation.MASHUP, place, offers, {})
        job_id, post_id, now = self._clock.new_id(), self._clock.new_id(), self._clock.now()

        def unit(tx: Tx) -> Accepted:
            known = store.by_interaction(tx, place.interaction) is not None
            there = decks.decks_of(tx, place.guild, place.member, now)
            if not known and there != held:
                raise _not_full(there)
            accepted = self._jobs.accept_in(tx, ask, job_id=job_id, post_id=post_id)
            if not known:
                decks.clear(tx, place.guild, place.member)
            return accepted

        accepted = await self._db.work(unit)
        await self._jobs.accepted(accepted.job)
        return accepted

    def _admit(self, member: str, files: int, now: int) -> None:
        """Raises `Refused` for who has something fetched already, or had enough fetched lately."""
        for other, times in list(self._fetched.items()):
            while times and times[0] <= now - LOADS_MS:
                times.popleft()
            if not times:
                del self._fetched[other]
        lately = self._fetched.get(member, deque[int]())
        if member in self._loading or len(self._loading) >= AT_ONCE or len(lately) + files > LOADS:
            raise Refused(Code.TOO_MANY_LOADS, most=LOADS, minutes=LOADS_MS // 60_000)
        if files:
            lately.extend([now] * files)
            self._fetched[member] = lately

    async def _ours(self, place: Place, number: int, offer: Offer) -> tuple[Stored, float]:
        """The file in our store, and its seconds."""
        if offer.hash is not None and offer.seconds is not None:
            return Stored(offer.hash, offer.size, "mp3"), offer.seconds
        return await self._stager.stage(f"deck-{place.interaction}-{number}", offer.name, offer.url)


def _not_full(held: Decks) -> Refused:
    return Refused(Code.DECKS_NOT_FULL, sides=", ".join(side.upper() for side in held.missing) or "-")
