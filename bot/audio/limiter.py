"""Brings a mix to a loudness and under a peak: one gain for all, a look-ahead limiter for what sticks out.

The mix is measured once (`survey`); the gains are found on those small arrays (`gains`) and applied on the way out
(`blocks`), so that the mix itself is neither copied nor changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.audio import loudness
from bot.audio.loudness import CHUNK, STEP
from bot.audio.pcm import Samples

LOOK = 4  # chunks of 1.5 ms in which the gain comes down before a peak and goes up after it
PASSES = 6
CLOSE_LU = 0.02
BLOCK = 512  # chunks of one block on the way out: what fits a cache

Gains = NDArray[np.float32]  # (chunks + 1,): at the edges of the chunks, straight lines between


@dataclass(frozen=True)
class Survey:
    """A mix in small: K-weighted power of each 100 ms, mean square and true peak of each chunk of 64 frames."""

    powers: loudness.Powers
    squares: NDArray[np.float32]
    peaks: NDArray[np.float32]


def survey(mix: Samples, target_lufs: float, ceiling_dbtp: float) -> Survey:
    """Measures (frames, 2); peaks are exact where they may stick out of the ceiling at about the target."""
    powers = loudness.step_powers(mix)
    near = _amplitude(ceiling_dbtp) / _gain(powers, target_lufs)
    whole = mix[: len(mix) // CHUNK * CHUNK].reshape(-1, 2 * CHUNK)
    squares = np.einsum("ij,ij->i", whole, whole)
    peaks = loudness.chunk_peaks(mix, near)
    return Survey(powers, np.append(squares, np.zeros(len(peaks) - len(squares), np.float32)), peaks)


def gains(mix: Survey, target_lufs: float, ceiling_dbtp: float) -> Gains:
    """Reaches the target under the ceiling; silence stays as it is, and so do the proportions far from peaks."""
    ceiling = _amplitude(ceiling_dbtp)
    gain = _gain(mix.powers, target_lufs)
    line = _held(mix, gain, ceiling)
    for _ in range(PASSES):
        level = loudness.integrated(_after(mix, line))
        if level <= loudness.FLOOR_LUFS or abs(target_lufs - level) < CLOSE_LU:
            break
        gain *= _amplitude(target_lufs - level)
        line = _held(mix, gain, ceiling)
    return line


def _held(mix: Survey, gain: float, ceiling: float) -> Gains:
    wanted = np.minimum(1.0, ceiling / np.maximum(mix.peaks * gain, 1e-9))
    return (gain * _edges(wanted)).astype(np.float32)


def blocks(mix: Samples, line: Gains) -> Iterator[Samples]:
    """(frames, 2) with the gains applied, piece by piece."""
    ramp = np.arange(CHUNK, dtype=np.float32) / CHUNK
    for first in range(0, len(line) - 1, BLOCK):
        edges = line[first : first + BLOCK + 1]
        piece = mix[first * CHUNK : (first + BLOCK) * CHUNK]
        if np.ptp(edges) == 0:
            yield piece * edges[0]
            continue
        curve = edges[:-1, None] + (edges[1:] - edges[:-1])[:, None] * ramp
        yield (piece * curve.reshape(-1, 1)[: len(piece)]).astype(np.float32, copy=False)


def _amplitude(decibels: float) -> float:
    return 10 ** (decibels / 20)


def _gain(powers: loudness.Powers, target_lufs: float) -> float:
    level = loudness.integrated(powers)
    return _amplitude(target_lufs - level) if level > loudness.FLOOR_LUFS else 1.0


def _after(mix: Survey, line: Gains) -> loudness.Powers:
    """The powers as the gains leave them: each step loses what its chunks lose, weighted by their energy."""
    if len(mix.powers) == 0:
        return mix.powers
    step = np.minimum(np.arange(len(mix.squares)) * CHUNK // STEP, len(mix.powers) - 1)
    gain = (line[:-1] + line[1:]) / 2
    left = np.bincount(step, mix.squares * gain**2, len(mix.powers))
    return mix.powers * left / np.maximum(np.bincount(step, mix.squares, len(mix.powers)), 1e-12)


def _edges(wanted: Samples) -> NDArray[np.float64]:
    """Gains at the chunks' edges, never above the smallest wanted nearby: a running minimum, then a mean."""
    width = 2 * LOOK + 1
    padded = np.pad(wanted, 2 * LOOK, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, width).min(axis=1)
    smooth = np.lib.stride_tricks.sliding_window_view(lowest, width).mean(axis=1)
    return np.minimum(np.append(smooth, smooth[-1]), np.insert(smooth, 0, smooth[0]))
