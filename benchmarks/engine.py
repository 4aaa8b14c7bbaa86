"""The local engine's CPU time against the floor: decode both sources, encode one result of the same length.

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
SECONDS = 180.0
PAIRS = {"one source stretched": (120.0, 126.0), "both stretched": (100.0, 124.0)}

_CHILD = """
import json, sys
from importlib import import_module
module, function = sys.argv[1].split(":")
result = getattr(import_module(module), function)(json.loads(sys.stdin.read()), lambda stage, part: None)
print(json.dumps(result))
"""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of all children together, and the largest resident size of any of them."""

    cpu: float
    peak_mb: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, max(self.peak_mb, other.peak_mb))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        print(f"{'pair':<24}{'engine s':>10}{'floor s':>10}{'ratio':>8}{'peak MB':>10}{'result s':>10}")
        for title, tempos in PAIRS.items():
            _measure_pair(title, tempos, Path(name))


def _measure_pair(title: str, tempos: tuple[float, float], directory: Path) -> None:
    _child("benchmarks.engine:make_sources", {"directory": str(directory), "tempos": tempos})
    engines: list[Cost] = []
    floors: list[Cost] = []
    seconds = 0.0
    for _ in range(ROUNDS):
        cost, seconds = _engine(directory, tracks=1)
        engines.append(cost)
        floors.append(_child("benchmarks.engine:floor", {"directory": str(directory), "seconds": seconds})[0])
    engine, floor_cpu = _median(engines), _median(floors)
    peak = max(cost.peak_mb for cost in engines)
    print(
        f"{title:<24}{engine:>10.2f}{floor_cpu:>10.2f}{engine / floor_cpu:>8.2f}{peak:>10.0f}{seconds:>10.0f}",
        flush=True,
    )


def _median(costs: list[Cost]) -> float:
    return statistics.median(cost.cpu for cost in costs)


def _engine(directory: Path, tracks: int) -> tuple[Cost, float]:
    """Cost of both preparations and the mix, and the length of the first track."""
    total = Cost(0.0, 0.0)
    sources: list[dict[str, Any]] = []
    for name in ("a", "b"):
        source, pcm = str(directory / f"{name}.mp3"), str(directory / f"{name}.pcm")
        cost, analysis = _child("bot.engines.local.tasks:prepare", {"source": source, "pcm": pcm})
        total += cost
        sources.append({"pcm": pcm, "analysis": analysis})
    arguments = {"sources": sources, "directory": str(directory), "tracks": tracks, "seed": 1, "title": "Benchmark"}
    cost, report = _child("bot.engines.local.tasks:mix", arguments)
    return total + cost, report["tracks"][0]["seconds"]


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
        return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit), json.loads(answer.read())


def make_sources(arguments: dict[str, Any], progress: object) -> dict[str, Any]:
    """Target of a child: writes a.mp3 and b.mp3 of three minutes."""
    from tests.audio import synth

    directory = Path(arguments["directory"])
    song = synth.Song(seconds=SECONDS)
    one = replace(song, tempo=arguments["tempos"][0], tonic=9, tuning_cents=0.0)
    two = replace(song, tempo=arguments["tempos"][1], tonic=2, minor=True, start=0.9, timbre=1, tuning_cents=15.0)
    for name, each in (("a", one), ("b", two)):
        synth.write_mp3(directory / f"{name}.mp3", synth.stereo(each), bit_rate=192)
    return {}


def floor(arguments: dict[str, Any], progress: object) -> dict[str, Any]:
    """Target of a child: the least any mashup of these files costs, decode both and encode the result."""
    import numpy as np
    import soundfile as sf

    from bot.audio import encode

    directory = Path(arguments["directory"])
    samples, rate = sf.read(directory / "a.mp3", dtype="float32")
    sf.read(directory / "b.mp3", dtype="float32")
    length = round(arguments["seconds"] * rate)
    pcm = (samples[:length] * 32767).astype(np.int16)
    encode.write_mp3(directory / "floor.mp3", [pcm], encode.BIT_RATES[0], b"")
    return {}
