"""Brings a mix to a loudness and under a peak: one gain for all, a look-ahead limiter for what sticks out."""

from __future__ import annotations

import numpy as np

from bot.audio import loudness
from bot.audio.loudness import CHUNK
from bot.audio.pcm import Samples

LOOK = 4  # chunks of 1.5 ms in which the gain comes down before a peak and goes up after it
PASSES = 3
CLOSE_LU = 0.1


def set_loudness(mix: Samples, target_lufs: float) -> None:
    """One gain over (frames, 2), in place; silence stays silence."""
    level = loudness.integrated(loudness.step_powers(mix))
    if level > loudness.FLOOR_LUFS:
        mix *= np.float32(10 ** ((target_lufs - level) / 20))


def master(mix: Samples, target_lufs: float, ceiling_dbtp: float) -> float:
    """Limits (frames, 2) in place and makes up what that costs; returns the loudness reached."""
    ceiling = 10 ** (ceiling_dbtp / 20)
    limit(mix, ceiling)
    level = loudness.integrated(loudness.step_powers(mix))
    for _ in range(PASSES):
        if level <= loudness.FLOOR_LUFS or abs(level - target_lufs) < CLOSE_LU:
            break
        mix *= np.float32(10 ** ((target_lufs - level) / 20))
        limit(mix, ceiling)
        level = loudness.integrated(loudness.step_powers(mix))
    return level


def limit(mix: Samples, ceiling: float) -> None:
    """Holds the true peak of (frames, 2) under `ceiling`, in place; what is far from peaks stays untouched."""
    wanted = np.minimum(1.0, ceiling / np.maximum(loudness.chunk_peaks(mix, ceiling), 1e-9))
    if not np.any(wanted < 1.0):
        return
    gain = _smooth(wanted)
    edges = np.minimum(np.append(gain, gain[-1]), np.insert(gain, 0, gain[0]))
    touched = np.flatnonzero((edges[:-1] < 1.0) | (edges[1:] < 1.0))
    ramp = np.arange(CHUNK, dtype=np.float32) / CHUNK
    for chunk in touched:
        piece = mix[chunk * CHUNK : (chunk + 1) * CHUNK]
        line = edges[chunk] + (edges[chunk + 1] - edges[chunk]) * ramp[: len(piece)]
        piece *= line.astype(np.float32)[:, None]


def _smooth(wanted: Samples) -> Samples:
    """Never above the smallest gain wanted nearby: a running minimum, then a mean of the same width."""
    width = 2 * LOOK + 1
    padded = np.pad(wanted, 2 * LOOK, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, width).min(axis=1)
    return np.lib.stride_tricks.sliding_window_view(lowest, width).mean(axis=1)
