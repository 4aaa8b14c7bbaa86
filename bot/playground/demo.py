"""Plays the demo recipes into MP3 files: `python -m bot.playground.demo DIRECTORY`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import lameenc
import numpy as np

from bot.playground.instruments import RATE, Sound, dust
from bot.playground.mixdown import ducking, echo, master, reverb
from bot.playground.recipes import RECIPES, STEPS, Recipe

MP3_DELAY_SECONDS = 1105 / RATE
"""How much later everything comes in the MP3 files: LAME's delay, which the stream does not declare."""

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_STRENGTH = {"X": 1.0, "x": 0.75, "o": 0.4}
_VOICINGS = {
    "Am": "A3 C4 E4 A4",
    "Dm": "A3 D4 F4 A4",
    "E": "G#3 B3 E4 G#4",
    "F": "A3 C4 F4 A4",
    "Dm7": "A3 C4 D4 F4",
    "Bb": "Bb3 D4 F4 A4",
    "Gm7": "Bb3 D4 F4 G4",
    "C7": "Bb3 C4 E4 G4",
    "F6": "F3 A3 C4 D4 F4",
}


@dataclass(frozen=True)
class Note:
    """`step` and `steps` count sixteenths from the start of the bar; `pitches` are MIDI numbers."""

    step: int
    steps: int
    pitches: tuple[int, ...]
    strength: float = 1.0


def pitch(name: str) -> int:
    """`Bb4` -> 70."""
    shift = name.count("#") - name.count("b")
    return 12 * (int(name[-1]) + 1) + _SEMITONES[name[0]] + shift


def _voicing(chord: str) -> tuple[int, ...]:
    return tuple(pitch(name) for name in _VOICINGS[chord].split())


def _root(chord: str) -> int:
    """The chord's root between E1 and D#2, where a bass plays."""
    lowest = pitch("E1")
    name = chord[:2] if chord[1:2] in ("#", "b") else chord[:1]
    return lowest + (pitch(f"{name}1") - lowest) % 12


def _held(marks: str | list[str]) -> Iterator[tuple[int, int, str]]:
    """Start, length and mark of everything in a bar that is neither a rest nor a hold."""
    for start, mark in enumerate(marks):
        if mark in ".-":
            continue
        end = start + 1
        while end < len(marks) and marks[end] == "-":
            end += 1
        yield start, end - start, mark


def _drums(bar: str, _chord: str) -> Iterator[Note]:
    for start, length, mark in _held(bar):
        yield Note(start, length, (), _STRENGTH[mark])


def _bass(bar: str, chord: str) -> Iterator[Note]:
    for start, length, mark in _held(bar):
        yield Note(start, length, (_root(chord) + {"1": 0, "5": 7, "8": 12}[mark],))


def _chords(bar: str, chord: str) -> Iterator[Note]:
    for start, length, _ in _held(bar):
        yield Note(start, length, _voicing(chord))


def _arpeggio(bar: str, chord: str) -> Iterator[Note]:
    for start, length, mark in _held(bar):
        yield Note(start, length, (_voicing(chord)[int(mark)] + 12,), 1.0 if start % 4 == 0 else 0.75)


def _melody(bar: str, _chord: str) -> Iterator[Note]:
    for start, length, mark in _held(bar.split()):
        yield Note(2 * start, 2 * length, (pitch(mark),))


_READERS: Mapping[str, Callable[[str, str], Iterator[Note]]] = {
    "drums": _drums,
    "bass": _bass,
    "chords": _chords,
    "arpeggio": _arpeggio,
    "melody": _melody,
}


def notes(recipe: Recipe, name: str) -> Iterator[Note]:
    """All notes of one seat, steps counted from the start of the piece."""
    first = 0
    for section in recipe.sections:
        bars, chords = section.parts.get(name, ".").split("|"), section.chords.split()
        for number in range(section.bars):
            bar, chord = bars[number % len(bars)].strip(), chords[number % len(chords)]
            for note in _READERS[recipe.band[name].reads](bar, chord):
                yield Note(first + note.step, note.steps, note.pitches, note.strength)
            first += STEPS


def perform(recipe: Recipe) -> Sound:
    """The finished piece: float32 (2, samples) at 44.1 kHz, the same bits every time."""
    samples = round(recipe.seconds * RATE)
    straight, ducked, hall, repeats = (np.zeros((2, samples), np.float32) for _ in range(4))
    for name, voice in recipe.band.items():
        part = _play(recipe, name, samples)
        (ducked if voice.ducked else straight)[:] += part
        hall += np.float32(voice.space) * part
        repeats += np.float32(voice.echo) * part
    repeats = echo(repeats, recipe.bar_seconds * 3 / STEPS)
    dip = ducking(
        samples, [recipe.sample(note.step) for note in notes(recipe, "kick")], 0.6, 60 / recipe.tempo * 0.8
    )
    mix = straight + dip * (ducked + repeats + reverb(hall + 0.3 * repeats, recipe.hall_seconds))
    if recipe.dust:
        mix += np.float32(recipe.dust) * dust(recipe.seconds + 1 / RATE)[:, :samples]
    return master(mix, fade_seconds=recipe.bar_seconds * 0.6)


def _play(recipe: Recipe, name: str, samples: int) -> Sound:
    """One seat's part, alone and dry."""
    voice = recipe.band[name]
    step_seconds = recipe.bar_seconds / STEPS
    sides = np.array([[min(1, 1 - voice.pan)], [min(1, 1 + voice.pan)]], np.float32) * np.float32(voice.level)

    @lru_cache
    def sound(pitches: tuple[int, ...], steps: int) -> Sound:
        return voice.sound([440 * 2 ** ((number - 69) / 12) for number in pitches], steps * step_seconds) * sides

    out = np.zeros((2, samples), np.float32)
    for note in notes(recipe, name):
        start = recipe.sample(note.step)
        played = sound(note.pitches, note.steps)[:, : samples - start]
        out[:, start : start + played.shape[1]] += np.float32(note.strength) * played
    return out


def encode(sound: Sound) -> bytes:
    """MP3 at 192 kbit/s."""
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(192)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(2)
    encoder.set_quality(5)
    encoder.silence()
    pcm = np.round(sound.T * 32767).astype("<i2").tobytes()
    return bytes(encoder.encode(pcm)) + bytes(encoder.flush())


def render(arguments: Mapping[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Write `TITLE.mp3` for every recipe into `arguments["directory"]`; returns the file names."""
    files: list[str] = []
    for number, recipe in enumerate(RECIPES):
        progress(recipe.title, number / len(RECIPES))
        path = Path(arguments["directory"]) / f"{recipe.title}.mp3"
        path.write_bytes(encode(perform(recipe)))
        files.append(path.name)
    progress("done", 1.0)
    return {"files": files}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m bot.playground.demo DIRECTORY")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    render({"directory": sys.argv[1]}, lambda stage, fraction: None)
