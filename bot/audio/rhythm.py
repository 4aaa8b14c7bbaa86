"""Tempo and beats from onset strength: a steady grid where the music keeps time, else tracked beats."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.audio import spectrum
from bot.audio.spectrum import FPS, FRAME, HOP, RATE, Line

LOW_BAND_HZ, HIGH_BAND_HZ = 160.0, 1500.0
BAND_EDGES = (0.0, 160.0, 500.0, 1500.0, 5000.0, 1e9)
ONSET_DELAY = 0.007  # seconds by which the flux peak trails the frame's centre; measured on clicks

SLOWEST, FASTEST = 55.0, 200.0
PRIOR_BPM, PRIOR_OCTAVES = 118.0, 0.85
FAINTEST_FLUX = 0.03  # of log-mel; a held tone stays below, any percussion is ten times above
STEADY_SECONDS = 0.022  # distance from the best constant grid that three quarters of a steady track keep
CLEAR_SHARE = 0.7  # of the windows; below, beats are tracked one by one before anything is called steady
WINDOW_SECONDS, WINDOW_HOP = 8.0, 2.0
BINS = 48  # of one beat, when folded


@dataclass(frozen=True)
class Onsets:
    """Onset strength for each frame: over all, below 160 Hz (kick and bass), above 1.5 kHz; and of `BAND_EDGES`."""

    full: Line
    low: Line
    high: Line
    bands: tuple[Line, ...]


@dataclass(frozen=True)
class Beats:
    """`times` in seconds; `residual_ms` is the third quartile of the distances from a constant grid."""

    tempo: float
    confidence: float
    times: NDArray[np.float64]
    steady: bool
    residual_ms: float

    @property
    def steady_confidence(self) -> float:
        """The surer, the farther the residual lies from what parts steady from not."""
        return 0.6 + 0.38 * min(1.0, abs(self.residual_ms / 1000 / STEADY_SECONDS - 1) / 0.6)


NO_BEATS = Beats(0.0, 0.0, np.empty(0), steady=False, residual_ms=0.0)


def onsets(mel: spectrum.Mel) -> Onsets:
    """(frames, bands) magnitudes -> half-wave rectified log-mel flux."""
    frames = len(mel)
    _, centres = spectrum.bank()
    level = float(np.percentile(mel, 99)) if frames else 0.0
    rise = np.zeros_like(mel)
    if level > 1e-6:
        rise[1:] = np.maximum(0.0, np.diff(np.log1p(mel * (100.0 / level)), axis=0))

    def between(bottom: float, top: float) -> Line:
        return _flat(rise[:, (centres >= bottom) & (centres < top)].mean(axis=1))

    bands = tuple(between(*edges) for edges in itertools.pairwise(BAND_EDGES))
    return Onsets(_flat(rise.mean(axis=1)), bands[0], between(HIGH_BAND_HZ, np.inf), bands)


def _flat(flux: Line) -> Line:
    """Removes the slow trend so that loud passages do not outweigh quiet ones."""
    if not len(flux):
        return flux
    width = round(FPS * 0.5) | 1
    trend = np.convolve(flux, np.full(width, 1 / width, np.float32), mode="same")
    return np.maximum(0.0, flux - trend).astype(np.float32)


def track(onset: Onsets) -> Beats:
    """Tempo and beats, or `NO_BEATS` where nothing repeats."""
    flux = onset.full
    if len(flux) < FPS * 4 or float(np.percentile(flux, 98)) < FAINTEST_FLUX:
        return NO_BEATS
    tempo, confidence = _tempo(flux)
    if confidence <= 0.0:
        return NO_BEATS
    tempo = _refine(flux, tempo)
    period, first, residual, clear = _grid(onset, 60.0 / tempo)
    seconds = len(flux) / FPS
    if residual > STEADY_SECONDS or clear < CLEAR_SHARE:
        times = _follow(flux, 60.0 / tempo)
        if len(times) < 8:
            return NO_BEATS
        slope, bias = _robust_line(np.arange(len(times), dtype=np.float64), times, np.ones(len(times)))
        residual = float(np.percentile(np.abs(times - bias - slope * np.arange(len(times))), 75))
        if residual > STEADY_SECONDS:
            tempo = 60.0 / float(np.median(np.diff(times)))
            return Beats(tempo, confidence * 0.7, times, steady=False, residual_ms=residual * 1000)
        period, first = slope, bias
    times = np.arange(first % period, seconds, period)
    return Beats(60.0 / period, confidence, times, steady=True, residual_ms=residual * 1000)


def _autocorrelation(flux: Line) -> NDArray[np.float64]:
    centred = flux - flux.mean()
    size = 1 << (2 * len(flux) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    line = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: len(flux)].astype(np.float64)
    line *= len(flux) / np.arange(len(flux), 0, -1)
    return line / max(line[0], 1e-12)


def _tempo(flux: Line) -> tuple[float, float]:
    """Tempo of the strongest periodicity under a log-normal prior, and how far it stands above chance."""
    line = _autocorrelation(flux)
    tempos = np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), 0.005))
    lags = 60.0 / tempos * FPS
    usable = len(line) * 0.7
    score = np.zeros(len(tempos))
    for multiple, weight in ((1.0, 1.0), (2.0, 1.0), (4.0, 0.8), (0.5, 0.4)):
        inside = lags * multiple < usable
        score += np.where(inside, weight * np.interp(lags * multiple, np.arange(len(line)), line), 0.0)
    prior = np.exp(-0.5 * (np.log2(tempos / PRIOR_BPM) / PRIOR_OCTAVES) ** 2)
    best = int(np.argmax(np.maximum(score, 0.0) * prior))
    chance = 3.0 / np.sqrt(len(flux))
    strength = float(score[best]) / 3.2
    return float(tempos[best]), float(np.clip((strength - chance) / 0.25, 0.0, 1.0))


def _refine(flux: Line, tempo: float) -> float:
    """The tempo within 2.5 % whose beat and its double explain most of the flux over the whole track."""
    size = 8 << (len(flux) - 1).bit_length()
    strength = np.abs(np.fft.rfft(flux, size))
    tempos = tempo * np.linspace(0.975, 1.025, 1001)
    places = tempos / 60.0 * size / FPS
    bins = np.arange(len(strength))
    score = np.interp(places, bins, strength) + 0.5 * np.interp(2 * places, bins, strength)
    return float(tempos[int(np.argmax(score))])


def _fold(flux: Line, start: int, period: float) -> NDArray[np.float64]:
    """Mean flux over the phase of the beat, (BINS,), smoothed over three bins."""
    phase = ((np.arange(start, start + len(flux)) / FPS / period) % 1.0) * BINS
    low = phase.astype(np.intp)
    share = phase - low
    sums = np.bincount(low, flux * (1 - share), BINS) + np.bincount((low + 1) % BINS, flux * share, BINS)
    sums /= len(flux) / BINS
    around = np.concatenate([sums[-1:], sums, sums[:1]])
    return sums + 0.5 * (around[:-2] + around[2:])


def _peak(profile: NDArray[np.float64]) -> float:
    """Place of the largest value with parabolic precision, in bins."""
    best = int(np.argmax(profile))
    before, here, after = profile[best - 1], profile[best], profile[(best + 1) % len(profile)]
    bend = before - 2 * here + after
    return best + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _grid(onset: Onsets, period: float) -> tuple[float, float, float, float]:
    """Best constant grid: period, first beat, third quartile of its local residuals (seconds), and clear share.

    A window is clear when its own beat stands out at the grid's period: it does not where the tempo is another one.
    """
    phase = _phase(onset, period)
    for _ in range(2):
        times, offsets, weights = _local_offsets(onset.full, period, phase)
        if len(times) < 3:
            break
        slope, bias = _robust_line(times, offsets, weights)
        phase += bias
        period *= 1.0 + slope
        phase = phase % period
    times, offsets, weights = _local_offsets(onset.full, period, phase)
    clear = weights > 0.5
    residual = float(np.percentile(np.abs(offsets[clear]), 75)) if np.any(clear) else period
    return period, phase + ONSET_DELAY + FRAME / 2 / RATE, residual, float(np.mean(clear))


def _phase(onset: Onsets, period: float) -> float:
    """Of the flux's two strongest phases half a beat apart, the one that the low band prefers, in seconds."""
    full, low = _fold(onset.full, 0, period), _fold(onset.low, 0, period)
    low *= full.max() / max(low.max(), 1e-9)
    return _peak(full + low) / BINS * period


