"""Where bars begin: beats per bar and the first downbeat, from chord changes, kick and snare at the beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.audio import rhythm, spectrum, tonality
from bot.audio.colour import spans

CHORD, KICK, SNARE = 1.0, 0.7, 0.4  # weights of the evidence, each in standard deviations
WALTZ_MARGIN = 0.35  # how much better three must fit than four


@dataclass(frozen=True)
class Bars:
    """`phase` is the index of the first beat that is a downbeat."""

    beats_per_bar: int
    phase: int
    confidence: float


def bars(beats: NDArray[np.float64], onset: rhythm.Onsets, chroma: NDArray[np.float32]) -> Bars:
    """Chooses meter and phase for beat times in seconds."""
    if len(beats) < 8:
        return Bars(4, 0, 0.0)
    chord = _standard(_chord_change(beats, chroma))
    kick = _standard(_at_beats(beats, onset.low))
    snare = _standard(_at_beats(beats, onset.high))
    evidence = CHORD * chord + KICK * kick - SNARE * snare
    fits = {size: _phases(evidence, size) for size in (3, 4)}
    size = 3 if _spread(fits[3]) > _spread(fits[4]) + WALTZ_MARGIN else 4
    ranked = np.sort(fits[size])
    confidence = float(np.clip((ranked[-1] - ranked[-2]) / 1.0, 0.0, 1.0))
    return Bars(size, int(np.argmax(fits[size])), confidence)


def _standard(line: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = float(line.std())
    return (line - line.mean()) / spread if spread > 1e-9 else np.zeros(len(line))


def _phases(evidence: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.array([evidence[phase::size].mean() for phase in range(size)])


def _spread(phases: NDArray[np.float64]) -> float:
    return float(phases.max() - np.median(phases))


def _at_beats(beats: NDArray[np.float64], flux: NDArray[np.float32]) -> NDArray[np.float64]:
    """Strongest onset within 35 ms of each beat."""
    centre = np.round((beats - rhythm.ONSET_DELAY) * spectrum.FPS - spectrum.FRAME / 2 / spectrum.HOP).astype(
        np.intp
    )
    reach = np.arange(-3, 4)
    places = np.clip(centre[:, None] + reach, 0, len(flux) - 1)
    return flux[places].max(axis=1).astype(np.float64)


def _chord_change(beats: NDArray[np.float64], chroma: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine distance between the chroma of the two beats before and the two beats after each beat."""
    if len(chroma) == 0:
        return np.zeros(len(beats))
    means = beat_means(beats, chroma)
    padded = np.concatenate([means[:1], means[:1], means, means[-1:]])
    before = padded[:-3] + padded[1:-2]
    after = padded[2:-1] + padded[3:]
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return 1 - np.sum(before * after, axis=1) / np.maximum(norms, 1e-9)


def beat_means(edges: NDArray[np.float64], chroma: NDArray[np.float32]) -> NDArray[np.float64]:
    """(edges, 12): mean chroma from each edge time to the next, the last one to the end."""
    return spans(edges, chroma, tonality.FPS, tonality.FRAME / 2 / tonality.RATE)


def accents(beats: NDArray[np.float64], onset: rhythm.Onsets) -> NDArray[np.float64]:
    """(beats, 8): strongest onset in each quarter of a beat, low band, then high, 0 to 1."""
    if len(beats) < 2:
        return np.zeros((len(beats), 8))
    lengths = np.diff(beats, append=2 * beats[-1] - beats[-2])
    places = beats[:, None] + lengths[:, None] * np.arange(4) / 4
    bands = [_at_beats(places.ravel(), band).reshape(len(beats), 4) for band in (onset.low, onset.high)]
    scaled = [band / max(float(np.percentile(band, 98)), 1e-6) for band in bands]
    return np.minimum(1.0, np.concatenate(scaled, axis=1))
