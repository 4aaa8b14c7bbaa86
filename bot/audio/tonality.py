"""Key, tuning and chroma from spectral peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from bot.audio.colour import spans
from bot.audio.weights import KEY

SOURCE_RATE = 22050
RATE = 11025
FRAME, HOP = 4096, 1024
FPS = RATE / HOP
BATCH = 64  # frames of one FFT call
A4 = 440.0
LOW_HZ, MIDDLE_HZ = (27.0, 500.0), (110.0, 1500.0)
BASS_HZ = (27.0, 200.0)
CLEAR_TUNING = 0.75  # confidence in the tuning from which it casts no doubt on the key
LEAST_AGREEMENT = 0.1  # of the peaks on one tuning; below, there is none

# Key profiles, tonic first. Sha'ath, "Estimation of key in digital music recordings" (2011);
# Albrecht and Shanahan, Music Perception 31(1) (2013); and the diatonic scale itself.
_PROFILES = {
    "major": (
        (6.6, 2.0, 3.5, 2.3, 4.6, 4.0, 2.5, 5.2, 2.4, 3.7, 2.3, 3.4),
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (1.6, 0, 1, 0, 1.3, 1, 0, 1.3, 0, 1, 0, 1),
    ),
    "minor": (
        (6.5, 2.7, 3.5, 5.4, 2.6, 3.5, 2.5, 4.7, 4.0, 2.7, 3.4, 3.2),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
        (1.6, 0, 1, 1.3, 0, 1, 0, 1.3, 1, 0, 1, 0.3),
    ),
}


@dataclass(frozen=True)
class Tonality:
    """`tonic` counts semitones above C; confidence 0: no key. `chroma`, `bass` (below 200 Hz): (frames, 12)."""

    tonic: int
    mode: str
    confidence: float
    tuning_cents: float
    tuning_confidence: float
    chroma: NDArray[np.float32]
    bass: NDArray[np.float32]


def tonality(mono: NDArray[np.float32]) -> Tonality:
    """(samples,) at 22.05 kHz -> key by an ensemble of profiles over a low and a middle band."""
    pitch, weight, frame, frames = peaks(mono)
    if len(pitch) == 0:
        return Tonality(0, "major", 0.0, 0.0, 0.0, *np.zeros((2, frames, 12), np.float32))
    cents, in_tune = tuning(pitch, weight)
    low, middle = shares(pitch, weight, cents)
    tonic, mode, confidence = _key(low, middle)
    confidence *= min(1.0, in_tune / CLEAR_TUNING) * _variety(low + middle)

    def rows(low: float, high: float) -> NDArray[np.float32]:
        inside = (pitch >= _midi(low)) & (pitch < _midi(high))
        return _fold_frames(pitch[inside], weight[inside], frame[inside], frames, cents)

    return Tonality(tonic, mode, confidence, cents, in_tune, rows(*MIDDLE_HZ), rows(*BASS_HZ))


def shares(
    pitch: NDArray[np.float64], weight: NDArray[np.float64], cents: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the pitch classes in the low and the middle band."""
    found: list[NDArray[np.float64]] = []
    for low, high in (LOW_HZ, MIDDLE_HZ):
        inside = (pitch >= _midi(low)) & (pitch < _midi(high))
        band = _fold(pitch[inside], weight[inside], cents)
        found.append(band / max(float(band.sum()), 1e-9))
    return found[0], found[1]


def means(edges: NDArray[np.float64], chroma: NDArray[np.float32]) -> NDArray[np.float64]:
    """(edges, 12): mean chroma from each edge time to the next, the last one to the end."""
    return spans(edges, chroma, FPS, FRAME / 2 / RATE)


def _midi(frequency: float) -> float:
    return 69 + 12 * float(np.log2(frequency / A4))


