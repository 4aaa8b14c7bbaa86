"""The child's side of bombs: what a probe of each costs, whether it refuses or not."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.audio.probe import probe
from bot.errors import Refused

Progress = Callable[[str, float], None]


def weigh(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Target of a child. Arguments: files, and what `probe` takes. Returns an end, seconds of CPU and MB for each.

    An end is a code, or how long the file was found to be. Memory is the most that this process had so far.
    """
    costs: list[tuple[str | float, float, float]] = []
    for file in arguments["files"]:
        before = time.process_time() if costs else 0.0
        end = _end(file, arguments, progress)
        costs.append((end, time.process_time() - before, most_memory()))
    return {"costs": costs}


def most_memory() -> float:
    """MB that this process held at most. On Linux `getrusage` counts the parent's memory before `exec`, too."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _end(file: str, arguments: dict[str, Any], progress: Progress) -> str | float:
    limits = {name: arguments[name] for name in ("min_seconds", "max_seconds")}
    try:
        return float(probe({"path": str(Path(file)), **limits}, progress)["seconds"])
    except Refused as refused:
        return refused.refusal.code.value
