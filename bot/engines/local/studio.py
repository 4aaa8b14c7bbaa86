"""Two files in, tracks and a report out: the order of the children, for bot and command line alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.engines.local.compatibility import compare
from bot.engines.local.plan import PLAIN, Analysis, Wishes
from bot.formats.ffmpeg import needed_for
from bot.worker.pool import Limits, Pool

DECODE = Limits(memory_bytes=512 << 20, cpu_seconds=120, file_bytes=300 << 20, open_files=32, wall_seconds=300)
RENDER = Limits(memory_bytes=2560 << 20, cpu_seconds=600, file_bytes=600 << 20, open_files=64, wall_seconds=900)
_DECODE_SHARE = 0.3


class Studio:
    """Runs the engine's children in `pool`, both decodes side by side."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def mix(
        self,
        sources: tuple[Path, Path],
        directory: Path,
        *,
        title: str,
        seed: int,
        tracks: int,
        wishes: Wishes = PLAIN,
        max_bytes: int | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> dict[str, Any]:
        """Write the tracks and their pictures into `directory`; returns the report of docs/engines.md.

        Raises `Refused`. The decoded samples are removed whatever happens; `progress` gets a stage and 0 to 1.
        """
        tell: Callable[[str, float], None] = progress or (lambda stage, fraction: None)
        try:
            prepared = await self._prepare(sources, directory, tell)
            report = await self._pool.run(
                "bot.engines.local.tasks:mix",
                {
                    "sources": prepared,
                    "directory": str(directory),
                    "tracks": tracks,
                    "seed": seed,
                    "title": title,
                    "wishes": vars(wishes),
                    "max_bytes": max_bytes,
                },
                directory=directory,
                limits=RENDER,
                progress=lambda stage, fraction: tell(stage, _DECODE_SHARE + (1 - _DECODE_SHARE) * fraction),
            )
        finally:
            _sweep(directory)
        return {"title": title, **report}

    async def compare(
        self,
        sources: tuple[Path, Path],
        directory: Path,
        *,
        seed: int = 0,
        wishes: Wishes = PLAIN,
        progress: Callable[[str, float], None] | None = None,
    ) -> dict[str, Any]:
        """The report of `compatibility.compare`; nothing is rendered. Raises `Refused`."""
        try:
            prepared = await self._prepare(sources, directory, progress or (lambda stage, fraction: None))
        finally:
            _sweep(directory)
        first, second = (Analysis.from_json(one["analysis"]) for one in prepared)
        return compare(first, second, seed, wishes)

    async def _prepare(
        self, sources: tuple[Path, Path], directory: Path, tell: Callable[[str, float], None]
    ) -> list[dict[str, Any]]:
        done = {"a": 0.0, "b": 0.0}

        def follow(side: str) -> Callable[[str, float], None]:
            def note(stage: str, fraction: float) -> None:
                done[side] = fraction
                tell(stage, _DECODE_SHARE * sum(done.values()) / 2)

            return note

        async def one(side: str, source: Path) -> dict[str, Any]:
            pcm = str(directory / f"{side}.pcm")
            analysis = await self._pool.run(
                "bot.engines.local.tasks:prepare",
                {"source": str(source), "pcm": pcm},
                directory=directory,
                reads=(source,),
                programs=needed_for(source),
                limits=DECODE,
                progress=follow(side),
            )
            return {"pcm": pcm, "analysis": analysis}

        jobs = [asyncio.create_task(one(side, source)) for side, source in zip("ab", sources, strict=True)]
        try:
            return list(await asyncio.gather(*jobs))
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


def _sweep(directory: Path) -> None:
    for side in "ab":
        (directory / f"{side}.pcm").unlink(missing_ok=True)
