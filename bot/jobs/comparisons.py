"""How well two files go together, before anything is spent: they are fetched, heard, planned, and thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.database import Database, Tx
from bot.engines.local.studio import Studio
from bot.engines.probe import probe
from bot.errors import Code, Refused
from bot.files.download import Downloader
from bot.files.store import FileStore, is_kept
from bot.jobs import store
from bot.jobs.job import Job
from bot.jobs.service import Offer, Place
from bot.jobs.trying import must_be_welcome
from bot.quotas.gate import Gate
from bot.worker.pool import Pool

WAITING = 4  # comparisons at a time, the running ones among them


class Comparisons:
    """Children run in a `pool` of their own, so that no mashup waits for them."""

    def __init__(
        self, db: Database, clock: Clock, gate: Gate, downloader: Downloader, files: FileStore, pool: Pool
    ) -> None:
        self._db = db
        self._clock = clock
        self._gate = gate
        self._downloader = downloader
        self._files = files
        self._pool = pool
        self._asking: set[str] = set()

    async def compare(self, place: Place, offers: tuple[Offer, Offer]) -> Mapping[str, Any]:
        """The report of `bot.engines.local.compatibility`. Raises `Refused`; one at a time for each member."""

        async def fetched(folder: Path) -> tuple[Path, Path]:
            first, second = await asyncio.gather(
                *(self._fetch(offer, folder / side) for side, offer in zip("ab", offers, strict=True))
            )
            return first, second

        await self._check(place)
        return await self._compare(place.member, fetched)

    async def compare_in(self, place: Place, job_id: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The same of the copies that a job of this member has, and their names. Raises `Refused`."""
        await self._check(place)
        job = await self._db.work(lambda tx: _comparable(tx, place, job_id))
        first, second = (self._files.path(source.hash or "") for source in job.ask.sources)

        async def kept(_: Path) -> tuple[Path, Path]:
            return first, second

        return await self._compare(place.member, kept), tuple(source.name for source in job.ask.sources)

    async def _compare(
        self, member: str, sources: Callable[[Path], Awaitable[tuple[Path, Path]]]
    ) -> Mapping[str, Any]:
        if member in self._asking or len(self._asking) >= WAITING:
            raise Refused(Code.TOO_MANY_COMPARISONS)
        self._asking.add(member)
        try:
            with self._files.room() as folder:
                return await Studio(self._pool).compare(await sources(folder), folder)
        finally:
            self._asking.discard(member)

    async def _check(self, place: Place) -> None:
        now = self._clock.now()
        await self._db.work(lambda tx: must_be_welcome(tx, self._gate, place, now))

    async def _fetch(self, offer: Offer, path: Path) -> Path:
        try:
            await self._downloader.fetch(offer.url, path)
        except Refused as refused:
            raise Refused(refused.refusal.code, **{**refused.refusal.values, "name": offer.name}) from refused
        await probe(self._pool, path, offer.name)
        return path


def _comparable(tx: Tx, place: Place, job_id: str) -> Job:
    job = store.get(tx, job_id)
    if job is None or job.ask.guild != place.guild:
        raise Refused(Code.NO_SUCH_JOB, job=job_id)
    if job.ask.member != place.member:
        raise Refused(Code.REQUESTER_ONLY, job=job_id)
    for source in job.ask.sources:
        if source.hash is None or not is_kept(tx, job.subject, source.hash):
            raise Refused(Code.SOURCES_GONE, name=source.name)
    return job
