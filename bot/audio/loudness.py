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
    matrix = np.zeros((_PIECE + 2 * _TAPS, 3 * _PIECE), np.float32)
    for point in range(3):
        distance = np.arange(1 - _TAPS, _TAPS + 1) - (point + 1) / 4
        window = np.i0(8.0 * np.sqrt(np.maximum(0.0, 1 - (distance / _TAPS) ** 2))) / np.i0(8.0)
        taps = np.where(np.abs(distance) < _TAPS, np.sinc(distance) * window, 0.0)
        for frame in range(_PIECE):
            matrix[frame + 1 : frame + 1 + 2 * _TAPS, 3 * frame + point] = taps
    return matrix


def chunk_peaks(samples: NDArray[np.float32], near: float) -> NDArray[np.float32]:
    """Largest 4-fold oversampled magnitude of each 64 frames of (frames, channels), the last chunk maybe shorter.

    Parts more than 4.4 dB below `near` are not oversampled: they cannot reach it.
    """
    chunks = -(-len(samples) // CHUNK)
    peaks = np.zeros(chunks, np.float32)
    for first in range(0, chunks, _CHUNKS):
        count = min(_CHUNKS, chunks - first)
        block = _surrounded(samples, first * CHUNK - _TAPS, count * CHUNK + 2 * _TAPS)
        peaks[first : first + count] = _block_peaks(block, near)
    return peaks


def _surrounded(samples: NDArray[np.float32], first: int, frames: int) -> NDArray[np.float32]:
    """(frames, channels) from frame `first`, with silence outside."""
    start, stop = max(0, first), min(len(samples), first + frames)
    if stop - start == frames:
        return samples[start:stop]
    block = np.zeros((frames, samples.shape[1]), np.float32)
    block[start - first : stop - first] = samples[start:stop]
    return block


def _block_peaks(block: NDArray[np.float32], near: float) -> NDArray[np.float32]:
    """(chunks,) of a block that has `_TAPS` frames more on each side."""
    own = np.abs(block[_TAPS:-_TAPS]).reshape(-1, _PIECE * block.shape[1]).max(axis=1)
    hot = np.flatnonzero(own > 0.6 * near)
    if len(hot):
        windows = np.lib.stride_tricks.sliding_window_view(block, _PIECE + 2 * _TAPS, axis=0)[::_PIECE]
        between = windows[hot].reshape(-1, _PIECE + 2 * _TAPS) @ _interpolator()
        own[hot] = np.maximum(own[hot], np.abs(between, out=between).reshape(len(hot), -1).max(axis=1))
    return own.reshape(-1, CHUNK // _PIECE).max(axis=1)


class TruePeak:
    """Largest 4-fold oversampled magnitude of a stream, from (frames, 2) blocks of any length."""

    def __init__(self) -> None:
        self._highest = 0.0
        self._rest = np.zeros((_TAPS, 2), np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        block = np.concatenate([self._rest, block])
        self._highest = max(self._highest, float(np.max(block)), -float(np.min(block)))
        whole = max(0, len(block) - 2 * _TAPS) // CHUNK * CHUNK
        for first in range(0, whole, _CHUNKS * CHUNK):
            part = block[first : min(first + _CHUNKS * CHUNK, whole) + 2 * _TAPS]
            self._highest = max(self._highest, float(_block_peaks(part, self._highest).max()))
        self._rest = block[whole:]

    def value(self) -> float:
        """Of all that came, with silence after it."""
        self.add(np.zeros((_TAPS + CHUNK, 2), np.float32))
        return self._highest


def true_peak(samples: NDArray[np.float32]) -> float:
    """Largest 4-fold oversampled magnitude of (frames, 2)."""
    peak = TruePeak()
    peak.add(samples)
    return peak.value()


def decibels(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-6)))
