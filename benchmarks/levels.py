"""How loud the local engine's mixes are once their MP3s are decoded, over pairs of music that it was not tuned on.

Every piece goes the product's way, and so does every pair: `prepare`, `mix` with two tracks, a decoded file.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from benchmarks import truth
from benchmarks.report import Figure, at_most, print_table
from bot.audio import loudness
from bot.engines.local import tasks
from bot.engines.local.mixing import PEAK_DBTP, TARGET_LUFS
from tests.audio import synth

PAIRS = 16
LARGEST_ERROR = 0.3  # LU
FULL_SCALE = 32767 / 32768


@dataclass(frozen=True)
class Level:
    """Of one decoded track: LUFS, dBTP, samples at full scale, whether it holds whole bars."""

    lufs: float
    peak: float
    clipped: int
    whole_bars: bool


def main() -> bool:
    absent = truth.missing()
    if absent:
        print(f"Missing: {', '.join(absent)}. On Debian or Ubuntu: apt-get install {truth.NEEDS}", file=sys.stderr)
        return False
    with tempfile.TemporaryDirectory() as name:
        levels = [level for pair in range(PAIRS) for level in _pair(pair, Path(name))]
    print(f"{PAIRS} pairs, {len(levels)} tracks.\n")
    return print_table(figures(levels))


def figures(levels: Sequence[Level]) -> list[Figure]:
    peak = max(level.peak for level in levels)
    split = sum(not level.whole_bars for level in levels)
    error = max(abs(level.lufs - TARGET_LUFS) for level in levels)
    return [
        Figure("largest loudness error", f"{error:.2f} LU", f"at most {LARGEST_ERROR} LU", error <= LARGEST_ERROR),
        Figure("highest true peak", f"{peak:.2f} dBTP", f"at most {PEAK_DBTP} dBTP", peak <= PEAK_DBTP),
        at_most("clipped samples", sum(level.clipped for level in levels), 0, "samples"),
        at_most("tracks that do not hold whole bars", split, 0, "tracks"),
    ]


def _pair(number: int, directory: Path) -> list[Level]:
    pieces = truth.gate_pieces(3 * PAIRS)
    sources = [_prepared(pieces[place], directory) for place in (number, len(pieces) - 1 - number)]
    arguments = {"sources": sources, "directory": str(directory), "tracks": 2, "seed": number, "title": "Levels"}
    report = tasks.mix(arguments, _still)
    return [_level(track, directory) for track in report["tracks"]]


def _prepared(piece: truth.Piece, directory: Path) -> dict[str, Any]:
    wav, mp3, pcm = (directory / f"{piece.seed}.{kind}" for kind in ("wav", "mp3", "pcm"))
    truth.render(piece, wav)
    synth.write_mp3(mp3, np.asarray(sf.read(wav, dtype="float32", always_2d=True)[0], np.float32))
    wav.unlink()
    return {"pcm": str(pcm), "analysis": tasks.prepare({"source": str(mp3), "pcm": str(pcm)}, _still)}


def _level(track: dict[str, Any], directory: Path) -> Level:
    samples = np.asarray(sf.read(directory / track["file"], dtype="float32", always_2d=True)[0], np.float32)
    bars = track["sections"][-1]["start_bar"] + track["sections"][-1]["bars"]
    end = track["sections"][-1]["end"]
    return Level(
        lufs=loudness.integrated(loudness.step_powers(samples)),
        peak=loudness.decibels(loudness.true_peak(samples)),
        clipped=int((np.abs(samples) >= FULL_SCALE).sum()),
        whole_bars=bars > 0 and abs(track["seconds"] - end) < 0.001,
    )


def _still(stage: str, part: float) -> None:
    """Progress that nobody watches."""
