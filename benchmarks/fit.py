"""Finds the weights of `bot.audio.weights` on pieces that are for tuning only, and writes that file.

    python -m benchmarks.fit DIRECTORY

DIRECTORY keeps the rendered pieces for the next time. Both models say how likely each of several answers is, by a
weighted sum of what speaks for it; the weights are those under which the truth was likeliest, drawn towards 0
(conditional maximum likelihood, by Newton's steps). Besides the drawn pieces it takes the compositions of Debian's
`openttd-openmsx` where that is installed, and short cuts of everything.
"""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

import bot.audio.weights
from benchmarks import compositions, truth
from benchmarks.hearing import bars_right
from benchmarks.truth import Truth
from bot.audio import form, loudness, pcm, reading, rhythm, spectrum, tonality
from bot.engines.local.hearing import analyse

PIECES = 160
FONTS = (truth.SOUNDFONT, Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"))  # the second where it is installed
SHORT, SHORT_SHARE = (6.0, 20.0), 0.3  # seconds of a cut, and what it counts against a whole piece
NEAR = 0.12  # of a beat
READING_PULL, PHRASE_PULL, KEY_PULL = 10.0, 10.0, 3.0

Rows = NDArray[np.float64]
Mono = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """(answers, features), which answers are right, and how much it counts."""

    features: Rows
    right: NDArray[np.bool_]
    weight: float = 1.0


def main() -> None:
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    readings: list[Example] = []
    pieces: list[tuple[Truth, Mono]] = []
    for number, (known, mono) in enumerate(load(directory)):
        pieces.append((known, mono))
        readings += reading_examples(known, mono, 1.0)
        readings += reading_examples(*_cut(known, mono, number), SHORT_SHARE)
    print(f"{len(readings)} examples of readings", flush=True)
    weights = newton(readings, READING_PULL)
    write(weights, bot.audio.weights.PHRASE, bot.audio.weights.KEY)
    reading.READING = weights
    keys = newton([example for known, mono in pieces for example in key_examples(known, mono)], KEY_PULL)
    write(weights, bot.audio.weights.PHRASE, keys)
    tonality.KEY = keys
    phrases = [example for known, mono in pieces for example in phrase_examples(known, mono)]
    print(f"{len(phrases)} examples of phrases", flush=True)
    write(weights, newton(phrases, PHRASE_PULL), keys)


def load(directory: Path) -> Iterator[tuple[Truth, Mono]]:
    """Every tuning piece as mono at 22.05 kHz, rendered unless `directory` has it."""
    fonts = [font for font in FONTS if font.exists()]
    for place, piece in enumerate(truth.tuning_pieces(PIECES)):
        kept = directory / f"{piece.name}.piece"
        if not kept.exists():
            wav = directory / "piece.wav"
            _keep(kept, truth.render(piece, wav, fonts[place // len(truth.KNOWN) % len(fonts)]), wav)
        yield _read(kept)
    for file in compositions.files():
        kept = directory / f"{file.stem}.piece"
        if not kept.exists():
            wav = directory / "piece.wav"
            _keep(kept, compositions.render(file, wav), wav)
        yield _read(kept)


def _keep(kept: Path, known: Truth, wav: Path) -> None:
    samples, rate = sf.read(wav, dtype="float32", always_2d=True)
    wav.unlink()
    mono = soxr.resample(np.asarray(samples, np.float32).mean(axis=1), rate, spectrum.RATE)
    kept.write_bytes(pickle.dumps((known, np.rint(np.clip(mono, -1, 1) * 32767).astype(np.int16))))


def _read(kept: Path) -> tuple[Truth, Mono]:
    known, whole = pickle.loads(kept.read_bytes())
    return known, whole.astype(np.float32) / 32767


def _cut(known: Truth, mono: Mono, seed: int) -> tuple[Truth, Mono]:
    chance = random.Random(seed)
    length = chance.uniform(*SHORT)
    start = chance.uniform(0.0, max(0.0, len(mono) / spectrum.RATE - length - 3.0))
    kept = {
        name: times[(times >= start) & (times < start + length - 0.1)] - start
        for name, times in (("beats", known.beats), ("downbeats", known.downbeats))
    }
    first = round(start * spectrum.RATE)
    return replace(known, **kept), mono[first : first + round(length * spectrum.RATE)]


def reading_examples(known: Truth, mono: Mono, weight: float) -> list[Example]:
    onset = rhythm.onsets(spectrum.mel(mono))
    pulse = rhythm.track(onset).times
    if len(pulse) < reading.FEWEST or len(known.downbeats) < 2:
        return []
    times = reading.tick_times(pulse)
    table = reading.lines(times, onset, tonality.tonality(mono))
    found, rows = reading.evidence(table, 60.0 / float(np.median(np.diff(pulse))))
    right = np.array([_reads_right(one, times, known) for one in found], bool)
    return [Example(rows, right, weight)] if right.any() else []


def _reads_right(one: reading.Reading, times: Rows, known: Truth) -> bool:
    beat = 60.0 / known.tempo
    beats = times[one.phase :: one.period]
    if one.meter != known.beats_per_bar or abs(float(np.median(np.diff(beats))) / beat - 1) > 0.04:
        return False
    bars = beats[one.bar :: one.meter]
    return _near(beats, known.beats, beat) and _near(bars, known.downbeats, beat)


def _near(times: Rows, known: Rows, beat: float) -> bool:
    inside = times[(times > known[0] - beat / 2) & (times < known[-1] + beat / 2)]
    return len(inside) > 0 and float(np.median(np.abs(inside[:, None] - known).min(axis=1))) < NEAR * beat


def key_examples(known: Truth, mono: Mono) -> list[Example]:
    if known.style == compositions.STYLE:
        return []
    pitch, weight, _, _ = tonality.peaks(mono)
    cents, _ = tonality.tuning(pitch, weight)
    number = known.tonic + (12 if known.mode == "minor" else 0)
    return [Example(tonality.evidence(*tonality.shares(pitch, weight, cents)), np.arange(24) == number)]


def phrase_examples(known: Truth, mono: Mono) -> list[Example]:
    """Of the pieces whose bars are heard right: which of the eight phases is that of the phrases."""
    if len(known.phrases) < 2:
        return []
    stereo = np.repeat(soxr.resample(mono, spectrum.RATE, pcm.RATE)[:, None], 2, axis=1)
    heard = analyse(pcm.Decoded(len(stereo), mono, loudness.step_powers(np.asarray(stereo, np.float32))))
    if not bars_right(known, heard) or len(heard.downbeats) < form.FEWEST:
        return []
    edges = np.array(heard.beats)[list(heard.downbeats)]
    phase = int(np.argmin(np.abs(edges - known.phrases[0]))) % form.UNIT
    pattern = np.add.reduceat(np.array(heard.accents), heard.downbeats) / heard.beats_per_bar
    table = form.evidence(
        np.array(heard.energy), np.array(heard.chroma), np.array(heard.balance), pattern, heard.tonic
    )
    return [Example(form.phases(table), np.arange(form.UNIT) == phase)]


def newton(examples: Sequence[Example], pull: float) -> Rows:
    """Weights under which the right answers were likeliest; `pull` draws those of standardised features to 0."""
    scale = np.concatenate([one.features for one in examples]).std(axis=0) + 1e-6
    scaled = [replace(one, features=one.features / scale) for one in examples]
    weights = np.zeros(len(scale))
    worth = _worth(scaled, weights, pull)
    for _ in range(60):
        slope, bend = -pull * weights, pull * np.eye(len(weights))
        for one in scaled:
            all_, right = _chances(one, weights)
            mean = all_ @ one.features
            slope += one.weight * (right @ one.features - mean)
            bend += one.weight * ((one.features * all_[:, None]).T @ one.features - np.outer(mean, mean))
        step = np.linalg.solve(bend, slope)
        while (better := _worth(scaled, weights + step, pull)) <= worth and np.abs(step).max() > 1e-5:
            step /= 2
        if better - worth < 1e-3:
            break
        weights, worth = weights + step, better
    return weights / scale


def _chances(one: Example, weights: Rows) -> tuple[Rows, Rows]:
    """Of all answers, and of the right ones among themselves."""
    scores = one.features @ weights
    all_ = np.exp(scores - scores.max())
    right = np.exp(scores - scores[one.right].max()) * one.right
    return all_ / all_.sum(), right / right.sum()


def _worth(examples: Sequence[Example], weights: Rows, pull: float) -> float:
    likely = [float(_chances(one, weights)[0][one.right].sum()) for one in examples]
    gains = [one.weight * np.log(max(share, 1e-300)) for one, share in zip(examples, likely, strict=True)]
    return float(sum(gains) - 0.5 * pull * weights @ weights)


def write(readings: Rows, phrases: Rows, keys: Rows) -> None:
    lines = [
        '"""The strengths of the voices in `reading` and `form`, found and written by `benchmarks.fit`."""',
        "",
        "from __future__ import annotations",
        "",
        "import numpy as np",
    ]
    for name, weights in (("READING", readings), ("PHRASE", phrases), ("KEY", keys)):
        rows = [", ".join(f"{value:.3g}" for value in weights[at : at + 12]) for at in range(0, len(weights), 12)]
        lines += ["", f"{name} = np.array(", "    [", *(f"        {row}," for row in rows), "    ]", ")"]
    Path(bot.audio.weights.__file__).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
