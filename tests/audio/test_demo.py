"""The demo pieces measured: they are what their recipes say, and they are finished music, not test tones."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from bot.playground.demo import MP3_DELAY_SECONDS, RECIPES, encode, notes, perform, pitch
from bot.playground.instruments import RATE
from bot.playground.mixdown import CEILING, limit, loudness
from bot.playground.recipes import Recipe

HOP = 256
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)  # Krumhansl and Kessler
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)


BY_TITLE = {recipe.title: recipe for recipe in RECIPES}


def piece(recipe: Recipe) -> NDArray[np.floating]:
    return _performed(recipe.title)


@cache
def _performed(title: str) -> NDArray[np.floating]:
    return perform(BY_TITLE[title])


def spectra(mono: NDArray[np.floating], size: int, hop: int) -> NDArray[np.floating]:
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[::hop] * np.hanning(size).astype(np.float32)
    return np.abs(np.fft.rfft(frames))


def onsets(recipe: Recipe) -> NDArray[np.floating]:
    """Rise of the compressed spectrum for each 5.8 ms; a frame's middle is its time."""
    levels = np.log1p(100 * spectra(np.pad(piece(recipe).mean(axis=0), 512), 1024, HOP))
    return np.pad(np.maximum(np.diff(levels, axis=0), 0).sum(axis=1), (1, 0))


def on_grid(recipe: Recipe, tempo: float, phase: float = 0.0) -> float:
    """Mean onset strength near the beats of a grid, over the mean everywhere. `phase` in beats."""
    strength = onsets(recipe)
    beats = (np.arange(int(recipe.seconds * tempo / 60) - 4) + phase) * 60 / tempo
    middle = np.round(beats * RATE / HOP).astype(int)
    near = np.max([strength[np.clip(middle + shift, 0, len(strength) - 1)] for shift in range(-2, 5)], axis=0)
    return float(near.mean() / strength.mean())


def estimated_key(recipe: Recipe) -> str:
    levels = spectra(piece(recipe).mean(axis=0), 16384, 8192)
    hertz = np.fft.rfftfreq(16384, 1 / RATE)
    used = (hertz > 65) & (hertz < 2000)
    classes = np.round(69 + 12 * np.log2(hertz[used] / 440)).astype(int) % 12
    chroma = [levels[:, used][:, classes == number].mean() for number in range(12)]
    fits: dict[str, float] = {}
    for number, name in enumerate(("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")):
        fits[f"{name} major"] = np.corrcoef(np.roll(MAJOR, number), chroma)[0, 1]
        fits[f"{name} minor"] = np.corrcoef(np.roll(MINOR, number), chroma)[0, 1]
    return max(fits, key=lambda name: fits[name])


@each
def test_a_piece_is_as_long_as_its_bars(recipe: Recipe) -> None:
    sound = piece(recipe)
    assert sound.shape == (2, round(recipe.bars * 4 * 60 / recipe.tempo * RATE))
    assert 40 <= recipe.seconds <= 50
    assert sound.dtype == np.float32


@each
def test_onsets_are_on_the_beats_of_the_stated_tempo(recipe: Recipe) -> None:
    truth = on_grid(recipe, recipe.tempo)
    assert truth > 2.5
    assert truth > 1.3 * on_grid(recipe, recipe.tempo, 0.37)
    wrong = [on_grid(recipe, recipe.tempo * factor) for factor in (0.93, 0.97, 0.99, 1.01, 1.03, 1.07)]
    assert truth > 1.2 * max(wrong)


@each
def test_the_key_is_the_stated_one(recipe: Recipe) -> None:
    assert estimated_key(recipe) == recipe.key


@each
def test_loudness_and_peaks(recipe: Recipe) -> None:
    sound = piece(recipe)
    assert loudness(sound) == pytest.approx(-14, abs=0.5)
    assert np.abs(sound).max() <= CEILING * 1.0001
    crest = 20 * np.log10(np.abs(sound).max() / np.sqrt((sound**2).mean()))
    assert 9 < crest < 17
    assert np.abs(sound.mean(axis=1)).max() < 0.003
    assert np.abs(sound[:, -200:]).max() < 0.001  # the end is faded, not cut


