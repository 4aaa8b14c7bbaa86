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
WINDOW = 4  # steps of one gating block of 400 ms
FLOOR_LUFS = -70.0  # absolute gate, and what silence is called

Powers = NDArray[np.float64]  # (steps,): K-weighted mean square of both channels together


@lru_cache(maxsize=1)
def _weights() -> NDArray[np.float32]:
    """Power gain of each rfft bin of one step: both K-weighting biquads, and the scale of Parseval's theorem."""
    gain = np.ones(STEP // 2 + 1)
    for b, a in (_high_shelf(), _high_pass()):
        z = np.exp(-2j * np.pi * np.arange(STEP // 2 + 1) / STEP)
        gain *= np.abs(np.polyval(b[::-1], z) / np.polyval(a[::-1], z)) ** 2
    gain[1:-1] *= 2
    return (gain / STEP**2).astype(np.float32)


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
    """(frames, 2) at 44.1 kHz -> power of every whole 100 ms step."""
    steps = len(samples) // STEP
    powers = np.zeros(steps)
    for first in range(0, steps, 64):
        last = min(steps, first + 64)
        cut = samples[first * STEP : last * STEP].reshape(last - first, STEP, -1)
        for channel in range(cut.shape[2]):
            spectrum = np.fft.rfft(np.ascontiguousarray(cut[:, :, channel]), axis=1)
            powers[first:last] += (spectrum.real**2 + spectrum.imag**2) @ _weights()
    return powers


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


@lru_cache(maxsize=1)
def _interpolator() -> NDArray[np.float32]:
    """(chunk + 2 taps, 3 chunk): three points between samples for 4-fold oversampling, by a windowed sinc."""
    size = CHUNK + 2 * _TAPS
    matrix = np.zeros((size, 3 * CHUNK))
    for column in range(3 * CHUNK):
        place = _TAPS + column // 3 + (column % 3 + 1) / 4
        distance = np.arange(size) - place
        inside = np.abs(distance) < _TAPS
        window = np.i0(8.0 * np.sqrt(np.maximum(0.0, 1 - (distance / _TAPS) ** 2))) / np.i0(8.0)
        matrix[:, column] = np.where(inside, np.sinc(distance) * window, 0.0)
    return matrix.astype(np.float32)


def chunk_peaks(samples: NDArray[np.float32], near: float) -> NDArray[np.float32]:
    """Largest 4-fold oversampled magnitude of each 64 frames of (frames, channels), the last chunk maybe shorter.

    Chunks more than 4.4 dB below `near` are not oversampled: they cannot reach it.
    """
    chunks = -(-len(samples) // CHUNK)
    peaks = np.zeros(chunks, np.float32)
    for channel in range(samples.shape[1]):
        line = np.zeros(chunks * CHUNK + 2 * _TAPS, np.float32)
        line[_TAPS : _TAPS + len(samples)] = samples[:, channel]
        body = line[_TAPS : _TAPS + chunks * CHUNK].reshape(chunks, CHUNK)
        own = np.maximum(body.max(axis=1, initial=0.0), -body.min(axis=1, initial=0.0))
        windows = np.lib.stride_tricks.sliding_window_view(line, CHUNK + 2 * _TAPS)[::CHUNK]
        hot = np.flatnonzero(own > 0.6 * near)
        for first in range(0, len(hot), 4096):
            some = hot[first : first + 4096]
            own[some] = np.maximum(own[some], np.abs(windows[some] @ _interpolator()).max(axis=1))
        np.maximum(peaks, own, out=peaks)
    return peaks


def true_peak(samples: NDArray[np.float32]) -> float:
    """Largest 4-fold oversampled magnitude of (frames, channels)."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    return float(np.max(chunk_peaks(samples, peak), initial=peak))


def decibels(amplitude: float) -> float:
    return 20 * float(np.log10(max(amplitude, 1e-6)))
