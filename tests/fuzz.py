"""Mutated audio files through the worker: `python -m tests.fuzz [--each 5000] [--seed 1]`, or `make fuzz`.

Each file goes the way of an upload in a capped child: probed, and where that calls it usable decoded and analysed
as for a mashup. A child takes one file after the other for as long as it lives; where it goes down, that is the end
of the file it was at, and a fresh one goes on behind it. Each must soon end as a result or a refusal, and this
process must live.
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
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.audio import aac
from bot.engines.local.studio import DECODE
from bot.engines.probe import LONGEST_SECONDS, SHORTEST_SECONDS
from bot.errors import Code, Refused
from bot.formats.ffmpeg import needed_for
from bot.worker.pool import Pool
from tests.audio import synth

SECONDS = 5.4
WITHIN = 10.0  # seconds from hand-over to the end
FILES = 20  # of one child
ODD = frozenset({Code.WORKER_DIED, Code.WORKER_LIMIT, Code.TOOK_TOO_LONG})
"""Typed ends all the same, but of a child that went down: worth a look."""


@dataclass
class Tally:
    """How the files of one kind ended, and how long the slowest took."""

    ends: Counter[str] = field(default_factory=Counter[str])
    slowest: float = 0.0
    largest: float = 0.0
    """MB of a child."""

    @property
    def files(self) -> int:
        return self.ends.total()

    def __str__(self) -> str:
        told = ", ".join(f"{count} {end}" for end, count in self.ends.most_common())
        return f"{self.files} files, slowest {self.slowest:.1f} s, largest {self.largest:.0f} MB: {told}"


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


async def ends_of(pool: Pool, files: Sequence[Path], folder: Path) -> list[tuple[str, float, float]]:
    """For each file `used` or the code of its refusal, its seconds and its child's MB; else a defect is found."""
    told = folder / f"{files[0].name}.ends"
    ends: list[tuple[str, float, float]] = []
    while len(ends) < len(files):
        told.write_text("")
        start = time.monotonic()
        left = [str(path) for path in files[len(ends) :]]
        arguments = {"files": left, "ends": str(told), "seconds": WITHIN + 1}
        arguments |= {"min_seconds": SHORTEST_SECONDS, "max_seconds": LONGEST_SECONDS}
        limits = replace(DECODE, wall_seconds=DECODE.wall_seconds * len(left))
        down = None
        try:
            programs = needed_for(files[0]) or needed_for(files[-1])
            await pool.run(
                "tests.fuzz_child:several", arguments, directory=folder, programs=programs, limits=limits
            )
        except Refused as refused:
            down = refused.refusal.code.value
        lines = [line.split(" ") for line in told.read_text("ascii").splitlines()]
        ends += [(end, float(seconds), float(megabytes)) for seconds, megabytes, end in lines]
        if down is not None and len(lines) < len(left):
            ends.append((down, time.monotonic() - start - sum(float(line[0]) for line in lines), 0.0))
    told.unlink()
    return ends


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def fuzz(each: int, seed: int, workers: int = 1, tell: Callable[[str], None] = _tell) -> dict[str, Tally]:
    """`each` mutations of every kind, round and round; a crash of a kind keeps its file's seed in the output."""
    tallies: dict[str, Tally] = {}
    pool = Pool(workers, allowed=("tests.fuzz_child",))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "originals").mkdir()
        sources = originals(folder / "originals")

        async def some(kind: str, numbers: range) -> None:
            paths = [folder / f"{number}-{kind}" for number in numbers]
            for number, path in zip(numbers, paths, strict=True):
                path.write_bytes(mutated(sources[kind], random.Random(f"{seed} {kind} {number}")))
            tally = tallies.setdefault(kind, Tally())
            for number, (end, seconds, megabytes) in zip(numbers, await ends_of(pool, paths, folder), strict=True):
                tally.ends[end] += 1
                tally.slowest, tally.largest = max(tally.slowest, seconds), max(tally.largest, megabytes)
                if end in ODD or seconds > WITHIN:
                    tell(f"{kind} {number}: {end} after {seconds:.1f} s")
            for path in paths:
                path.unlink()

        try:
            for first in range(0, each, FILES):
                numbers = range(first, min(each, first + FILES))
                await asyncio.gather(*(some(kind, numbers) for kind in sources))
                if numbers.stop % 500 == 0 and numbers.stop < each:
                    tell(f"{numbers.stop} of {each}\n{table(tallies)}")
        finally:
            await pool.close()
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    return "\n".join(f"{kind}: {tally}" for kind, tally in sorted(tallies.items()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--each", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if aac.pyav() is None:
        _tell("song.m4a is left out: the extra m4a is not installed, so nothing here can write or read it.")
    tallies = asyncio.run(fuzz(options.each, options.seed))
    _tell(table(tallies))
    late = any(tally.slowest > WITHIN for tally in tallies.values())
    return int(late or any(tally.files != options.each for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
