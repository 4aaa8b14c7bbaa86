"""Contests as the runner sees them: their phases move by the clock, also after a downtime."""

from __future__ import annotations

import logging
from collections.abc import Collection

from bot.clock import Clock
from bot.contests import moves, store
from bot.contests.contest import Contest
from bot.contests.masking import Masks
from bot.database import Database, Tx
from bot.logs import bind

log = logging.getLogger(__name__)
LEASE_MS = 30 * 60_000
RECLAIM_MS = 5_000
"""How long a contest rests whose step was lost."""
AGAIN_MS = 10_000
"""How long it rests after a copy that failed."""


class ContestLine:
    """Each step is decided in the unit that takes it, by what is there then; so no step is taken twice."""

    name = "contests"
    room = 2

    def __init__(self, db: Database, clock: Clock, masks: Masks, keep_ms: int) -> None:
        self._db = db
        self._clock = clock
        self._masks = masks
        self._keep_ms = keep_ms

    def clear(self, tx: Tx) -> None:
        store.clear_leases(tx)

    def reclaim(self, tx: Tx, running: Collection[str]) -> None:
        store.reclaim(tx, running, self._clock.now() + RECLAIM_MS)

    def claim(self, tx: Tx, owner: str, room: int) -> list[Contest]:
        now = self._clock.now()
        return store.claim(tx, owner=owner, now=now, lease_until=now + LEASE_MS, room=room)

    def next_wake(self, tx: Tx, since: int) -> int | None:
        return store.next_wake(tx, since)

    async def advance(self, contest: Contest, owner: str) -> None:
        """Make the copies that are missing, then take every step that is due."""
        bind(contest=contest.id, guild=contest.guild)
        whole = await self._masks.make(contest)
        await self._db.work(lambda tx: self._advance(tx, contest, owner, whole))

    def _advance(self, tx: Tx, contest: Contest, owner: str, whole: bool) -> None:
        """A ring that came while copies were made has the contest looked at again, as has a copy that failed."""
        if not store.is_held(tx, contest.id, owner):
            return
        now, fresh = self._clock.now(), store.get(tx, contest.id)
        if fresh is None:
            return
        rung = fresh.rev != contest.rev
        moved = moves.advance(tx, fresh, keep_ms=self._keep_ms, new_id=self._clock.new_id, now=now)
        soon = now if rung else moved.wake_at
        store.sleep(tx, moved.id, owner, soon if whole else now + AGAIN_MS)
