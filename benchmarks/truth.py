"""Music whose tempo, beats, bars, phrases, key and tuning are known: drawn from a seed, played by a sampler.

Debian's `mma` turns chords and a style into MIDI, `fluidsynth` plays that with a General MIDI soundfont. Pieces are
drawn from a seed; the same seed gives the same piece. Seeds below `GATE` are for tuning, those from it on for
measuring; `hearing` never reads the former, and nothing that was tuned ever read the latter.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from benchmarks import midi
from benchmarks.styles import KNOWN, UNKNOWN, Style
from bot.engines.local.plan import NOTES

RATE = 44100
SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
GATE = 10_000
PHRASE = 8  # bars
SECONDS = 55.0
FINER = 64  # times the ticks of mma, where the tempo changes at every beat
NEEDS = "mma fluidsynth timgm6mb-soundfont"  # Debian's packages

# Chords as semitones above the tonic and a quality, one for each bar of half a phrase.
_MAJOR = (
    "0 7 9m 5",
    "0 9m 5 7",
    "0 5 7 0",
    "0 9m 2m 7",
    "0 0 5 7",
    "2m 7 0 0",
    "0 4m 5 7",
    "0 5 0 7",
    "5 7 0 9m",
    "0 2m 5 7",
)
_MINOR = (
    "0m 8 3 10",
    "0m 5m 7 0m",
    "0m 10 8 7",
    "0m 5m 0m 7",
    "0m 0m 5m 7",
    "0m 8 5m 7",
    "0m 10 0m 7",
    "5m 0m 7 0m",
)
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_SHARPS = ("c", "c#", "d", "d#", "e", "f", "f#", "g", "g#", "a", "a#", "b")
_RHYTHMS = {
    4: ("4 4 2", "4 8 8 4 4", "4. 8 4 4", "8 8 4 8 8 4", "2 4 8 8", "8 4 8 4 4", "4 4 4 4", "1"),
    3: ("4 4 4", "2 4", "4 8 8 4", "4. 8 4", "2.", "8 8 4 4"),
}
_VOICES = ("TenorSax", "Trumpet", "Flute", "Violin", "VoiceOohs", "SquareWave", "JazzGuitar", "Vibraphone")


@dataclass(frozen=True)
class Piece:
    """What a seed draws."""

    seed: int
    style: Style
    tempo: int
    tonic: int
    mode: str
    tuning_cents: float
    drift: float  # share by which the tempo rises from phrase to phrase; 0 is steady
    melody: bool
    cut: float  # seconds taken off the beginning

    @property
    def name(self) -> str:
        mode = "m" if self.mode == "minor" else ""
        return f"{self.seed}-{self.style.groove}-{self.tempo}-{NOTES[self.tonic]}{mode}"


@dataclass(frozen=True)
class Truth:
    """What is known of a piece; times in seconds of the file. `tempo` is the mean one."""

    name: str
    style: str
    tempo: float
    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    phrases: NDArray[np.float64]
    beats_per_bar: int
    tonic: int
    mode: str
    tuning_cents: float
    steady: bool

    def later(self, seconds: float) -> Truth:
        """The same in a file that begins so much earlier."""
        times = {name: getattr(self, name) + seconds for name in ("beats", "downbeats", "phrases")}
        return replace(self, **times)


def missing() -> list[str]:
    """What has to be installed before anything can be played."""
    programs = [name for name in ("mma", "fluidsynth") if shutil.which(name) is None]
    return programs + ([] if SOUNDFONT.exists() else [str(SOUNDFONT)])


def draw(seed: int, styles: tuple[Style, ...]) -> Piece:
    """The piece of a seed; consecutive seeds go through the styles one after the other."""
    chance = random.Random(seed)
    style = styles[seed % len(styles)]
    return Piece(
        seed=seed,
        style=style,
        tempo=chance.randint(style.slowest, style.fastest),
        tonic=chance.randrange(12),
        mode=chance.choice(("major", "major", "minor")),
        tuning_cents=round(chance.choice((0.0, 0.0, chance.uniform(-40, 40))), 1),
        drift=chance.choice((0.0,) * 11 + (0.03,)),
        melody=chance.random() < 0.4,
        cut=round(chance.uniform(0.0, 3.0), 3),
    )


def tuning_pieces(count: int, first: int = 0) -> list[Piece]:
    """Pieces that may be looked at while tuning."""
    return [draw(seed, KNOWN) for seed in range(first, min(first + count, GATE))]


def gate_pieces(count: int) -> list[Piece]:
    """Pieces to measure with: two in three of the styles that tuning met, one in three of other styles."""
    known = count - count // 3
    return [draw(GATE + number, KNOWN) for number in range(known)] + [
        draw(2 * GATE + number, UNKNOWN) for number in range(count - known)
    ]


def render(piece: Piece, wav: Path, soundfont: Path = SOUNDFONT) -> Truth:
    """Writes the piece as 16-bit stereo and returns its truth."""
    script, file = wav.with_suffix(".mma"), wav.with_suffix(".mid")
    score, bars = _score(piece)
    script.write_text(score)
    _run(["mma", "-f", str(file), str(script)])
    if piece.drift:
        midi.refine(file, FINER)
    _run(["fluidsynth", "-niq", "-r", str(RATE), "-g", "0.5", "-F", str(wav), str(soundfont), str(file)])
    samples, _ = sf.read(wav, dtype="float32")
    stretch = 2 ** (piece.tuning_cents / 1200)
    if piece.tuning_cents:
        samples = np.asarray(soxr.resample(samples, RATE * stretch, RATE), np.float32)
    samples = samples[round(piece.cut * RATE) :]
    sf.write(wav, samples * np.float32(0.7 / max(float(np.abs(samples).max()), 1e-6)), RATE, "PCM_16")
    ticks = midi.tempo_map(file)
    quarters = np.arange(bars * piece.style.beats_per_bar, dtype=np.float64)
    times = ticks.seconds(quarters * ticks.ticks_per_quarter) / stretch - piece.cut
    script.unlink()
    file.unlink()
    return _truth(piece, times, len(samples) / RATE)


def _truth(piece: Piece, times: NDArray[np.float64], seconds: float) -> Truth:
    size = piece.style.beats_per_bar
    inside = (times >= 0) & (times < seconds - 0.1)
    number = np.arange(len(times))
    beats = times[inside]
    return Truth(
        name=piece.name,
        style=piece.style.groove,
        tempo=60.0 / float(np.mean(np.diff(beats))),
        beats=beats,
        downbeats=times[inside & (number % size == 0)],
        phrases=times[inside & (number % (size * PHRASE) == 0)],
        beats_per_bar=size,
        tonic=piece.tonic,
        mode=piece.mode,
        tuning_cents=piece.tuning_cents,
        steady=piece.drift == 0,
    )


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _score(piece: Piece) -> tuple[str, int]:
    """The piece in mma's language, and its bars."""
    chance = random.Random(piece.seed + 1)
    size = piece.style.beats_per_bar
    bar_seconds = 60 / piece.tempo * size
    phrases = max(3, round((SECONDS + piece.cut) / bar_seconds / PHRASE))
    templates = _MAJOR if piece.mode == "major" else _MINOR
    first, second, bridge = chance.sample(templates, 3)
    forms = {"A": (first, second), "B": (bridge, first), "C": (bridge, bridge)}
    grooves = ["", *chance.sample(piece.style.variations, min(2, len(piece.style.variations)))]
    voice = chance.choice(_VOICES)
    lines = [f"RndSeed {piece.seed}", f"Tempo {piece.tempo}", f"Time {size}"]
    sevenths = chance.random() < 0.4
    bar, tempo = 1, float(piece.tempo)
    for number, letter in enumerate((chance.choice(("AABA", "AABB", "ABAB", "ABCB")) * 9)[:phrases]):
        if piece.drift and number:
            tempo *= 1 + piece.drift
            lines.append(f"Tempo {round(tempo)} {size * PHRASE}")
        lines.append(f"Groove {piece.style.groove}{grooves['ABC'.index(letter) % len(grooves)]}")
        chords = " ".join(forms[letter]).split()
        for place, chord in enumerate(chords):
            if piece.melody and letter != "A":
                lines += _tune(piece, chord, voice, chance)
            lines.append(f"{bar} {_chord(piece.tonic, chord, place, chance, sevenths=sevenths)}")
            bar += 1
    return "\n".join(lines) + "\n", bar - 1


