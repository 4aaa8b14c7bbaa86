"""How bright each bar is and how it spreads over low, middle and high."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.audio import spectrum

LOW_HZ, HIGH_HZ = 200.0, 2000.0
FAINTEST = 1e-3  # summed magnitude of a frame; below, there is nothing to weigh

Rows = NDArray[np.float64]


def colour(edges: Rows, mel: spectrum.Mel) -> tuple[Rows, Rows]:
    """Times of the bars' beginnings, the last bar until the end -> centroids in Hz (bars,), shares (bars, 3)."""
    _, centres = spectrum.bank()
    means = spans(edges, mel, spectrum.FPS, spectrum.FRAME / 2 / spectrum.RATE)
    total = means.sum(axis=1)
    means[total < FAINTEST] = 0.0
    total = np.maximum(total, FAINTEST)
    parts = (centres < LOW_HZ, (centres >= LOW_HZ) & (centres < HIGH_HZ), centres >= HIGH_HZ)
    shares = np.stack([means[:, part].sum(axis=1) for part in parts], axis=1)
    return means @ centres / total, shares / total[:, None]


def spans(edges: Rows, frames: NDArray[np.float32], per_second: float, centre: float) -> Rows:
    """(edges, columns): mean of the frames from each edge time to the next, the last one to the end.

    Frame n lies at `centre` + n / `per_second` seconds.
    """
    places = np.clip(np.round((edges - centre) * per_second), 0, len(frames)).astype(np.intp)
    sums = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
    stops = np.maximum(np.append(places[1:], len(frames)), places)
    counts = np.maximum(stops - places, 1)[:, None]
    return (sums[stops] - sums[places]) / counts
