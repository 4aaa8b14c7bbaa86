"""Which beats and bars a pulse carries: every reading of it is weighed, and the weights are probabilities.

A pulse that is found reliably may still be half, double or two thirds of the beat, or lie off it. So time is
counted in ticks of the pulse, and a reading says which ticks are beats and which beats begin bars. Kick, bass,
snare, chord changes and repetition speak for or against each; `benchmarks.fit` found the strengths of their voices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.audio import rhythm, spectrum, tonality
from bot.audio.weights import READING

TICKS = 24  # of one pulse
SLOWEST, FASTEST = 48.0, 220.0  # beats per minute that a reading may have
COMMON_BPM = 118.0
FEWEST = 8  # pulses
REACH = 0.036  # seconds around a beat where its onsets are looked for

# Beats as long as so many ticks, and the ticks on which they may begin.
PHASES = {
    24: (0, 12, 6, 18, 8, 16),
    48: (0, 12, 24, 36),
    12: (0, 6),
    8: (0, 4),
    72: (0, 12, 24, 36, 48, 60),
    36: (0, 12, 24, 6, 18, 30),
    16: (0, 4, 8, 12),
    32: (0, 8, 16, 24),
    18: (0, 6, 9, 12),
}
METERS = (4, 3)
LINES = 8

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """`period` and `phase` of the beat in ticks; every `meter` beats, from beat number `bar` on, a bar begins."""

    period: int
    phase: int
    meter: int
    bar: int


@dataclass(frozen=True)
class Bars:
    """Beats in seconds, and which of them begin bars; each probability includes those before it.

    `tempo_confidence`: the period is the beat's. `phase_confidence`: half, all or double of it, and on the beat.
    """

    beats: Rows
    downbeats: NDArray[np.intp]
    beats_per_bar: int
    tempo_confidence: float
    phase_confidence: float
    meter_confidence: float
    downbeat_confidence: float

    @property
    def tempo(self) -> float:
        return 60.0 / float(np.median(np.diff(self.beats))) if len(self.beats) > 1 else 0.0


NO_BARS = Bars(np.empty(0), np.empty(0, np.intp), 4, 0.0, 0.0, 0.0, 0.0)


def read(pulse: Rows, onset: rhythm.Onsets, tone: tonality.Tonality) -> Bars:
    """The most likely reading of the times of a pulse."""
    if len(pulse) < FEWEST:
        return NO_BARS
    times = tick_times(pulse)
    found, rows = evidence(lines(times, onset, tone), 60.0 / float(np.median(np.diff(pulse))))
    if not found:
        return NO_BARS
    scores = rows @ READING
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    table = np.array([(one.period, one.phase, one.meter, one.bar) for one in found])
    kept = np.ones(len(found), bool)
    shares: list[float] = []
    for column in range(4):  # the likeliest period first, of its phases the likeliest, and so on
        values = np.unique(table[kept, column])
        sums = [chances[kept & (table[:, column] == value)].sum() for value in values]
        kept &= table[:, column] == values[int(np.argmax(sums))]
        shares.append(float(max(sums)))
    best = found[int(np.flatnonzero(kept)[0])]
    beats = times[best.phase :: best.period]
    beats = beats + _late(beats, onset)
    inside = (beats >= 0) & (beats < pulse[-1] + 0.75 * (pulse[-1] - pulse[-2]))
    number = np.arange(len(beats)) - best.bar
    return Bars(
        beats=beats[inside],
        downbeats=np.flatnonzero(number[inside] % best.meter == 0),
        beats_per_bar=best.meter,
        tempo_confidence=shares[0],
        phase_confidence=_in_phase(best, table, chances),
        meter_confidence=shares[2],
        downbeat_confidence=shares[3],
    )


def _in_phase(best: Reading, table: NDArray[np.intp], chances: Rows) -> float:
    """Share of the readings whose beats are those of the best, every second of them, or twice as many."""
    agree = np.zeros(len(table), bool)
    for ratio in (0.5, 1.0, 2.0):
        near = table[:, 0] == best.period * ratio
        common = min(best.period, best.period * ratio)
        agree |= near & ((table[:, 1] - best.phase) % common == 0)
    return float(chances[agree].sum())


def _late(beats: Rows, onset: rhythm.Onsets) -> float:
    """Seconds from the beats to the centre of the onsets around them, all beats taken together."""
    offsets = np.arange(-REACH, REACH + 1e-9, 0.002)
    places = (beats[:, None] + offsets - rhythm.ONSET_DELAY - spectrum.FRAME / 2 / spectrum.RATE) * spectrum.FPS
    frames = np.arange(len(onset.full))
    profile = np.interp(places.ravel(), frames, _smooth(onset.full)).reshape(places.shape).mean(axis=0)
    low = np.interp(places.ravel(), frames, _smooth(onset.low)).reshape(places.shape).mean(axis=0)
    profile += low * (profile.max() / max(float(low.max()), 1e-9))
    best = int(np.argmax(profile))
    return float(offsets[best]) if 0 < best < len(offsets) - 1 else 0.0


def tick_times(pulse: Rows) -> Rows:
    """Times of all ticks, from one pulse before the first to one after the last."""
    places = np.arange(-1, len(pulse) + 1)
    known = np.concatenate([[2 * pulse[0] - pulse[1]], pulse, [2 * pulse[-1] - pulse[-2]]])
    return np.interp(np.arange(-TICKS, len(pulse) * TICKS) / TICKS, places, known)


def lines(times: Rows, onset: rhythm.Onsets, tone: tonality.Tonality) -> Rows:
    """(ticks, LINES): onsets of five bands, changes of chord over one pulse and over two, and of the bass."""
    places = (times - rhythm.ONSET_DELAY - spectrum.FRAME / 2 / spectrum.RATE) * spectrum.FPS
    frames = np.arange(len(onset.full))
    columns = [np.interp(places, frames, _smooth(band)) for band in onset.bands]
    columns += [_change(times, tone.chroma, TICKS), _change(times, tone.chroma, 2 * TICKS)]
    columns += [_change(times, tone.bass, TICKS)]
    table = np.stack(columns, axis=1)
    return (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9)


def _smooth(line: spectrum.Line) -> Rows:
    return np.convolve(line, (0.25, 0.5, 1.0, 0.5, 0.25), mode="same")


def _change(times: Rows, chroma: spectrum.Line, reach: int) -> Rows:
    """Cosine distance between the mean chroma of `reach` ticks before and after each tick."""
    sums = np.cumsum(tonality.means(times, chroma), axis=0)
    sums = np.concatenate([np.zeros((reach, 12)), sums, np.repeat(sums[-1:], reach, axis=0)])
    middle = sums[reach:-reach]
    before, after = middle - sums[: -2 * reach], sums[2 * reach :] - middle
    norms = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    change = 1 - np.sum(before * after, axis=1) / np.maximum(norms, 1e-9)
    change[:reach] = change[-reach:] = np.mean(change[reach:-reach]) if len(change) > 2 * reach else 0.0
    return change


def repetition(table: Rows, longest: int) -> Rows:
    """(longest, 2): how alike onsets are, and changes of harmony, at each distance in ticks."""
    size = 1 << (len(table) + longest).bit_length()
    spectra = np.abs(np.fft.rfft(table, size, axis=0)) ** 2
    both = np.fft.irfft(np.stack([spectra[:, :5].sum(axis=1), spectra[:, 5:].sum(axis=1)], axis=1), size, axis=0)
    left = 1 - np.arange(longest) / len(table)
    counts = np.where(left > 0.25, 1 / np.maximum(left, 0.25), 0.0)
    return both[:longest] * counts[:, None] / np.maximum(both[0], 1e-9)


def evidence(table: Rows, bpm: float) -> tuple[list[Reading], Rows]:
    """The readings of a pulse of so many a minute, and (readings, features) what speaks for each."""
    alike = repetition(table, max(PHASES) * 8 + 1)
    found: list[Reading] = []
    rows: list[Rows] = []
    for period, phases in PHASES.items():
        tempo = bpm * TICKS / period
        if not SLOWEST <= tempo <= FASTEST or len(table) < 6 * period:
            continue
        again = _again(alike, period)
        for phase in phases:
            usual = [float(period == each) for each in PHASES] + [float(phase == 0), float(2 * phase == period)]
            beat = np.concatenate([usual, _beat_features(table, period, phase, tempo)])
            for meter in METERS:
                profile = _profile(table[phase::period], meter)
                chance = period * meter / len(table)  # what a mean of so few bars varies by itself
                spread = np.sqrt(np.maximum(0.0, profile.var(axis=0) - chance))
                far = np.array([alike[meter * period], alike[2 * meter * period]]).ravel() - again[-4:].mean()
                for bar in range(meter):
                    rolled = np.roll(profile, -bar, axis=0).ravel()
                    kind = np.zeros((4 + 3) * LINES + LINES + 1 + 2 * 4)
                    if meter == 4:
                        kind[: 4 * LINES] = rolled
                        kind[-8:-4] = far
                    else:
                        kind[4 * LINES : 7 * LINES] = rolled
                        kind[-4:] = far
                        kind[8 * LINES] = 1.0
                    kind[7 * LINES : 8 * LINES] = spread
                    rows.append(np.concatenate([beat, again, kind]))
                    found.append(Reading(period, phase, meter, bar))
    return found, np.array(rows)


def _again(alike: Rows, period: int) -> Rows:
    """How alike the music is after half a beat and after one, two, three and four beats."""
    lags = [period // 2, period, 2 * period, 3 * period, 4 * period]
    return alike[lags].ravel()


def _beat_features(table: Rows, period: int, phase: int, tempo: float) -> Rows:
    octaves = np.log2(tempo / COMMON_BPM)

    def at(share: float) -> Rows:
        return table[(phase + round(share * period)) % period :: period].mean(axis=0)

    thirds, quarters = (at(1 / 3) + at(2 / 3)) / 2, (at(1 / 4) + at(3 / 4)) / 2
    return np.concatenate([[octaves, octaves**2, octaves**3], at(0), at(1 / 2), thirds, quarters])


def _profile(beats: Rows, meter: int) -> Rows:
    """(meter, LINES): mean of every beat of the bar, against the mean of all."""
    whole = len(beats) // meter * meter
    means = beats[:whole].reshape(-1, meter, LINES).mean(axis=0)
    return means - means.mean(axis=0)
