"""How soon a command is acknowledged while a mashup renders: 20 a second, each with two 5 MB files."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Act, Playground

PER_SECOND = 20
SECONDS = 20
MEGABYTES = 5


def main() -> None:
    asyncio.run(_measure())


async def _measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        music = stereo(Song(tempo=121, seconds=180)), stereo(Song(tempo=117, seconds=180, tonic=2))
        songs = [write_mp3(Path(folder, f"{n}.mp3"), m, 192) for n, m in enumerate(music)]
        files = [(song.name, _padded(song.read_bytes())) for song in songs]
        async with Playground(Path(folder)) as play:
            await play.start_bot(cold=True)
            await play.slash("mika", "lounge", "mashup", track_a=songs[0], track_b=songs[1])
            await play.wait_for(
                lambda: play.messages("lounge") and "mixing" in str(play.messages("lounge")[0]), 120
            )
            acts = await _load(play, files)
            rendering = not any(m.attachments for m in play.messages("lounge"))
            delays = sorted(await _delays(acts))
            quiet = sorted([await _trivial(play) for _ in range(200)])
    print(
        f"{len(delays)} commands at {PER_SECOND}/s, 2 x {MEGABYTES} MB each; first job still rendering: {rendering}"
    )
    print(f"  acknowledged: p50 {_ms(delays, 50)} ms, p99 {_ms(delays, 99)} ms, longest {delays[-1] * 1000:.1f} ms")
    print(f"  autocomplete, one at a time, afterwards: p50 {_ms(quiet, 50)} ms, p99 {_ms(quiet, 99)} ms")


async def _load(play: Playground, files: list[tuple[str, bytes]]) -> list[Act]:
    """Ask at a steady rate, whatever the answers take."""
    acts: list[asyncio.Task[Act]] = []
    started = time.monotonic()
    for number in range(PER_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
        ask = play.slash("noor", "mashups", "mashup", track_a=files[0], track_b=files[1])
        acts.append(asyncio.create_task(ask))
    return await asyncio.gather(*acts)


async def _delays(acts: list[Act]) -> list[float]:
    for act in acts:
        await act.answered()
    missed = [act for act in acts if act.acknowledged_after is None]
    assert not missed, f"{len(missed)} commands were never acknowledged"
    return [act.acknowledged_after or 0.0 for act in acts]


async def _trivial(play: Playground) -> float:
    started = time.monotonic()
    await play.autocomplete("mika", "mashups", "mashup", "engine", engine="")
    return time.monotonic() - started


def _padded(song: bytes) -> bytes:
    """The song, with its end repeated up to the size wanted; mp3 frames may follow one another freely."""
    tail = song[len(song) // 2 :]
    while len(song) < MEGABYTES * 1_000_000:
        song += tail
    return song[: MEGABYTES * 1_000_000]


def _ms(ordered: list[float], percent: int) -> str:
    return f"{statistics.quantiles(ordered, n=100)[percent - 1] * 1000:.1f}"
