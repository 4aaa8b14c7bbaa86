"""Decodes one source into its PCM file and says what was heard in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bot.audio import colour, form, loudness, pcm, quiet, reading, rhythm, spectrum, tonality
from bot.engines.local.plan import Analysis

Rows = NDArray[np.float64]

CLEAR_PULSE = 0.25  # strength from which there is no doubt that something repeats


def hear(source: Path, target: Path, progress: Callable[[str, float], None]) -> Analysis:
    """Writes `target` and returns the analysis; silence and noise give confidences of 0, never an error."""
    decoded = pcm.decode(source, target, lambda part: progress("decode", 0.6 * part))
    progress("analyse", 0.6)
    analysis = analyse(decoded)
    progress("analyse", 1.0)
    return analysis


def analyse(decoded: pcm.Decoded) -> Analysis:
    """All that the planner knows of one decoded source."""
    mel = spectrum.mel(decoded.mono)
    onset = rhythm.onsets(mel)
    pulse = rhythm.track(onset)
    tone = tonality.tonality(decoded.mono)
    bars = reading.read(pulse.times, onset, tone)
    edges = bars.beats[bars.downbeats]
    chroma = tonality.means(edges, tone.chroma)
    shares = chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-9)
    energy = _energy(edges, decoded)
    brightness, balance = colour.colour(edges, mel)
    accents = rhythm.accents(bars.beats, onset)
    phrases, phrase_confidence = _phrases(bars, energy, shares, balance, accents, tone.tonic)
    level = loudness.integrated(decoded.powers)
    sure = min(1.0, pulse.confidence / CLEAR_PULSE)
    return Analysis(
        seconds=round(decoded.seconds, 3),
        loudness_lufs=round(level, 2),
        tempo_bpm=round(bars.tempo, 3),
        tempo_confidence=round(sure * bars.tempo_confidence, 3),
        steady=pulse.steady,
        steady_confidence=round(sure * pulse.steady_confidence, 3),
        residual_ms=round(pulse.residual_ms, 1),
        beats=_rows(bars.beats, 5),
        beat_confidence=round(sure * bars.phase_confidence, 3),
        downbeats=_rows(bars.downbeats, 0),
        beats_per_bar=bars.beats_per_bar,
        meter_confidence=round(sure * bars.meter_confidence, 3),
        downbeat_confidence=round(sure * bars.downbeat_confidence, 3),
        phrases=_rows(phrases, 0),
        phrase_confidence=round(sure * phrase_confidence * bars.downbeat_confidence, 3),
        tonic=tone.tonic,
        mode=tone.mode,
        key_confidence=round(tone.confidence, 3),
        tuning_cents=round(tone.tuning_cents, 1),
        tuning_confidence=round(tone.tuning_confidence, 3),
        silences=tuple((round(start, 1), round(end, 1)) for start, end in quiet.silences(decoded.powers, level)),
        energy=_rows(energy, 1),
        chroma=_rows(shares, 3),
        brightness=_rows(brightness, 0),
        balance=_rows(balance, 3),
        accents=_rows(accents, 2),
    )


def _phrases(
    bars: reading.Bars, energy: Rows, chroma: Rows, balance: Rows, accents: Rows, tonic: int
) -> tuple[NDArray[np.intp], float]:
    if len(bars.downbeats) < 2:
        return np.zeros(len(bars.downbeats), np.intp), 0.0
    pattern = np.add.reduceat(accents, bars.downbeats) / bars.beats_per_bar
    return form.phrases(form.evidence(energy, chroma, balance, pattern, tonic))


def _rows(values: NDArray[Any], digits: int) -> tuple[Any, ...]:
    """Rounded numbers as tuples, whole where the array holds whole numbers."""
    rounded: list[Any] = np.round(values, digits).tolist()
    return tuple(tuple(cast("list[Any]", row)) if isinstance(row, list) else row for row in rounded)


def _energy(edges: NDArray[np.float64], decoded: pcm.Decoded) -> NDArray[np.float64]:
    """Loudness of each bar, the last one until the end."""
    steps = np.clip(np.round(edges * 10), 0, len(decoded.powers)).astype(np.intp)
    stops = np.append(steps, len(decoded.powers))[1:]
    levels = [
        loudness.lufs(float(decoded.powers[a:b].mean())) if b > a else loudness.FLOOR_LUFS
        for a, b in zip(steps, stops, strict=True)
    ]
    return np.array(levels, np.float64)
