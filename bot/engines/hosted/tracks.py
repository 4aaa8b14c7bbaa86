"""Fetches a finished task's tracks at once; an mp3 that fits is only tagged, a child makes one of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from bot.engines.hosted.records import Made
from bot.engines.port import Finished, FinishedTrack, Later
from bot.errors import Code, Refusal, Refused
from bot.files.download import Downloader
from bot.formats.ffmpeg import needed_for
from bot.formats.magic import kind_of
from bot.formats.mpeg import seconds_of
from bot.formats.tags import of_track, tagged
from bot.worker.pool import Limits, Pool

T = TypeVar("T")
SHORTEST_SECONDS, LONGEST_SECONDS = 1, 900
_AGAIN_SECONDS = 30.0
_SAME_SECONDS = 35.0
_SAME_TRIES = 3
"""How often equal takes are fetched anew: a cache that mixed them up needs half a minute."""
_LIMITS = Limits(memory_bytes=1024 << 20, cpu_seconds=120, file_bytes=400 << 20, open_files=32, wall_seconds=300)
_NOT_AUDIO = frozenset({Code.FILE_EMPTY, Code.NOT_AUDIO, Code.AUDIO_DAMAGED, Code.AUDIO_SILENT})


class Collector:
    """Owns its downloader, whose hosts are the provider's; children run in `pool`."""

    def __init__(self, downloader: Downloader, pool: Pool) -> None:
        self._downloader = downloader
        self._pool = pool

    async def collect(self, made: Sequence[Made], directory: Path, max_bytes: int) -> Finished:
        """Put the tracks into `directory`. Raises `Later` for what may mend itself, `Refused` for what may not.

        Takes that stay equal are delivered once, and the report says `same`.
        """
        fetched = [directory / f"fetched-{number}" for number in range(1, len(made) + 1)]
        try:
            digests = await _all(self._fetch(track.url, path) for track, path in zip(made, fetched, strict=True))
            distinct = [at for at, digest in enumerate(digests) if digest not in digests[:at]]
            tracks = await _all(
                self._finish(made[at], fetched[at], number, directory, max_bytes)
                for number, at in enumerate(distinct, start=1)
            )
            if len(distinct) < len(made) and await asyncio.to_thread(_count, directory / "same") < _SAME_TRIES:
                raise Later(Refusal(Code.RESULT_UNUSABLE, {"reason": "same-takes"}), _SAME_SECONDS)
        finally:
            await asyncio.to_thread(_remove, fetched)
        told = [
            {"title": track.title, "tags": made[at].tags[:200], "seconds": track.seconds}
            for at, track in zip(distinct, tracks, strict=True)
        ]
        return Finished(tuple(tracks), {"tracks": told, **({"same": True} if len(distinct) < len(made) else {})})

    async def close(self) -> None:
        await self._downloader.close()

    async def _fetch(self, url: str, path: Path) -> str:
        """The sha256 of what lies there."""
        try:
            return (await self._downloader.fetch(url, path)).sha256
        except Refused as refused:
            raise _end_of(refused.refusal) from None

    async def _finish(
        self, track: Made, fetched: Path, number: int, directory: Path, max_bytes: int
    ) -> FinishedTrack:
        """Its picture is drawn here only where a child decodes it anyway."""
        title, tags = track.title[:200], track.tags[:200]
        audio, picture = directory / f"track-{number}.mp3", directory / f"track-{number}.png"
        try:
            seconds = await asyncio.to_thread(_as_it_is, fetched, audio, of_track(title, tags), max_bytes)
        except Refused as refused:
            raise _end_of(refused.refusal) from None
        if seconds is not None:
            return FinishedTrack(number, audio, None, title, seconds, track.audio_id[:200])
        arguments = {
            "source": str(fetched),
            "audio": str(audio),
            "picture": str(picture),
            "title": title,
            "tags": tags,
            "max_seconds": LONGEST_SECONDS,
            "max_bytes": max_bytes,
        }
        try:
            facts = await self._pool.run(
                "bot.audio.finish:finish",
                arguments,
                directory=directory,
                programs=needed_for(fetched),
                limits=_LIMITS,
            )
        except Refused as refused:
            raise _end_of(refused.refusal) from None
        return FinishedTrack(number, audio, picture, title, facts["seconds"], track.audio_id[:200])


def _as_it_is(fetched: Path, audio: Path, tag: bytes, max_bytes: int) -> float | None:
    """Put an mp3 that fits behind our tag, and say how many seconds it has; None for what has to be decoded first.

    Raises `Refused` for what is no audio.
    """
    seconds = seconds_of(fetched) if kind_of(fetched) == "mp3" else None
    if seconds is None or not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        return None
    if fetched.stat().st_size + len(tag) > max_bytes:
        return None
    tagged(fetched, audio, tag)
    return round(seconds, 3)


def _end_of(refusal: Refusal) -> Exception:
    """What may mend itself is asked for again."""
    if refusal.code is Code.DOWNLOAD_FAILED or refusal.code in _NOT_AUDIO:
        return Later(Refusal(Code.RESULT_UNUSABLE, {"reason": refusal.code.value}), _AGAIN_SECONDS)
    if refusal.code is Code.STOPPING:
        return Later(Refusal(refusal.code), _AGAIN_SECONDS)
    return Refused(Code.RESULT_UNUSABLE, reason=refusal.code.value)


async def _all(works: Iterable[Awaitable[T]]) -> list[T]:
    """All results together, or the first failure after every one has ended."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


def _count(path: Path) -> int:
    """How often this was asked before: a byte each, beside what the task left."""
    with path.open("ab") as file:
        file.write(b".")
        return file.tell() - 1


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
