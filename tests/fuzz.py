"""Mutated audio files through the worker: `python -m tests.fuzz [--each 5000] [--seed 1]`, or `make fuzz`.

Each file goes the way of an upload: a capped child of its own probes it, and where that calls it usable another one
decodes and analyses it as for a mashup. Each must soon end as a result or a refusal, and this process must live.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.audio import aac
from bot.engines.local.studio import DECODE
from bot.engines.probe import probe
from bot.errors import Code, Refused
from bot.worker.pool import Pool
from tests.audio import synth

SECONDS = 5.4
WITHIN = 10.0  # seconds from hand-over to the end
ODD = frozenset({Code.WORKER_DIED, Code.WORKER_LIMIT, Code.TOOK_TOO_LONG})
"""Typed ends all the same, but of a child that went down: worth a look."""


@dataclass
class Tally:
    """How the files of one kind ended, and how long the slowest took."""

    ends: Counter[str] = field(default_factory=Counter[str])
    slowest: float = 0.0

    @property
    def files(self) -> int:
        return self.ends.total()

    def __str__(self) -> str:
        told = ", ".join(f"{count} {end}" for end, count in self.ends.most_common())
        return f"{self.files} files, slowest {self.slowest:.1f} s: {told}"


def originals(folder: Path) -> dict[str, bytes]:
    """A short song in every kind that this installation can write."""
    song = synth.stereo(synth.Song(tempo=126, seconds=SECONDS))
    synth.write_mp3(folder / "song.mp3", song, 64)
    synth.write(folder / "song.wav", song, synth.RATE, "PCM_16")
    synth.write(folder / "song.flac", song, synth.RATE, "PCM_16")
    synth.write(folder / "vorbis.ogg", song, synth.RATE, "VORBIS")
    synth.write(folder / "opus.ogg", synth.stereo(synth.Song(seconds=SECONDS)), 48000, "OPUS")
    if aac.pyav() is not None:
        synth.write_m4a(folder / "song.m4a", song)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to six mutations, half of them near the head where the structure is."""
    body = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(min(len(body), 200) if chance.random() < 0.5 else len(body)) if body else 0
        body = chance.choice(_MUTATIONS)(body, at, chance)
    return bytes(body)


def _flip(body: bytearray, at: int, chance: random.Random) -> bytearray:
    for place in range(at, min(len(body), at + chance.choice((1, 4, 64)))):
        body[place] ^= 1 << chance.randrange(8)
    return body


def _overwrite(body: bytearray, at: int, chance: random.Random) -> bytearray:
    width = chance.choice((1, 2, 4, 8))
    value = chance.choice((b"\x00", b"\xff", b"\x7f", b"\x80")) * width
    body[at : at + width] = value[: len(body) - at]
    return body


def _noise(body: bytearray, at: int, chance: random.Random) -> bytearray:
    body[at:at] = chance.randbytes(chance.choice((1, 3, 100, 5000)))
    return body


def _cut(body: bytearray, at: int, chance: random.Random) -> bytearray:
    return body[:at] if chance.random() < 0.3 else body[:at] + body[at + chance.choice((1, 2, 100, 10_000)) :]


def _repeat(body: bytearray, at: int, chance: random.Random) -> bytearray:
    piece = body[at : at + chance.choice((4, 400, 20_000))]
    return body[:at] + piece * chance.choice((2, 9)) + body[at:]


def _swap(body: bytearray, at: int, chance: random.Random) -> bytearray:
    other, width = chance.randrange(len(body) + 1), chance.choice((2, 50, 3000))
    return body[:at] + body[other : other + width] + body[at + width :]


_MUTATIONS: Sequence[Callable[[bytearray, int, random.Random], bytearray]] = (
    _flip, _overwrite, _noise, _cut, _repeat, _swap,
)  # fmt: skip


async def end_of(pool: Pool, path: Path, folder: Path) -> str:
    """`used`, or the code of the refusal. Anything else that is raised is what the fuzzing looks for."""
    try:
        await probe(pool, path, path.name)
        arguments = {"source": str(path), "pcm": str(folder / f"{path.name}.pcm")}
        await pool.run("bot.engines.local.tasks:prepare", arguments, directory=folder, limits=DECODE)
    except Refused as refused:
        return refused.refusal.code.value
    return "used"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def fuzz(each: int, seed: int, workers: int = 1, tell: Callable[[str], None] = _tell) -> dict[str, Tally]:
    """`each` mutations of every kind, round and round; a crash of a kind keeps its file's seed in the output."""
    tallies: dict[str, Tally] = {}
    pool = Pool(workers)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "originals").mkdir()
        sources = originals(folder / "originals")

        async def one(kind: str, number: int) -> None:
            path = folder / f"{number}-{kind}"
            path.write_bytes(mutated(sources[kind], random.Random(f"{seed} {kind} {number}")))
            start = time.monotonic()
            end = await end_of(pool, path, folder)
            seconds = time.monotonic() - start
            tally = tallies.setdefault(kind, Tally())
            tally.ends[end] += 1
            tally.slowest = max(tally.slowest, seconds)
            if end in ODD or seconds > WITHIN:
                tell(f"{kind} {number}: {end} after {seconds:.1f} s")
            path.unlink()
            path.with_name(f"{path.name}.pcm").unlink(missing_ok=True)

        try:
            for number in range(each):
                await asyncio.gather(*(one(kind, number) for kind in sources))
                if number % 100 == 99:
                    tell(f"{number + 1} of {each}")
        finally:
            await pool.close()
    return tallies


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--each", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if aac.pyav() is None:
        _tell("song.m4a is left out: the extra m4a is not installed, so nothing here can write or read it.")
    tallies = asyncio.run(fuzz(options.each, options.seed))
    for kind, tally in sorted(tallies.items()):
        _tell(f"{kind}: {tally}")
    late = any(tally.slowest > WITHIN for tally in tallies.values())
    return int(late or any(tally.files != options.each for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
