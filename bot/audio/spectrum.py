"""The mel spectrogram that rhythm and colour are read from, computed once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 22050
FRAME, HOP = 1024, 256
FPS = RATE / HOP
BANDS = 40
BATCH = 16  # frames of one FFT call: what fits a cache is several times as fast

Line = NDArray[np.float32]
Mel = NDArray[np.float32]  # (frames, BANDS): summed magnitude of each band


@lru_cache(maxsize=1)
def bank() -> tuple[Line, NDArray[np.float64]]:
    """(bins, bands) triangles from 30 Hz to 10 kHz, and the bands' centres in Hz."""
    lowest, highest = float(np.log1p(30 / 700)), float(np.log1p(10000 / 700))
    points = 700 * (np.exp(np.linspace(lowest, highest, BANDS + 2)) - 1)
    bins = np.fft.rfftfreq(FRAME, 1 / RATE)[:, None]
    rising = (bins - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - bins) / (points[2:] - points[1:-1])
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    nearest = np.argmin(np.abs(bins - points[1:-1]), axis=0)
    triangles[nearest, np.arange(BANDS)] = np.maximum(triangles[nearest, np.arange(BANDS)], 0.5)
    return triangles.astype(np.float32), points[1:-1]


def mel(mono: Line) -> Mel:
    """(samples,) at 22.05 kHz -> magnitudes; frame n is centred at n * HOP + FRAME / 2 samples."""
    frames = max(0, 1 + (len(mono) - FRAME) // HOP)
    triangles, _ = bank()
    window = np.hanning(FRAME).astype(np.float32)
    lines = np.empty((frames, BANDS), np.float32)
    if frames == 0:
        return lines
    view = np.lib.stride_tricks.sliding_window_view(mono, FRAME)[::HOP]
    for first in range(0, frames, BATCH):
        magnitude = np.abs(np.fft.rfft(view[first : first + BATCH] * window, axis=1))
        lines[first : first + BATCH] = magnitude @ triangles
    return lines
