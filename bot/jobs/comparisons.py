"""How well two files go together, before anything is spent: they are fetched, heard, planned, and thrown away."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.database import Database
from bot.engines.local.studio import Studio
from bot.engines.probe import probe
from bot.errors import Code, Refused
from bot.files.download import Downloader
from bot.jobs.service import Offer, Place
from bot.jobs.trying import must_be_welcome
from bot.quotas.gate import Gate
from bot.worker.pool import Pool

WAITING = 4  # comparisons at a time, the running ones among them


class Comparisons:
    """Children run in a `pool` of their own, so that no mashup waits for them."""

    def __init__(self, db: Database, clock: Clock, gate: Gate, downloader: Downloader, pool: Pool) -> None:
        self._db = db
        self._clock = clock
        self._gate = gate
        self._downloader = downloader
        self._pool = pool
        self._asking: set[str] = set()

    async def compare(self, place: Place, offers: tuple[Offer, Offer]) -> Mapping[str, Any]:
        """The report of `bot.engines.local.compatibility`. Raises `Refused`; one at a time for each member."""
        await self._check(place)
        if place.member in self._asking or len(self._asking) >= WAITING:
            raise Refused(Code.TOO_MANY_COMPARISONS)
        self._asking.add(place.member)
        try:
            with tempfile.TemporaryDirectory(prefix="twodeck-compare-") as name:
                folder = Path(name)
                first, second = await asyncio.gather(
                    *(self._fetch(offer, folder / side) for side, offer in zip("ab", offers, strict=True))
                )
                return await Studio(self._pool).compare((first, second), folder)
        finally:
            self._asking.discard(place.member)

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