def _chord(tonic: int, chord: str, place: int, chance: random.Random, *, sevenths: bool) -> str:
    """mma's name of one bar's chord."""
    degree, minor = int(chord.rstrip("m")), chord.endswith("m")
    name = _SHARPS[(tonic + degree) % 12].upper()
    if minor:
        return name + ("m7" if sevenths else "m")
    if degree == 7 and (sevenths or place == PHRASE - 1 or chance.random() < 0.3):
        return name + "7"
    return name + ("M7" if sevenths and degree in {0, 5} else "")


def _tune(piece: Piece, chord: str, voice: str, chance: random.Random) -> list[str]:
    """One bar of a tune: chord notes on most beats, other notes of the scale between."""
    degree, minor = int(chord.rstrip("m")), chord.endswith("m")
    own = [(degree + step) % 12 for step in (0, 3 if minor else 4, 7)]
    notes: list[str] = []
    for length in chance.choice(_RHYTHMS[piece.style.beats_per_bar]).split():
        pool = own if length in {"1", "2", "2.", "4"} else _SCALES[piece.mode]
        notes.append(f"{length}{_SHARPS[(piece.tonic + chance.choice(pool)) % 12]}")
    tune = ";".join(notes)
    return ["Begin Melody", f" Voice {voice}", " Octave 5", f" Riff {tune};", "End"]
