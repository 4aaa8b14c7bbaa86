"""Draws the pictures of tracks that went out without one, from our own copies, in capped children."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from bot.errors import Refused
from bot.files.store import FileStore, Stored
from bot.jobs.job import Job, Track
from bot.worker.pool import Limits, Pool

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 60.0
"""How long the end of a job waits for its pictures, with the wait for a child."""
_LIMITS = Limits(memory_bytes=512 << 20, cpu_seconds=60, file_bytes=1 << 20, open_files=32, wall_seconds=60)


class Artist:
    """Children run in `pool`, which others use too."""

    def __init__(self, pool: Pool, files: FileStore, *, patience: float = PATIENCE_SECONDS) -> None:
        self._pool = pool
        self._files = files
        self._patience = patience

    async def draw(self, job: Job) -> tuple[tuple[Track, ...], tuple[tuple[str, int, str], ...]]:
        """The tracks that have a picture now, and its files; one that cannot be drawn goes without."""
        bare = [track for track in job.tracks if not track.picture]
        found = await asyncio.gather(*(self._try_to_draw(job, track) for track in bare))
        drawn = [(track, stored) for track, stored in zip(bare, found, strict=True) if stored is not None]
        tracks = tuple(replace(track, picture=stored.hash) for track, stored in drawn)
        return tracks, tuple((stored.hash, stored.size, stored.kind) for _, stored in drawn)

    async def _try_to_draw(self, job: Job, track: Track) -> Stored | None:
        try:
            async with asyncio.timeout(self._patience):
                return await self._draw(track)
        except (Refused, OSError, TimeoutError) as trouble:
            log.warning("job %s: track %d goes without a picture (%s)", job.id, track.number, trouble)
            return None

    async def _draw(self, track: Track) -> Stored:
        source = self._files.path(track.hash)
        with self._files.room() as room:
            path = room / "wave.png"
            arguments = {"source": str(source), "picture": str(path)}
            await self._pool.run(
                "bot.audio.finish:draw", arguments, directory=room, reads=(source,), limits=_LIMITS
            )
            return await self._files.adopt(path, "png")
