"""Where phrases begin: the bars at which harmony, loudness, colour and pattern change, in the lengths of songs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.audio.weights import PHRASE

UNIT = 8  # bars of the usual phrase
FEWEST = 12  # bars; below, the phase of the phrases cannot be told
REACHES = (4, 8)  # bars compared before and after a boundary
QUIETEST, LOUDEST = -12.0, 6.0  # LU around the median bar; fades and endings must not outweigh all else
# What a phrase of so many bars costs, beside the usual one, where its ends would gain as much.
COSTS = {8: 0.0, 4: 1.5, 16: 1.0, 12: 1.5, 2: 3.0, 6: 3.0, 10: 3.0, 1: 4.0, 3: 4.0, 5: 4.0, 7: 4.0, 9: 4.0}
EDGE = 0.3  # share of that cost for the first and the last phrase: pick-ups and cuts are common

Rows = NDArray[np.float64]


def evidence(energy: Rows, chroma: Rows, balance: Rows, pattern: Rows, tonic: int) -> Rows:
    """(bars, features), standardised: what speaks for a phrase that begins with each bar.

    `energy` (bars,) in LUFS, `chroma` (bars, 12), `balance` (bars, 3), `pattern` (bars, 8) mean accents.
    """
    level = np.clip(energy - np.median(energy), QUIETEST, LOUDEST)
    kinds = [level[:, None], chroma, balance, pattern]
    columns = [_change(kind, reach) for kind in kinds for reach in REACHES]
    columns += [
        chroma[:, tonic],
        np.concatenate([[0.0], chroma[:-1, (tonic + 7) % 12]]),
        np.abs(np.diff(level, prepend=level[0])),
    ]
    table = np.stack(columns, axis=1)
    return (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-6)


def _change(kind: Rows, reach: int) -> Rows:
    """Distance of the means of up to `reach` bars before and after the beginning of each bar."""
    count = len(kind)
    sums = np.concatenate([np.zeros((1, kind.shape[1])), np.cumsum(kind, axis=0)])
    bar = np.arange(1, count)
    before, after = np.maximum(0, bar - reach), np.minimum(count, bar + reach)
    left = (sums[bar] - sums[before]) / (bar - before)[:, None]
    right = (sums[after] - sums[bar]) / (after - bar)[:, None]
    trust = np.minimum(1.0, np.minimum(bar - before, after - bar) / reach)
    return np.concatenate([[0.0], np.linalg.norm(right - left, axis=1) * trust])


def chances(table: Rows) -> Rows:
    """(8,): how likely it is that phrases begin with the bars 0, 8, 16, ..., with 1, 9, 17, ... and so on."""
    scores = phases(table) @ PHRASE
    likely = np.exp(scores - scores.max())
    return likely / likely.sum()


def phases(table: Rows) -> Rows:
    """(8, features): mean evidence of the bars of each phase, weaker the fewer there are."""
    means = [table[phase::UNIT].mean(axis=0) for phase in range(UNIT)]
    return np.array(means) * min(1.0, len(table) / 32) ** 0.5


def phrases(table: Rows) -> tuple[NDArray[np.intp], float]:
    """The bars where phrases begin, by the best path over phrase lengths, and the confidence in it."""
    count = len(table)
    if count < FEWEST:
        return np.arange(0, count, UNIT), 0.0
    likely = chances(table)
    strength = table @ PHRASE
    gains = strength / max(float(strength.std()), 1e-9) + np.maximum(np.log(likely), -4.0)[np.arange(count) % UNIT]
    best, back = np.full(count + 1, -np.inf), np.zeros(count + 1, np.intp)
    best[0] = 0.0
    for end in range(1, count + 1):
        gain = gains[end] if end < count else 0.0
        for length, cost in COSTS.items():
            start = end - length
            if start < 0:
                continue
            value = best[start] + gain - cost * (EDGE if start == 0 or end == count else 1.0)
            if value > best[end]:
                best[end], back[end] = value, start
    begins, at = [0], int(back[count])
    while at > 0:
        begins.insert(1, at)
        at = int(back[at])
    return np.array(begins, np.intp), float(likely.max())
