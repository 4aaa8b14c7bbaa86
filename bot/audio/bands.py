"""Shares the spectrum between two layers: bass to one of them, room for the other in what is above."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.audio.pcm import Samples

THIN = 10  # frames from one point of the bass to the next
WIDTH = 110  # frames of the smoothing that separates bass: half power near 180 Hz
STEP = 441  # frames of 10 ms, in which a layer's presence is told
HOLD = 15  # steps for which a presence is held, and over which it rises and falls
PRESENT_DB, ABSENT_DB = -8.0, -24.0  # against the layer's own level

Presence = NDArray[np.float32]  # (steps + 1,): 0 absent to 1 present, at the edges of the steps


def bass(samples: Samples) -> Samples:
    """Bass of (frames, 2) by two running means: no phase change, 22 dB less at 60 Hz where it is taken away.

    The means run over every tenth frame, to which and from which triangles of twenty frames lead.
    """
    count, whole = -(-len(samples) // THIN), len(samples) // THIN
    shares = np.empty((count, 4), np.float32)  # of each ten frames in the point before them and in the one after
    np.matmul(samples[: whole * THIN].reshape(whole, -1), _triangles().T / THIN, out=shares[:whole])
    if count > whole:
        last = np.zeros((THIN, 2), np.float32)
        last[: len(samples) - whole * THIN] = samples[whole * THIN :]
        shares[whole] = last.reshape(-1) @ _triangles().T / THIN
    points = np.zeros((count + 1, 2), np.float32)
    points[:-1] = shares[:, :2]
    points[1:] += shares[:, 2:]
    mean = np.full(WIDTH // THIN, THIN / WIDTH, np.float32)
    twice = np.convolve(mean, mean)
    smooth = np.stack([np.convolve(points[:, channel], twice, "same") for channel in (0, 1)], axis=1)
    return (np.concatenate([smooth[:-1], smooth[1:]], axis=1) @ _triangles()).reshape(-1, 2)[: len(samples)]


@lru_cache(maxsize=1)
def _triangles() -> Samples:
    """(4, 20): how left and right of the point before ten frames and of the one after it make those frames."""
    rising = (np.arange(THIN, dtype=np.float32) + 0.5) / THIN
    return np.concatenate([np.kron(line, np.eye(2, dtype=np.float32)) for line in (1 - rising, rising)], axis=0)


def cut_bass(samples: Samples) -> None:
    """In place."""
    if len(samples) > 4 * WIDTH:
        samples -= bass(samples)


def presence(samples: Samples) -> Presence:
    """When a layer speaks: its level in 10 ms against its own mean, held and smoothed."""
    steps = len(samples) // STEP
    cut = samples[: steps * STEP].reshape(steps, -1)
    power = np.einsum("ij,ij->i", cut, cut)
    level = 10 * np.log10(np.maximum(power, 1e-12) / max(float(power.mean()) if steps else 0.0, 1e-12))
    speaks = np.clip((level - ABSENT_DB) / (PRESENT_DB - ABSENT_DB), 0.0, 1.0)
    held = np.lib.stride_tricks.sliding_window_view(np.pad(speaks, HOLD, mode="edge"), 2 * HOLD + 1).max(axis=1)
    smooth = np.convolve(np.pad(held, HOLD, mode="edge"), np.full(2 * HOLD + 1, 1 / (2 * HOLD + 1)), mode="valid")
    return np.append(smooth, smooth[-1:]).astype(np.float32)


def duck(samples: Samples, other: Presence, depth_db: float) -> None:
    """Takes (frames, 2) back above its bass while the other layer is present, in place."""
    if depth_db <= 0 or len(samples) <= 4 * WIDTH:
        return
    low = bass(samples)
    line = 1 - (1 - np.float32(10 ** (-depth_db / 20))) * other
    ramp = np.arange(STEP, dtype=np.float32) / STEP
    steps = len(other) - 1
    curve = (line[:-1, None] + np.diff(line)[:, None] * ramp).reshape(-1, 1)
    samples -= low
    samples[: steps * STEP] *= curve
    samples[steps * STEP :] *= line[-1]
    samples += low
