"""What a running bot does for its own house: backups, retention, an eye on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bot import heap
from bot.alerts import Alerts
from bot.clock import Clock
from bot.contests import forgetting as contests
from bot.database import Database, DatabaseError
from bot.database.backup import back_up, taken, taken_at
from bot.decks.store import drop_expired
from bot.errors import Cause
from bot.files import store as files
from bot.files.space import Space
from bot.files.store import FileStore
from bot.guilds import audit, departures
from bot.jobs.retention import DAY_MS, blank_links, blank_tokens, drop_ended, drop_guild, release_oldest
from bot.posts import store as posts
from bot.privacy.departed import remove_guild
from bot.privacy.forgetting import finish
from bot.settings import KeepSettings, UpkeepSettings

log = logging.getLogger(__name__)
YOUNG_MS = 3600_000
"""A file younger than this may be waiting for its rows."""

_ROUND_SECONDS = 600.0
_BATCH = 200
_LEAST_FREE = 1 << 30
_LEAST_SHARE = 0.05


class Upkeep:
    """One task that makes its rounds every ten minutes; each duty fails for itself."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        store: FileStore,
        alerts: Alerts,
        settings: UpkeepSettings,
        keep: KeepSettings,
        data: Path,
        also: Sequence[Callable[[], Awaitable[None]]] = (),
        space: Space | None = None,
    ) -> None:
        """`also` are further duties of each round."""
        self._space = space
        self._db = db
        self._clock = clock
        self._store = store
        self._alerts = alerts
        self._settings = settings
        self._keep = keep
        self._data = data
        self._also = also
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._full_sweep_at = 0

    def start(self) -> None:
        """Begin the rounds; a second call changes nothing."""
        if self._task is None:
            self._stopping.clear()
            self._task = asyncio.create_task(self._rounds(), name="upkeep")

    async def stop(self) -> None:
        """End after the duty under way."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def back_up_when_due(self) -> None:
        """A backup in a thread, on a connection of its own, when the newest one is old enough."""
        folder = self._data / "backups"
        now = self._clock.now()
        newest = next(iter(await asyncio.to_thread(taken, folder)), None)
        last = taken_at(newest) if newest else 0
        due = last + int(self._settings.backup_hours * 3600_000) if last <= now else 0
        if not self._settings.backup_hours or now < due:
            return
        keep = self._settings.backup_keep
        try:
            copy = await asyncio.to_thread(back_up, self._data / "twodeck.db", folder, now=now, keep=keep)
        except DatabaseError as error:
            await self._alerts.alert(Cause.BACKUP_FAILED, why=str(error))
            return
        log.info("backed up the database to %s", copy)
        await self._alerts.clear(Cause.BACKUP_FAILED)

    async def sweep(self) -> None:
        """Drop what expired: rows in one unit, then bytes; after a crash between them `sweep_all` finds those."""
        now = self._clock.now()
        await self._db.work(blank_links)
        await self._db.work(lambda tx: blank_tokens(tx, now))
        await self._db.work(lambda tx: drop_expired(tx, now))
        await self._drop_old(now)
        await self._drop_departed(now)
        await self._make_room(now)
        await self._db.work(lambda tx: finish(tx, new_id=self._clock.new_id, now=now))
        dropped = await self._db.work(lambda tx: files.forget(tx, now))
        await self._drop(dropped)

    async def sweep_all(self) -> None:
        """Once a day look at every file on the disk; those without a row go, but never a young one."""
        now = self._clock.now()
        if now < self._full_sweep_at:
            return
        self._full_sweep_at = now + DAY_MS
        await asyncio.to_thread(self._store.drop_unfinished, before=(now - YOUNG_MS) / 1000)
        present = await asyncio.to_thread(lambda: sorted(self._store.present()))
        for batch in _batches(present):
            await self._drop(await self._db.work(lambda tx, batch=batch: files.unknown(tx, batch)))
            if self._stopping.is_set():
                return

    async def look_at_disk(self) -> None:
        """Tell the operators before the disk is full."""
        disk = await asyncio.to_thread(shutil.disk_usage, self._data)
        if is_low(disk.free, disk.total):
            await self._alerts.alert(Cause.DISK_LOW, free_mb=disk.free >> 20, folder=str(self._data))
        else:
            await self._alerts.clear(Cause.DISK_LOW)

    async def _tidy_heap(self) -> None:
        await asyncio.to_thread(heap.give_back)

    async def _rounds(self) -> None:
        pause = min(_ROUND_SECONDS, self._settings.backup_hours * 1200 or _ROUND_SECONDS)
        while not self._stopping.is_set():
            own = (
                self.back_up_when_due,
                self.sweep,
                self.sweep_all,
                self.look_at_disk,
                self._forget_faults,
                self._tidy_heap,
            )
            for duty in (*own, *self._also):
                await self._do(duty)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _do(self, duty: Callable[[], Awaitable[None]]) -> None:
        if self._stopping.is_set():
            return
        try:
            await duty()
        except Exception:
            log.exception("upkeep stumbled")

    async def _drop_old(self, now: int) -> None:
        """Rows of jobs, of messages and of what moderators did, each when its time is over."""
        jobs_before = now - self._keep.job_days * DAY_MS
        while await self._db.work(lambda tx: drop_ended(tx, jobs_before)) and not self._stopping.is_set():
            pass
        while await self._db.work(lambda tx: contests.drop_ended(tx, jobs_before)) and not self._stopping.is_set():
            pass
        await self._db.work(lambda tx: posts.drop_old(tx, jobs_before))
        await self._db.work(lambda tx: audit.drop_before(tx, now - self._keep.audit_days * DAY_MS))

    async def _make_room(self, now: int) -> None:
        """Before the store is full the oldest results go, none that ended within the hour."""
        missing = await self._space.wanted() if self._space else 0
        while missing > 0 and not self._stopping.is_set():
            freed = await self._db.work(lambda tx: release_oldest(tx, now, now - YOUNG_MS))
            if not freed:
                return
            log.warning("the store is nearly full: the files of %d old jobs go", len(freed))
            missing -= sum(freed)

    async def _drop_departed(self, now: int) -> None:
        """Guilds that the bot left, when the grace period is over."""
        before = now - self._keep.guild_grace_days * DAY_MS
        for guild in await self._db.work(lambda tx: departures.gone_since(tx, before)):
            while (
                await self._db.work(lambda tx, guild=guild: drop_guild(tx, guild)) and not self._stopping.is_set()
            ):
                pass
            if await self._db.work(lambda tx, guild=guild: remove_guild(tx, guild)):
                log.info("removed what was kept of a server that the bot left")

    async def _forget_faults(self) -> None:
        """What has no end that could be seen is told at most once a day."""
        for cause in (Cause.UNEXPECTED, Cause.OUTCOME_UNKNOWN):
            await self._alerts.clear(cause, after_ms=DAY_MS)

    async def _drop(self, digests: list[str]) -> None:
        before = (self._clock.now() - YOUNG_MS) / 1000
        for digest in digests:
            await asyncio.to_thread(self._store.drop, digest, before=before)


def is_low(free: int, total: int) -> bool:
    """Whether a disk with so many bytes free is about to be full."""
    return free < max(_LEAST_FREE, total * _LEAST_SHARE)


def _batches(names: list[str]) -> list[list[str]]:
    return [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]
