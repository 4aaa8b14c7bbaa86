"""What a process holds, looked at from outside again and again, and whether it grows. The rules are pure."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Figure, at_most, below

MEMORY_AN_HOUR = 1.0
THREADS_AN_HOUR = 3
"""The event loop's pool of six fills by and by, and stays as it is then."""
"""MB, at most just under it."""
STOP_SECONDS = 10.0
_HOUR = 3600.0
_WINDOWS = 12
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """One look: `at` in seconds, memory and database in MB, processor seconds without those of its children."""

    at: float
    memory: float
    handles: int
    threads: int
    database: float = 0.0
    spent: float = 0.0


def look(pid: int, at: float, database: Path) -> Sample:
    """Look at a running process, and at the files of its database."""
    place = Path(f"/proc/{pid}")
    fields = (place / "stat").read_text("ascii", "replace").rsplit(")", 1)[1].split()
    files = [Path(f"{database}{ending}") for ending in ("", "-wal", "-shm")]
    return Sample(
        at,
        int((place / "statm").read_text("ascii").split()[1]) * _PAGE / 1e6,
        len(list((place / "fd").iterdir())),
        len(list((place / "task").iterdir())),
        sum(file.stat().st_size for file in files if file.exists()) / 1e6,
        (int(fields[11]) + int(fields[12])) / _TICK,
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much the values rise in an hour, by least squares; the times are seconds."""
    middle = sum(at for at, _ in points) / len(points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    return _HOUR * sum((at - middle) * value for at, value in points) / spread if spread else 0.0


def lows(samples: Sequence[Sample], value: Callable[[Sample], float]) -> list[tuple[float, float]]:
    """The lowest value of each of twelve windows: what is held while least is under way."""
    size = max(1, len(samples) // _WINDOWS)
    windows = [samples[start : start + size] for start in range(0, len(samples), size)]
    return [(window[0].at, min(map(value, window))) for window in windows]


def growth(samples: Sequence[Sample]) -> list[Figure]:
    """What grew after the warm-up; a bot that was not looked at twice has shown nothing."""
    if len(samples) < 2:
        return [Figure("samples, minutes", str(len(samples)), "at least 2", met=False)]
    first, last = samples[0], samples[-1]
    handles = slope(lows(samples, lambda one: one.handles))
    threads = slope(lows(samples, lambda one: one.threads))
    return [
        Figure("samples, minutes", f"{len(samples)}, {(last.at - first.at) / 60:.0f}"),
        Figure("memory, first and last", f"{first.memory:.1f} MB, {last.memory:.1f} MB"),
        below("memory rises", slope([(one.at, one.memory) for one in samples]), MEMORY_AN_HOUR, "MB an hour"),
        Figure("handles, least and most", _range([one.handles for one in samples])),
        at_most("open handles rise", abs(round(handles)), 0, "an hour"),
        Figure("threads, least and most", _range([one.threads for one in samples])),
        at_most("threads rise", abs(round(threads)), THREADS_AN_HOUR, "an hour"),
        Figure("database, first and last", f"{first.database:.1f} MB, {last.database:.1f} MB"),
        Figure("share of a core", f"{(last.spent - first.spent) / max(1.0, last.at - first.at):.1%}"),
    ]


def _range(values: Sequence[int]) -> str:
    return f"{min(values)} and {max(values)}"
