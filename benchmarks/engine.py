"""The local engine's CPU time against the floor: decode both sources, encode results of the same lengths.

Every step runs in a process of its own, as in the bot; imports and interpreter start are counted on both sides.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROUNDS = 3
SECONDS, LONG_SECONDS = 180.0, 600.0
PAIRS = {  # tempi of both, and how many semitones above C the second one's minor key lies; the first is in A major
    "one source stretched": (120.0, 126.0, 2),
    "both moved, one as a record": (100.0, 124.0, 10),
    "both stretched": (100.0, 124.0, 2),
}

_CHILD = """
import json, sys
from importlib import import_module
module, function = sys.argv[1].split(":")
result = getattr(import_module(module), function)(json.loads(sys.stdin.read()), lambda stage, part: None)
print(json.dumps(result))
"""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of all children, the largest resident size of any, and of all that run side by side."""

    cpu: float
    peak_mb: float
    together_mb: float

    def beside(self, other: Cost) -> Cost:
        together = self.together_mb + other.together_mb
        return Cost(self.cpu + other.cpu, max(self.peak_mb, other.peak_mb), together)

    def before(self, other: Cost) -> Cost:
        together = max(self.together_mb, other.together_mb)
        return Cost(self.cpu + other.cpu, max(self.peak_mb, other.peak_mb), together)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        columns = "".join(
            f"{name:>12}" for name in ("engine s", "floor s", "ratio", "peak MB", "together MB", "result s")
        )
        print(f"{'pair':<40}{columns}")
        for title, pair in PAIRS.items():
            for tracks in (1, 2):
                _measure_pair(f"{title}, {tracks} track{'s' * (tracks - 1)}", pair, SECONDS, tracks, Path(name))
        _measure_pair("10 minutes, both stretched, 1 track", PAIRS["both stretched"], LONG_SECONDS, 1, Path(name))


def _measure_pair(title: str, pair: tuple[float, float, int], seconds: float, tracks: int, directory: Path) -> None:
    target = {"directory": str(directory), "tempos": pair[:2], "tonic": pair[2], "seconds": seconds}
    _child("benchmarks.engine:make_sources", target)
    engines: list[Cost] = []
    floors: list[Cost] = []
    lengths: list[float] = []
    for _ in range(ROUNDS if seconds == SECONDS else 1):
        cost, lengths = _engine(directory, tracks=tracks)
        engines.append(cost)
        floors.append(_child("benchmarks.engine:floor", {"directory": str(directory), "lengths": lengths})[0])
    engine, floor_cpu = _median(engines), _median(floors)
    peak, together = max(cost.peak_mb for cost in engines), max(cost.together_mb for cost in engines)
    figures = (f"{engine:.2f}", f"{floor_cpu:.2f}", f"{engine / floor_cpu:.2f}", f"{peak:.0f}", f"{together:.0f}")
    columns = "".join(f"{figure:>12}" for figure in (*figures, f"{sum(lengths):.0f}"))
    print(f"{title:<40}{columns}", flush=True)


def _median(costs: list[Cost]) -> float:
    return statistics.median(cost.cpu for cost in costs)


def _engine(directory: Path, tracks: int) -> tuple[Cost, list[float]]:
    """Cost of both preparations, which the bot runs side by side, and the mix; the lengths of the tracks."""
    total = Cost(0.0, 0.0, 0.0)
    sources: list[dict[str, Any]] = []
    for name in ("a", "b"):
        source, pcm = str(directory / f"{name}.mp3"), str(directory / f"{name}.pcm")
        cost, analysis = _child("bot.engines.local.tasks:prepare", {"source": source, "pcm": pcm})
        total = total.beside(cost)
        sources.append({"pcm": pcm, "analysis": analysis})
    arguments = {"sources": sources, "directory": str(directory), "tracks": tracks, "seed": 1, "title": "Benchmark"}
    cost, report = _child("bot.engines.local.tasks:mix", arguments)
    return total.before(cost), [track["seconds"] for track in report["tracks"]]


def _child(target: str, arguments: dict[str, Any]) -> tuple[Cost, dict[str, Any]]:
    """Runs a target in a child of its own and reads that child's own resource use."""
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer:
        question.write(json.dumps(arguments).encode())
        question.seek(0)
        environment = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, target], stdin=question, stdout=answer, env=environment
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(f"{target} ended with {child.returncode}")
        answer.seek(0)
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        peak = usage.ru_maxrss / unit
        return Cost(usage.ru_utime + usage.ru_stime, peak, peak), json.loads(answer.read())


def make_sources(arguments: dict[str, Any], progress: object) -> dict[str, Any]:
    """Target of a child: writes a.mp3 and b.mp3."""
    from tests.audio import synth

    directory = Path(arguments["directory"])
    song = synth.Song(seconds=arguments["seconds"])
    one = replace(song, tempo=arguments["tempos"][0], tonic=9, tuning_cents=0.0)
    two = replace(
        song,
        tempo=arguments["tempos"][1],
        tonic=arguments["tonic"],
        minor=True,
        start=0.9,
        timbre=1,
        tuning_cents=15.0,
    )
    for name, each in (("a", one), ("b", two)):
        synth.write_mp3(directory / f"{name}.mp3", synth.stereo(each), bit_rate=192)
    return {}


def floor(arguments: dict[str, Any], progress: object) -> dict[str, Any]:
    """Target of a child: the least any mashup of these files costs, decode both and encode what is made."""
    import numpy as np
    import soundfile as sf

    from bot.audio import encode

    directory = Path(arguments["directory"])
    samples, rate = sf.read(directory / "a.mp3", dtype="float32")
    sf.read(directory / "b.mp3", dtype="float32")
    for seconds in arguments["lengths"]:
        pcm = (samples[: round(seconds * rate)] * 32767).astype(np.int16)
        encode.write_mp3(directory / "floor.mp3", [pcm], encode.BIT_RATES[0], b"")
    return {}
