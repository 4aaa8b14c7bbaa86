"""Fetches a finished task's tracks at once, and lets a child check, fit and draw each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.engines.hosted.records import Made
from bot.engines.port import Finished, FinishedTrack, Later
from bot.errors import Code, Refusal, Refused
from bot.files.download import Downloader
from bot.worker.pool import Limits, Pool

LONGEST_SECONDS = 900
_AGAIN_SECONDS = 30.0
_LIMITS = Limits(memory_bytes=1024 << 20, cpu_seconds=120, file_bytes=400 << 20, open_files=32, wall_seconds=300)
_NOT_AUDIO = frozenset({Code.FILE_EMPTY, Code.NOT_AUDIO, Code.AUDIO_DAMAGED, Code.AUDIO_SILENT})


class Collector:
    """Owns its downloader, whose hosts are the provider's; children run in `pool`."""

    def __init__(self, downloader: Downloader, pool: Pool) -> None:
        self._downloader = downloader
        self._pool = pool

    async def collect(self, made: Sequence[Made], directory: Path, max_bytes: int) -> Finished:
        """Put the tracks into `directory`. Raises `Later` for what may mend itself, `Refused` for what may not."""
        tracks: list[FinishedTrack] = []
        report: list[dict[str, Any]] = []
        for number, track in enumerate(made, start=1):
            facts = await self._one(track, number, directory, max_bytes)
            audio, picture = directory / f"track-{number}.mp3", directory / f"track-{number}.png"
            tracks.append(
                FinishedTrack(number, audio, picture, track.title[:200], facts["seconds"], track.audio_id[:200])
            )
            report.append({"title": track.title[:200], "tags": track.tags[:200], "seconds": facts["seconds"]})
        return Finished(tuple(tracks), {"tracks": report})

    async def close(self) -> None:
        await self._downloader.close()

    async def _one(self, track: Made, number: int, directory: Path, max_bytes: int) -> dict[str, Any]:
        fetched = directory / f"fetched-{number}"
        try:
            await self._downloader.fetch(track.url, fetched)
            return await self._pool.run(
                "bot.audio.finish:finish",
                {
                    "source": str(fetched),
                    "audio": str(directory / f"track-{number}.mp3"),
                    "picture": str(directory / f"track-{number}.png"),
                    "title": track.title[:200],
                    "max_seconds": LONGEST_SECONDS,
                    "max_bytes": max_bytes,
                },
                directory=directory,
                limits=_LIMITS,
            )
        except Refused as refused:
            code = refused.refusal.code
            if code is Code.DOWNLOAD_FAILED or code in _NOT_AUDIO:
                raise Later(refused.refusal, _AGAIN_SECONDS) from None
            if code is Code.STOPPING:
                raise Later(Refusal(code), _AGAIN_SECONDS) from None
            raise Refused(Code.RESULT_UNUSABLE, reason=code.value) from None
        finally:
            fetched.unlink(missing_ok=True)
