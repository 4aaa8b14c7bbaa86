"""Decodes one source into its PCM file and says what was heard in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.audio import loudness, meter, pcm, rhythm, tonality
from bot.engines.local.plan import Analysis


def hear(source: Path, target: Path, progress: Callable[[str, float], None]) -> Analysis:
    """Writes `target` and returns the analysis; silence and noise give confidences of 0, never an error."""
    decoded = pcm.decode(source, target, lambda part: progress("decode", 0.6 * part))
    progress("analyse", 0.6)
    analysis = analyse(decoded)
    progress("analyse", 1.0)
    return analysis


def analyse(decoded: pcm.Decoded) -> Analysis:
    """Tempo, beats, downbeats, key and loudness of one decoded source."""
    onset = rhythm.onsets(decoded.mono)
    beats = rhythm.track(onset)
    tone = tonality.tonality(decoded.mono)
    bars = meter.bars(beats.times, onset, tone.chroma)
    downbeats = np.arange(bars.phase, len(beats.times), bars.beats_per_bar)
    edges = beats.times[downbeats]
    chroma = meter.beat_means(edges, tone.chroma)
    shares = chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-9)
    return Analysis(
        seconds=round(decoded.seconds, 3),
        loudness_lufs=round(loudness.integrated(decoded.powers), 2),
        tempo_bpm=round(beats.tempo, 3),
        tempo_confidence=round(beats.confidence, 3),
        steady=beats.steady,
        residual_ms=round(beats.residual_ms, 1),
        beats=tuple(np.round(beats.times, 5).tolist()),
        downbeats=tuple(downbeats.tolist()),
        beats_per_bar=bars.beats_per_bar,
        downbeat_confidence=round(bars.confidence, 3),
        tonic=tone.tonic,
        mode=tone.mode,
        key_confidence=round(tone.confidence, 3),
        tuning_cents=round(tone.tuning_cents, 1),
        energy=tuple(round(level, 1) for level in _energy(edges, decoded)),
        chroma=tuple(tuple(bar) for bar in np.round(shares, 3).tolist()),
    )


def _energy(edges: NDArray[np.float64], decoded: pcm.Decoded) -> list[float]:
    """Loudness of each bar, the last one until the end."""
    steps = np.clip(np.round(edges * 10), 0, len(decoded.powers)).astype(np.intp)
    stops = np.append(steps, len(decoded.powers))[1:]
    return [
        loudness.lufs(float(decoded.powers[a:b].mean())) if b > a else -70.0
        for a, b in zip(steps, stops, strict=True)
    ]
