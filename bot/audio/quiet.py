"""Where nothing is heard."""

from __future__ import annotations

import numpy as np

from bot.audio import loudness

BELOW = 45.0  # LU under the source's own loudness
SHORTEST = 5  # steps of 100 ms


def silences(powers: loudness.Powers, integrated: float) -> list[tuple[float, float]]:
    """(start, end) in seconds of the passages of half a second and more that nobody hears beside the rest."""
    floor = max(loudness.FLOOR_LUFS, integrated - BELOW)
    quiet = np.concatenate([[False], powers <= loudness.power(floor), [False]])
    starts, ends = np.flatnonzero(~quiet[:-1] & quiet[1:]), np.flatnonzero(quiet[:-1] & ~quiet[1:])
    step = loudness.STEP / loudness.RATE
    return [
        (float(start * step), float(end * step))
        for start, end in zip(starts, ends, strict=True)
        if end - start >= SHORTEST
    ]
