"""Where phrases begin: the bars at which harmony, loudness and colour change, in the lengths that songs have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACH = 4  # bars compared before and after a boundary
# What a phrase of so many bars costs, in standard deviations of the novelty at its beginning.
COSTS = {4: 0.35, 8: 0.0, 12: 0.6, 16: 0.5, 2: 1.2, 6: 1.2, 10: 1.2, 1: 2.0, 3: 2.0, 5: 2.0, 7: 2.0, 9: 2.0}

Rows = NDArray[np.float64]


def novelty(bars: Rows) -> Rows:
    """(bars, features) -> (bars,): distance of the means of up to four bars before and after each."""
    count = len(bars)
    sums = np.concatenate([np.zeros((1, bars.shape[1])), np.cumsum(bars, axis=0)])
    line = np.zeros(count)
    for bar in range(1, count):
        before, after = max(0, bar - REACH), min(count, bar + REACH)
        change = (sums[after] - sums[bar]) / (after - bar) - (sums[bar] - sums[before]) / (bar - before)
        line[bar] = float(np.linalg.norm(change)) * min(1.0, (after - bar) / REACH, (bar - before) / REACH)
    return line


def features(energy: Rows, chroma: Rows, balance: Rows) -> Rows:
    """What changes at a boundary, each kind scaled to its own spread."""
    kinds = [energy[:, None] / 6.0, chroma * 4.0, balance * 4.0]
    return np.clip(np.concatenate([kind - kind.sum(axis=0) / max(1, len(kind)) for kind in kinds], axis=1), -3, 3)


def phrases(bars: Rows) -> tuple[NDArray[np.intp], float]:
    """(bars, features) -> bars where phrases begin (the best path over lengths), how far they stand out."""
    count = len(bars)
    if count < 2 * REACH:
        return np.zeros(min(1, count), np.intp), 0.0
    line = novelty(bars)
    spread = float(line.std())
    if spread < 1e-6:
        return np.arange(0, count, 8), 0.0
    line = (line - line.mean()) / spread
    best, back = np.full(count + 1, -np.inf), np.full(count + 1, -1)
    best[0] = 0.0
    for end in range(1, count + 1):
        gain = line[end] if end < count else 0.0
        for length, cost in COSTS.items():
            start = end - length
            if start < 0:
                continue
            # A pick-up before the first phrase and a cut after the last are common.
            value = best[start] + gain - cost * (0.3 if start == 0 or end == count else 1.0)
            if value > best[end]:
                best[end], back[end] = value, start
    starts, at = [], int(back[count])
    while at > 0:
        starts.append(at)
        at = int(back[at])
    begins = np.array([0, *starts[::-1]], np.intp)
    inner = begins[begins > 0]
    standing = float(line[inner].mean()) if len(inner) else 0.0
    return begins, float(np.clip(standing / 2.5, 0.0, 0.95))
