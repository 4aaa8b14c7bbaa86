"""Loudness after ITU-R BS.1770-5 (LUFS, gated) and true peak (dBTP), from blocks of samples.

K-weighting is applied to the power spectrum of each 100 ms block instead of by a recursive filter: the filter is
linear, the measure needs only power, and numpy has a fast float32 FFT but no recursive filter.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 44100
STEP = 4410  # samples of 100 ms, the hop that BS.1770 asks for
BATCH = 16  # steps of one FFT call: what fits a cache is several times as fast
WINDOW = 4  # steps of one gating block of 400 ms
FLOOR_LUFS = -70.0  # absolute gate, and what silence is called

Powers = NDArray[np.float64]  # (steps,): K-weighted mean square of both channels together


@lru_cache(maxsize=1)
def _weights() -> NDArray[np.float32]:
    """Power gain of both K-weighting biquads for each bin of a complex FFT of one step, with Parseval's scale.

    Each gain stands twice, for the real and the imaginary part of its bin.
    """
    gain = np.ones(STEP)
    for b, a in (_high_shelf(), _high_pass()):
        z = np.exp(-2j * np.pi * np.arange(STEP) / STEP)
        gain *= np.abs(np.polyval(b[::-1], z) / np.polyval(a[::-1], z)) ** 2
    return np.repeat(gain / STEP**2, 2).astype(np.float32)


def _high_shelf() -> tuple[list[float], list[float]]:
    """The head's effect: stage 1 of BS.1770-5 annex 1, its 48 kHz coefficients turned back to f0, Q and gain."""
    k, q, gain = np.tan(np.pi * 1681.9744510 / RATE), 0.7071752370, 10 ** (3.9998438540 / 20)
    middle = gain**0.4996667741
    norm = 1 + k / q + k * k
    b = [(gain + middle * k / q + k * k) / norm, 2 * (k * k - gain) / norm, (gain - middle * k / q + k * k) / norm]
    return b, [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]


def _high_pass() -> tuple[list[float], list[float]]:
    """The revised low-frequency B curve: stage 2 of the same annex."""
    k, q = np.tan(np.pi * 38.1354708760 / RATE), 0.5003270373
    norm = 1 + k / q + k * k
    return [1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]


def step_powers(samples: NDArray[np.float32]) -> Powers:
    """(frames, 2) at 44.1 kHz -> power of every whole 100 ms step.

    Left and right go through one complex FFT: their powers add up over each pair of mirrored bins.
    """
    steps = len(samples) // STEP
    powers = np.zeros(steps)
    pairs = np.ascontiguousarray(samples[: steps * STEP], np.float32).view(np.complex64).reshape(steps, STEP)
    room = np.empty((BATCH, STEP), np.complex64)
    for first in range(0, steps, BATCH):
        some = pairs[first : first + BATCH]
        np.fft.fft(some, axis=1, out=room[: len(some)])  # pyright: ignore[reportArgumentType] - numpy's stub: complex128
        parts = room[: len(some)].view(np.float32)
        powers[first : first + BATCH] = np.square(parts, out=parts) @ _weights()
    return powers