@each
def test_every_part_of_the_spectrum_is_there_and_the_sides_differ(recipe: Recipe) -> None:
    sound = piece(recipe)
    power = (spectra(sound.mean(axis=0), 8192, 8192) ** 2).sum(axis=0)
    hertz = np.fft.rfftfreq(8192, 1 / RATE)
    shares = [
        10 * np.log10(power[(hertz >= low) & (hertz < high)].sum() / power.sum())
        for low, high in ((30, 150), (150, 500), (500, 2000), (2000, 6000), (6000, 16_000))
    ]
    assert all(share > floor for share, floor in zip(shares, (-8, -10, -14, -22, -26), strict=True)), shares
    assert shares[0] < -1  # not all bass
    assert 0.5 < np.corrcoef(sound[0], sound[1])[0, 1] < 0.97


@each
def test_the_arrangement_grows_rests_and_ends(recipe: Recipe) -> None:
    bar = round(recipe.bar_seconds * RATE)
    sound, first = piece(recipe), 0
    levels: list[float] = []
    for section in recipe.sections:
        part = sound[:, first * bar : (first + section.bars) * bar]
        levels.append(20 * np.log10(np.sqrt((part**2).mean())))
        first += section.bars
    intro, *body, ending = levels
    assert max(body) - intro > 2
    assert max(body) - min(body) > 0.5
    assert max(body) - ending > 2
    assert min(levels) > -30


def ending(recipe: Recipe, **changes: float) -> Recipe:
    """Its last three sections, in which everybody plays."""
    return replace(recipe, sections=recipe.sections[3:], **changes)


@each
def test_the_same_bits_every_time(recipe: Recipe) -> None:
    assert np.array_equal(perform(ending(recipe)), perform(ending(recipe)))


def test_a_recipe_is_what_is_played() -> None:
    ratio = perform(ending(RECIPES[0], tempo=100.0)).shape[1] / perform(ending(RECIPES[0])).shape[1]
    assert ratio == pytest.approx(RECIPES[0].tempo / 100, rel=1e-3)
    bass = [note for note in notes(RECIPES[0], "bass") if note.step == 8 * 16]
    assert bass[0].pitches == (pitch("A1"),)
    assert [pitch(name) for name in ("A4", "Bb4", "C4", "G#3")] == [69, 70, 60, 56]
    with pytest.raises(KeyError):
        list(notes(replace(RECIPES[0], sections=(replace(RECIPES[0].sections[0], chords="H7"),)), "pad"))


def test_the_limiter_holds_and_leaves_quiet_music_alone() -> None:
    noise = np.random.default_rng(1).standard_normal((2, RATE)).astype(np.float32)
    assert np.abs(limit(noise)).max() <= CEILING * 1.0001
    assert np.array_equal(limit(noise * np.float32(0.01)), noise * np.float32(0.01))


def test_loudness_of_the_reference_tone() -> None:
    """EBU Tech 3341: a 1 kHz sine at -23 dBFS on both sides reads -23 LUFS."""
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * np.arange(5 * RATE) / RATE)
    assert loudness(np.stack([tone, tone])) == pytest.approx(-23, abs=0.1)


def test_the_encoded_piece_is_late_by_the_stated_delay_and_keeps_below_full_scale() -> None:
    sound = piece(RECIPES[1])[:, : 12 * RATE]
    decoded, rate = soundfile.read(io.BytesIO(encode(sound)), dtype="float32")
    assert rate == RATE
    assert np.abs(decoded).max() <= 10 ** (-1 / 20)
    a, b = decoded[8 * RATE :, 0][:65536], sound[0, 8 * RATE :][:65536]
    match = np.fft.irfft(np.fft.rfft(a, 131072) * np.conj(np.fft.rfft(b, 131072)))
    assert int(match.argmax()) == round(MP3_DELAY_SECONDS * RATE)


def test_the_command_writes_both_files_within_its_time(tmp_path: Path) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "bot.playground.demo", str(tmp_path)], check=True, cwd=root)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Night Drive.mp3", "Paper Lanterns.mp3"]
    for recipe in RECIPES:
        with soundfile.SoundFile(tmp_path / f"{recipe.title}.mp3") as file:
            assert file.frames / file.samplerate == pytest.approx(recipe.seconds, abs=0.2)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    assert spent < 15  # about 4 when nothing else runs
