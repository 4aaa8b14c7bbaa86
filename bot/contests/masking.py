"""The copies by which entries are shown: encoded anew, without name, tag or trace of whose they are."""

from __future__ import annotations

import logging
from collections import Counter

from bot.clock import Clock
from bot.contests import entries, moves, store
from bot.contests.contest import Contest, Entry, EntryState
from bot.contests.schedule import NEVER
from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.files.store import FileStore, Stored, keep
from bot.worker.pool import Limits, Pool

log = logging.getLogger(__name__)
TRIES = 3
UNUSABLE = "unusable"
"""Why an entry drops out of which no copy can be made."""
_LIMITS = Limits(memory_bytes=1024 << 20, cpu_seconds=120, file_bytes=400 << 20, open_files=32, wall_seconds=300)


class Masks:
    """Children run in `pool`, which others use too."""

    def __init__(self, db: Database, clock: Clock, pool: Pool, files: FileStore) -> None:
        self._db = db
        self._clock = clock
        self._pool = pool
        self._files = files
        self._failed: Counter[str] = Counter()

    async def make(self, contest: Contest) -> bool:
        """Of every entry without a copy, one after another; whether there is one of each.

        What cannot be copied drops out after some tries.
        """
        entered = await self._db.work(lambda tx: entries.of(tx, contest.id, EntryState.ENTERED))
        bare = [(entry, entry.original) for entry in entered if entry.audio is None and entry.original is not None]
        return all([await self._try_to_make(contest, entry, original) for entry, original in bare])

    async def _try_to_make(self, contest: Contest, entry: Entry, original: str) -> bool:
        try:
            stored = await self._copy(contest, entry, original)
        except Refused as refused:
            log.warning("entry %s cannot be copied (%s)", entry.id, refused)
            self._failed[entry.id] += refused.refusal.code is not Code.STOPPING
            if self._failed[entry.id] < TRIES:
                return False
            await self._db.work(lambda tx: self._give_up(tx, entry))
            return True
        await self._db.work(lambda tx: self._keep(tx, entry, stored))
        return True

    async def _copy(self, contest: Contest, entry: Entry, original: str) -> Stored:
        source = self._files.path(original)
        with self._files.room() as room:
            path = room / "masked.mp3"
            arguments = {"source": str(source), "audio": str(path), "max_bytes": contest.max_bytes}
            await self._pool.run("bot.audio.mask:mask", arguments, directory=room, reads=(source,), limits=_LIMITS)
            return await self._files.adopt(path, "mp3")

    def _keep(self, tx: Tx, entry: Entry, stored: Stored) -> None:
        """Unless it was withdrawn or replaced meanwhile."""
        found = entries.get(tx, entry.contest, entry.id)
        if found is not None and found.state is EntryState.ENTERED:
            keep(tx, [stored], entry.subject, NEVER, self._clock.now())
            entries.change(tx, entry.id, {"audio": stored.hash})

    def _give_up(self, tx: Tx, entry: Entry) -> None:
        moves.drop_out(tx, entry, UNUSABLE)
        store.ring(tx, entry.contest)