class Collector:
    """Powers of every whole 100 ms of a stream, from (frames, 2) blocks of any length."""

    def __init__(self) -> None:
        self._whole: list[Powers] = []
        self._rest = np.empty((0, 2), np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        missing = (STEP - len(self._rest)) % STEP
        if len(self._rest):
            self._whole.append(step_powers(np.concatenate([self._rest, block[:missing]])))
            if len(block) < missing:
                self._rest = np.concatenate([self._rest, block])
                return
        whole = missing + (len(block) - missing) // STEP * STEP
        self._whole.append(step_powers(block[missing:whole]))
        self._rest = block[whole:].copy()

    def all(self) -> Powers:
        return np.concatenate([np.empty(0), *self._whole])


def lufs(power: float) -> float:
    """Loudness of a K-weighted mean square."""
    return max(FLOOR_LUFS, -0.691 + 10 * float(np.log10(max(power, 1e-12))))


def integrated(powers: Powers) -> float:
    """Integrated loudness with both gates; audio shorter than one gating block is taken as one block."""
    if len(powers) == 0:
        return FLOOR_LUFS
    width = min(WINDOW, len(powers))
    sums = np.cumsum(np.concatenate([[0.0], powers]))
    blocks = (sums[width:] - sums[:-width]) / width
    blocks = blocks[blocks > power(FLOOR_LUFS)]
    if len(blocks) == 0:
        return FLOOR_LUFS
    relative = blocks[blocks > np.mean(blocks) * 0.1]
    return lufs(float(np.mean(relative)))


def power(loudness: float) -> float:
    """K-weighted mean square of a loudness."""
    return 10 ** ((loudness + 0.691) / 10)


_TAPS = 24  # samples used on each side
CHUNK = 64  # frames
_PIECE = 32  # frames of a chunk that are oversampled together
_CHUNKS = 512  # chunks looked at together


@lru_cache(maxsize=1)
def _interpolator() -> NDArray[np.float32]:
    """(piece + 2 taps, 3 piece): three points between samples for 4-fold oversampling, by a windowed sinc."""
    size = _PIECE + 2 * _TAPS
    matrix = np.zeros((size, 3 * _PIECE))
    for column in range(3 * _PIECE):
        place = _TAPS + column // 3 + (column % 3 + 1) / 4
        distance = np.arange(size) - place
        inside = np.abs(distance) < _TAPS
        window = np.i0(8.0 * np.sqrt(np.maximum(0.0, 1 - (distance / _TAPS) ** 2))) / np.i0(8.0)
        matrix[:, column] = np.where(inside, np.sinc(distance) * window, 0.0)
    return matrix.astype(np.float32)


def chunk_peaks(samples: NDArray[np.float32], near: float) -> NDArray[np.float32]:
    """Largest 4-fold oversampled magnitude of each 64 frames of (frames, channels), the last chunk maybe shorter.

    Parts more than 4.4 dB below `near` are not oversampled: they cannot reach it.
    """
    chunks = -(-len(samples) // CHUNK)
    peaks = np.zeros(chunks, np.float32)
    for first in range(0, chunks, _CHUNKS):
        some = peaks[first : first + _CHUNKS]
        for channel in range(samples.shape[1]):
            line = _line(samples[:, channel], first * CHUNK - _TAPS, len(some) * CHUNK + 2 * _TAPS)
            np.maximum(some, _line_peaks(line, near), out=some)
    return peaks


def _line(channel: NDArray[np.float32], first: int, frames: int) -> NDArray[np.float32]:
    """(frames,) from frame `first`, with silence outside."""
    line = np.zeros(frames, np.float32)
    start, stop = max(0, first), min(len(channel), first + frames)
    line[start - first : stop - first] = channel[start:stop]
    return line


def _line_peaks(line: NDArray[np.float32], near: float) -> NDArray[np.float32]:
    """(chunks,) of a line that has `_TAPS` frames more on each side."""
    body = line[_TAPS:-_TAPS].reshape(-1, _PIECE)
    own = np.maximum(body.max(axis=1), -body.min(axis=1))
    hot = np.flatnonzero(own > 0.6 * near)
    if len(hot):
        windows = np.lib.stride_tricks.sliding_window_view(line, _PIECE + 2 * _TAPS)[::_PIECE]
        between = windows[hot] @ _interpolator()
        own[hot] = np.maximum(own[hot], np.maximum(between.max(axis=1), -between.min(axis=1)))
    return own.reshape(-1, CHUNK // _PIECE).max(axis=1)


def true_peak(samples: NDArray[np.float32]) -> float:
    """Largest 4-fold oversampled magnitude of (frames, channels)."""
    peak = max(float(np.max(samples, initial=0.0)), -float(np.min(samples, initial=0.0)))
    return float(np.max(chunk_peaks(samples, peak), initial=peak))


def decibels(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-6)))
