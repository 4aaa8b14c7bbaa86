"""From dry buses to a stereo master: echo, reverb, ducking, loudness, limiting. Arrays are (2, samples)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.playground.instruments import RATE, Sound

TARGET_LUFS = -14.0
CEILING = 10 ** (-2.0 / 20)  # leaves the encoder a decibel to overshoot before -1 dBFS
_LIMITER_BLOCK = 64  # samples
_LIMITER_REACH = 12  # blocks to either side, about 17 ms


def echo(sound: Sound, seconds: float, feedback: float = 0.42, times: int = 5) -> Sound:
    """Repeats that jump from side to side and grow quieter."""
    delay = int(seconds * RATE)
    out = np.zeros_like(sound)
    for number in range(1, times + 1):
        source = sound if number % 2 == 0 else sound[::-1]
        out[:, number * delay :] += feedback**number * source[:, : -number * delay]
    return out


def reverb(sound: Sound, seconds: float) -> Sound:
    """A hall made of decaying noise, darker with time; `seconds` until it is 60 dB down."""
    samples, size = int(seconds * RATE), sound.shape[1]
    time = np.arange(samples) / RATE
    random = np.random.default_rng(21)
    tail = random.standard_normal((2, samples)) * 10 ** (-3 * time / seconds)
    tail[:, 1:] = 0.6 * tail[:, 1:] + 0.4 * tail[:, :-1]
    tail[:, : int(0.012 * RATE)] = 0
    tail /= np.sqrt((tail**2).sum(axis=1, keepdims=True))
    length = 1 << (size + samples - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, length) * np.fft.rfft(tail.astype(np.float32), length), length)
    return wet[:, :size].astype(np.float32)


def ducking(samples: int, kicks: list[int], depth: float, seconds: float) -> Sound:
    """A gain that dips by `depth` at each kick (sample positions) and has recovered after `seconds`."""
    gain = np.ones(samples, np.float32)
    way = np.linspace(0, 1, int(seconds * RATE), dtype=np.float32)
    dip = 1 - np.float32(depth) * (1 - way) ** 2
    for start in kicks:
        part = gain[start : start + len(dip)]
        np.minimum(part, dip[: len(part)], out=part)
    return gain


def _k_weighting(hertz: np.ndarray) -> np.ndarray:
    """Power response of ITU-R BS.1770's two filters (its 48 kHz coefficients)."""
    z = np.exp(-2j * np.pi * hertz / 48000)
    shelf = (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585)
    cut = (1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621)
    power = np.ones(len(hertz))
    for b0, b1, b2, a1, a2 in (shelf, cut):
        power *= np.abs((b0 + b1 * z + b2 * z * z) / (1 + a1 * z + a2 * z * z)) ** 2
    return power


def loudness(sound: Sound) -> float:
    """Integrated loudness in LUFS: 400 ms blocks, three quarters overlapping, both gates."""
    block = int(0.4 * RATE)
    weights = _k_weighting(np.fft.rfftfreq(block, 1 / RATE)) * 2 / block**2
    blocks = np.lib.stride_tricks.sliding_window_view(sound, block, axis=1)[:, :: block // 4]
    power = np.sum([(np.abs(np.fft.rfft(side)) ** 2) @ weights for side in blocks], axis=0)
    kept = power[power > 10 ** ((-70 + 0.691) / 10)]
    kept = kept[kept > kept.mean() / 10]
    return float(-0.691 + 10 * np.log10(kept.mean()))


def limit(sound: Sound) -> Sound:
    """Hold every sample under `CEILING` with a gain that moves slowly and ahead of time."""
    samples: int = sound.shape[1]
    blocks = -(-samples // _LIMITER_BLOCK)
    padded = np.zeros(blocks * _LIMITER_BLOCK, np.float32)
    padded[:samples] = np.abs(sound).max(axis=0)
    need = np.minimum(1, CEILING / np.maximum(padded.reshape(blocks, -1).max(axis=1), 1e-9))
    around = np.pad(need, 2 * _LIMITER_REACH, mode="edge")
    lowest: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(around, 2 * _LIMITER_REACH + 1).min(
        axis=1
    )
    window = np.hanning(2 * _LIMITER_REACH + 1)
    smooth = np.convolve(lowest, window / window.sum(), "valid")
    middle = (np.arange(blocks) + 0.5) * _LIMITER_BLOCK
    return (sound * np.interp(np.arange(samples), middle, smooth)).astype(np.float32)


def master(sound: Sound, fade_seconds: float) -> Sound:
    """Warm it, fade the end, bring it to `TARGET_LUFS` under `CEILING`."""
    sound = sound / np.abs(sound).max()
    sound = np.tanh(0.9 * sound).astype(np.float32)
    length = int(fade_seconds * RATE)
    sound[:, -length:] *= np.cos(np.linspace(0, np.pi / 2, length, dtype=np.float32)) ** 2
    for _ in range(2):
        sound = limit(sound * np.float32(10 ** ((TARGET_LUFS - loudness(sound)) / 20)))
    return sound