def _local_offsets(
    flux: Line, period: float, phase: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """For windows along the track: centre time, distance of the local beat from the grid (s), and its weight.

    The distance is taken to the nearest half beat, so a passage that stresses the off-beat still counts as in time.
    """
    width, hop = round(max(WINDOW_SECONDS, 6 * period) * FPS), round(WINDOW_HOP * FPS)
    half = period / 2
    found: list[tuple[float, float, float]] = []
    for start in range(0, max(1, len(flux) - width // 2), hop):
        part = flux[start : start + width]
        profile = _fold(part, start, period)
        distance = _peak(profile) / BINS * period - phase
        offset = (distance + half / 2) % half - half / 2
        weight = float(profile.max() / max(profile.mean(), 1e-9) - 1.5)
        found.append(((start + len(part) / 2) / FPS, offset, max(0.0, weight)))
    times, offsets, weights = np.array(found).T
    return times, offsets, weights


def _robust_line(
    times: NDArray[np.float64], offsets: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and value at time 0, by least squares reweighted against outliers."""
    weights = weights + 1e-6
    slope = bias = 0.0
    robust = np.ones(len(times))
    for _ in range(6):
        root = np.sqrt(weights * robust)
        system = np.stack([times, np.ones(len(times))], axis=1) * root[:, None]
        slope, bias = np.linalg.lstsq(system, offsets * root, rcond=None)[0]
        distance = np.abs(offsets - slope * times - bias)
        robust = 1.0 / (1.0 + (distance / max(0.004, float(np.median(distance)))) ** 2)
    return float(slope), float(bias)


def _follow(flux: Line, period: float) -> NDArray[np.float64]:
    """Beat times by dynamic programming (Ellis 2007): strong onsets at distances near the period."""
    lag = period * FPS
    near = np.arange(round(lag * 0.6), round(lag * 1.6) + 1)
    cost = 100.0 * np.log(near / lag) ** 2
    strength = flux / max(float(flux.std()), 1e-9)
    score, back = strength.astype(np.float64), np.full(len(flux), -1)
    for frame in range(int(near[-1]), len(flux)):
        candidates = score[frame - near] - cost
        best = int(np.argmax(candidates))
        score[frame] += candidates[best]
        back[frame] = frame - near[best]
    tail = max(0, len(score) - int(near[-1]))
    at = tail + int(np.argmax(score[tail:]))
    places: list[int] = []
    while at >= 0:
        places.append(at)
        at = int(back[at])
    return _even(np.array(places[::-1]) / FPS) + ONSET_DELAY + FRAME / 2 / RATE


def _even(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over five beats, which take away the frames' grain and leave any even change of tempo."""
    if len(times) < 5:
        return times
    ends = np.concatenate([2 * times[0] - times[2:0:-1], times, 2 * times[-1] - times[-2:-4:-1]])
    return np.convolve(ends, np.full(5, 0.2), mode="valid")


def accents(beats: NDArray[np.float64], onset: Onsets) -> NDArray[np.float64]:
    """(beats, 8): strongest onset within 35 ms of each quarter of a beat, low band, then high, 0 to 1."""
    if len(beats) < 2:
        return np.zeros((len(beats), 8))
    lengths = np.diff(beats, append=2 * beats[-1] - beats[-2])
    times = beats[:, None] + lengths[:, None] * np.arange(4) / 4
    centres = np.round((times - ONSET_DELAY) * FPS - FRAME / 2 / HOP).astype(np.intp)
    places = np.clip(centres[..., None] + np.arange(-3, 4), 0, len(onset.low) - 1)
    bands = [band[places].max(axis=2) for band in (onset.low, onset.high)]
    scaled = [band / max(float(np.percentile(band, 98)), 1e-6) for band in bands]
    return np.minimum(1.0, np.concatenate(scaled, axis=1))
