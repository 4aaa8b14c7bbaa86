"""From a provider's "complete" to the posted result, beside a plain copy of it, and to its pictures; memory."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.parked import free_address
from benchmarks.report import Figure, at_most, print_table
from bot.playground.limits import OFF
from bot.playground.music import Music
from bot.playground.music_task import Task
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground

JOBS = 7
SECONDS = 60
LIMIT_MS = 150.0
PICTURES_MS = 2000.0
IN_FLIGHT = 20
LARGE_MB = 20
LIMIT_MB = 64.0


class Stopwatch(Music):
    """The music stand-in, which notes when it says "complete"."""

    def __init__(self) -> None:
        super().__init__()
        self.completed: dict[str, float] = {}
        self.knobs.stage_seconds = 0.3

    def make_large(self, sound: bytes, size: int) -> None:
        """Give this back over and over, instead of every upload."""
        self._files = _Large(sound * (size // len(sound) + 1))

    async def _tell(self, task: Task, stage: str) -> None:
        if stage == "complete":
            self.completed[task.id] = time.monotonic()
        await super()._tell(task, stage)


class _Large(dict[str, bytes]):
    """One file under every name that was uploaded."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    def __setitem__(self, name: str, _: bytes) -> None:
        super().__setitem__(name, self._content)


def main() -> bool:
    return asyncio.run(_measure())


async def _measure() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        async with _stage(Path(folder) / "delivery") as (play, music):
            songs = _songs(Path(folder), SECONDS)
            delays, pictures, copies = await _deliveries(play, music, songs)
        async with _stage(Path(folder) / "memory") as (play, music):
            added = await _memory(play, music, Path(folder))
    over = statistics.median(delays) - statistics.median(copies)
    return print_table(
        [
            Figure('"complete" to the posted result: median, longest', _spread(delays)),
            Figure("plain copy of the same bytes: median, longest", _spread(copies)),
            at_most("difference of the medians", over * 1000, LIMIT_MS, "ms"),
            at_most(
                "from the posted result to its pictures: median",
                statistics.median(pictures) * 1000,
                PICTURES_MS,
                "ms",
            ),
            at_most(f"memory added by {IN_FLIGHT} takes of {LARGE_MB} MB in flight", added, LIMIT_MB, "MB"),
        ]
    )


@asynccontextmanager
async def _stage(folder: Path) -> AsyncGenerator[tuple[Playground, Stopwatch]]:
    """The bot as its users run it, between the two stand-ins."""
    await asyncio.to_thread(folder.mkdir)
    music, address = Stopwatch(), free_address()
    await music.start()
    try:
        async with Playground(folder, limits=OFF) as play:
            settings: dict[str, Any] = {
                **music.settings("sunoapi"),
                "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
                "TWODECK_LISTEN": address,
                "TWODECK_PUBLIC_URL": f"http://{address}",
            }
            await play.start_bot(cold=True, **settings)
            yield play, music
    finally:
        await music.close()


async def _deliveries(
    play: Playground, music: Stopwatch, songs: tuple[Path, Path]
) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each job, of its pictures after that, and of each copy, taking turns; the first is left out."""
    delays: list[float] = []
    pictures: list[float] = []
    copies: list[float] = []
    seen = _Seen()
    play.world.listen(seen.look)
    async with aiohttp.ClientSession() as session:
        for number in range(JOBS + 1):
            await _ask(play, songs, number)
            await play.wait_for(lambda number=number: len(seen.pictured) > number, 120)
            task = list(music.tasks.values())[-1]
            (message,) = list(seen.posted)[number:]
            delays.append(seen.posted[message] - music.completed[task.id])
            pictures.append(seen.pictured[message] - seen.posted[message])
            copies.append(await _copy(play, session, task))
    return delays[1:], pictures[1:], copies[1:]


class _Seen:
    """When each result appeared, and when with its pictures, by message."""

    def __init__(self) -> None:
        self.posted: dict[int, float] = {}
        self.pictured: dict[int, float] = {}

    def look(self, kind: str, subject: Any) -> None:
        if _is_result(kind, subject):
            now = time.monotonic()
            self.posted.setdefault(subject.id, now)
            if subject.embedded:
                self.pictured.setdefault(subject.id, now)


def _is_result(kind: str, subject: Any) -> bool:
    return kind == "message" and any(
        file.filename.startswith("mashup-") and file.filename.endswith("-1.mp3") for file in subject.attachments
    )


async def _ask(play: Playground, songs: tuple[Path, Path], number: int) -> None:
    act = await play.slash(
        "mika", "mashups", "mashup", engine="sunoapi", prompt=f"job {number}", track_a=songs[0], track_b=songs[1]
    )
    await act.says("On it.", 30)


async def _copy(play: Playground, session: aiohttp.ClientSession, task: Task) -> float:
    """Seconds in which a plain client fetches both tracks and posts them."""
    started = time.monotonic()
    form = aiohttp.FormData({"payload_json": json.dumps({"content": "a copy"})})
    for number, address in enumerate(task.tracks):
        async with session.get(address) as answer:
            body = await answer.read()
        form.add_field(f"files[{number}]", body, filename=f"copy-{number}.mp3", content_type="audio/mpeg")
    url = f"{play.standin.api_url}/channels/{play.world.channel('lounge').id}/messages"
    async with session.post(url, data=form, headers={"Authorization": f"Bot {play.world.token}"}) as answer:
        assert answer.status == 200, await answer.text()
    return time.monotonic() - started


async def _memory(play: Playground, music: Stopwatch, folder: Path) -> float:
    """MB by which the bot's memory grows while large takes are on their way, after one result has warmed it up."""
    play.knobs.boost(2)
    source = folder / "source.mp3"
    await asyncio.to_thread(write_mp3, source, stereo(Song(tempo=120, seconds=60, tonic=9)), 320)
    music.make_large(source.read_bytes(), LARGE_MB << 20)
    await _ask(play, (source, source), 0)
    await play.wait_for(lambda: _results(play) > 0, 300)
    assert play.bot is not None
    assert play.bot.pid is not None
    before = most = _resident_mb(play.bot.pid)
    music.knobs.stage_seconds = 5  # all of them are at the provider before the first is finished
    for number in range(1, IN_FLIGHT // 2 + 1):
        await _ask(play, (source, source), number)
    async with asyncio.timeout(600):
        while _results(play) <= IN_FLIGHT // 2:
            most = max(most, _resident_mb(play.bot.pid))
            await asyncio.sleep(0.02)
    return most - before


def _results(play: Playground) -> int:
    return sum(_is_result("message", message) for message in play.messages("mashups"))


def _resident_mb(pid: int) -> float:
    """Of the bot's own process; its audio children are others."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _songs(folder: Path, seconds: float) -> tuple[Path, Path]:
    first = write_mp3(folder / "one.mp3", stereo(Song(tempo=120, seconds=seconds, tonic=9)))
    return first, write_mp3(folder / "two.mp3", stereo(Song(tempo=112, seconds=seconds, tonic=0)))


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} ms, {max(seconds) * 1000:.0f} ms"