def peaks(
    whole: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp], int]:
    """Fractional MIDI pitch, root magnitude and frame of every peak between 27 and 1500 Hz; the frame count."""
    mono = soxr.resample(whole, SOURCE_RATE, RATE, quality="MQ")
    frames = max(0, 1 + (len(mono) - FRAME) // HOP)
    if frames == 0:
        return np.empty(0), np.empty(0), np.empty(0, np.intp), 0
    top = round(LOW_HZ[1] * 3 / RATE * FRAME) + 2
    window = np.hanning(FRAME).astype(np.float32)
    view = np.lib.stride_tricks.sliding_window_view(mono, FRAME)[::HOP]
    magnitude = np.empty((frames, top), np.float32)
    for first in range(0, frames, BATCH):
        spectrum = np.fft.rfft(view[first : first + BATCH] * window, axis=1)
        magnitude[first : first + BATCH] = np.abs(spectrum[:, :top])
    inner = magnitude[:, 1:-1]
    floor = np.maximum(magnitude.max(axis=1, keepdims=True) * 0.01, 1e-3)
    is_peak = (inner > magnitude[:, :-2]) & (inner >= magnitude[:, 2:]) & (inner > floor)
    frame, bin_ = np.nonzero(is_peak)
    before, here, after = (np.log(magnitude[frame, bin_ + shift] + 1e-9).astype(np.float64) for shift in (0, 1, 2))
    bend = before - 2 * here + after
    place = bin_ + 1 + np.where(bend < 0, 0.5 * (before - after) / np.minimum(bend, -1e-9), 0.0)
    frequency = place * RATE / FRAME
    keep = frequency > LOW_HZ[0]
    pitch = 69 + 12 * np.log2(frequency[keep] / A4)
    return pitch, np.exp(0.5 * here[keep]), frame[keep], frames


def tuning(pitch: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float]:
    """Cents by which the track lies above A440, from the circular mean of the middle peaks; and the confidence."""
    inside = pitch > _midi(150.0)
    turn = np.sum(weight[inside] * np.exp(2j * np.pi * pitch[inside]))
    agreement = abs(turn) / max(float(weight[inside].sum()), 1e-9)
    if agreement < LEAST_AGREEMENT:
        return 0.0, 0.0
    return float(np.angle(turn) / (2 * np.pi) * 100), float(min(0.98, 0.5 + agreement))


def _fold(pitch: NDArray[np.float64], weight: NDArray[np.float64], cents: float) -> NDArray[np.float64]:
    """(12,) weight of each pitch class; peaks between two semitones count little."""
    tuned = pitch - cents / 100
    nearest = np.round(tuned)
    near = np.maximum(0.0, 1 - 2 * np.abs(tuned - nearest))
    return np.bincount(nearest.astype(np.intp) % 12, weight * near, 12).astype(np.float64)


def _fold_frames(
    pitch: NDArray[np.float64], weight: NDArray[np.float64], frame: NDArray[np.intp], frames: int, cents: float
) -> NDArray[np.float32]:
    tuned = pitch - cents / 100
    nearest = np.round(tuned)
    near = np.maximum(0.0, 1 - 2 * np.abs(tuned - nearest))
    slot = frame * 12 + nearest.astype(np.intp) % 12
    return np.bincount(slot, weight * near, frames * 12).reshape(frames, 12).astype(np.float32)


def evidence(low: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """(24, features) from two bands' shares of the pitch classes: majors from C on, then minors."""
    rows: list[list[float]] = []
    for mode, profiles in _PROFILES.items():
        third = 4 if mode == "major" else 3
        for tonic in range(12):
            bands = [np.roll(low, -tonic), np.roll(middle, -tonic)]
            fits = [_correlation(band, profile) for band in bands for profile in profiles]
            shares = [float(band[step]) for band in bands for step in (0, 7, third, 11)]
            rows.append([*fits, *shares, float(mode == "minor")])
    return np.array(rows)


def _variety(chroma: NDArray[np.float64]) -> float:
    """0 for one or two pitch classes, which belong to many keys; 1 from as many as four equally strong ones."""
    share = chroma / max(float(chroma.sum()), 1e-9)
    effective = float(np.exp(-np.sum(share * np.log(np.maximum(share, 1e-12)))))
    return min(1.0, max(0.0, effective / 2 - 1))


def _correlation(band: NDArray[np.float64], profile: tuple[float, ...]) -> float:
    one, two = band - band.mean(), np.array(profile) - np.mean(profile)
    return float(one @ two / np.sqrt((one @ one) * (two @ two))) if np.ptp(band) > 0 else 0.0


def _key(low: NDArray[np.float64], middle: NDArray[np.float64]) -> tuple[int, str, float]:
    """Tonic, mode and how likely they are among all 24 keys."""
    scores = evidence(low, middle) @ KEY
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    best = int(np.argmax(chances))
    return best % 12, "minor" if best >= 12 else "major", float(chances[best])
