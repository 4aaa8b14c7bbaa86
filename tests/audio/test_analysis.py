"""What is heard in music whose tempo, beats, bars and key are known, and in what is no music."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from bot.audio import loudness, pcm
from bot.engines.local.hearing import analyse, hear
from bot.engines.local.plan import NOTES, Analysis
from tests.audio import synth
from tests.audio.conftest import still


def listen(samples: synth.Samples) -> Analysis:
    """Analysis of mono samples at 44.1 kHz without the way through a file."""
    mono = np.asarray(soxr.resample(samples, synth.RATE, pcm.ANALYSIS_RATE), np.float32)
    return analyse(pcm.Decoded(len(samples), mono, loudness.step_powers(np.repeat(samples[:, None], 2, axis=1))))


SONGS = [
    synth.Song(tempo=120, tonic=9),
    synth.Song(tempo=93.7, tonic=0, minor=True, start=0.9),
    synth.Song(tempo=128, tonic=2, timbre=1, start=1.2),
    synth.Song(tempo=140.3, tonic=5, timbre=2),
    synth.Song(tempo=75, tonic=10, minor=True, tuning_cents=-25),
    synth.Song(tempo=100, tonic=7, beats_per_bar=3),
]


@pytest.mark.parametrize("song", SONGS, ids=lambda song: f"{song.tempo}")
def test_tempo_beats_bars_and_key_of_a_known_song(song: synth.Song) -> None:
    heard = listen(synth.play(song))
    assert heard.tempo_bpm == pytest.approx(song.tempo, rel=0.002)
    assert heard.steady
    assert heard.tempo_confidence > 0.5
    beats = np.array(heard.beats)
    truth = np.arange(song.start, song.seconds - 0.2, song.beat)
    errors = np.abs(truth[:, None] - beats).min(axis=1)
    assert float(np.median(errors)) < 0.004
    assert float(errors.max()) < 0.015
    assert heard.beats_per_bar == song.beats_per_bar
    bars = beats[list(heard.downbeats)]
    assert float(np.abs(song.downbeats()[:, None] - bars).min(axis=1).max()) < 0.02
    assert heard.key == f"{NOTES[song.tonic]} {'minor' if song.minor else 'major'}"
    assert heard.key_confidence > 0.3
    assert heard.tuning_cents == pytest.approx(song.tuning_cents, abs=4)
    for rows in (heard.energy, heard.chroma, heard.brightness, heard.balance):
        assert len(rows) == len(heard.downbeats)
    assert all(200 < hertz < 10_000 for hertz in heard.brightness)
    assert all(sum(shares) == pytest.approx(1, abs=0.01) for shares in (*heard.chroma, *heard.balance))
    assert len(heard.accents) == len(heard.beats)
    assert heard.phrases[0] == 0
    assert Analysis.from_json(json.loads(json.dumps(heard.to_json()))) == heard


def test_silence_inside_a_source_is_found(tmp_path: Path) -> None:
    samples = synth.stereo(synth.Song(seconds=12))
    samples[: 2 * synth.RATE] = 0
    samples[7 * synth.RATE : 9 * synth.RATE] = 0
    heard = hear(synth.write(tmp_path / "a.wav", samples), tmp_path / "a.pcm", still)
    assert heard.silences == ((0.0, 2.0), (7.0, 9.0))


def test_a_tempo_that_drifts_is_followed_and_not_called_steady() -> None:
    """The same song played from 100 to 112 % of its speed."""
    samples = synth.play(synth.Song(tempo=110, seconds=40))
    place = np.arange(0, len(samples) * 0.94)
    speed = 1 + 0.12 * place / len(place)
    drifting = np.interp(np.cumsum(speed), np.arange(len(samples)), samples).astype(np.float32)
    heard = listen(drifting)
    assert not heard.steady
    places = np.interp(np.arange(0.3, 38, 60 / 110), np.cumsum(speed) / synth.RATE, place / synth.RATE)
    errors = np.abs(places[4:-4, None] - np.array(heard.beats)).min(axis=1)
    assert float(np.median(errors)) < 0.03


def test_phrases_begin_where_the_music_changes() -> None:
    """Eight bars bright and loud, eight bars dull, after three bars of the dull one."""
    song = synth.Song(tempo=128, seconds=66, start=0.2)
    dull = np.convolve(synth.play(song), np.full(24, 1 / 24), mode="same") * 0.5
    samples, edges = dull.copy(), song.downbeats()
    for first in (3, 19):
        start, end = (round(edges[min(bar, len(edges) - 1)] * synth.RATE) for bar in (first, first + 8))
        samples[start:end] = synth.play(song)[start:end]
    heard = listen(samples.astype(np.float32))
    begins = np.array(heard.beats)[np.array(heard.downbeats)[list(heard.phrases)]]
    for bar in (3, 11, 19, 27):
        assert float(np.abs(begins - edges[bar]).min()) < 0.1
    assert heard.phrase_confidence > 0.5


def test_bare_clicks_have_a_tempo_but_neither_bars_nor_key() -> None:
    samples = np.zeros(synth.RATE * 30, np.float32)
    noise = np.random.default_rng(3)
    for at in range(synth.RATE // 4, len(samples) - 900, synth.RATE // 2):
        samples[at : at + 900] = noise.standard_normal(900) * np.exp(-np.arange(900) / 150) * 0.3
    heard = listen(samples)
    assert heard.tempo_bpm in (pytest.approx(120, rel=0.01), pytest.approx(60, rel=0.01))
    assert heard.beat_confidence > heard.downbeat_confidence
    assert heard.downbeat_confidence < 0.6
    assert heard.key_confidence < 0.15
    assert heard.phrase_confidence < 0.5


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(synth.RATE * 8),
        np.zeros(100),
        np.random.default_rng(0).standard_normal(synth.RATE * 20) * 0.1,
        np.random.default_rng(0).standard_normal(synth.RATE * 2) * 0.1,
        np.sin(np.arange(synth.RATE * 10) * 0.05),
    ],
    ids=["silence", "instant", "noise", "short noise", "tone"],
)
def test_what_has_no_beat_is_given_none(samples: np.ndarray[Any, Any]) -> None:
    heard = listen(samples.astype(np.float32))
    assert heard.tempo_confidence == 0.0
    assert heard.beats == heard.downbeats == heard.phrases == ()
    assert heard.beat_confidence == heard.meter_confidence == heard.downbeat_confidence == 0.0
    assert heard.phrase_confidence == heard.steady_confidence == 0.0
    assert heard.key_confidence < 0.15


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (48000, 2), (22050, 1), (8000, 1)])
def test_decoding_gives_the_same_music_at_44100_stereo(tmp_path: Path, rate: int, channels: int) -> None:
    song = synth.Song(seconds=12)
    mono = np.asarray(soxr.resample(synth.play(song), synth.RATE, rate), np.float32)
    path = synth.write(tmp_path / "a.wav", np.repeat(mono[:, None], channels, 1), rate)
    heard = hear(path, tmp_path / "a.pcm", still)
    samples = pcm.read(tmp_path / "a.pcm", 0, round(song.seconds * synth.RATE))
    assert (tmp_path / "a.pcm").stat().st_size == pytest.approx(song.seconds * synth.RATE * 8, abs=800)
    assert np.array_equal(samples[:, 0], samples[:, 1])
    assert heard.tempo_bpm == pytest.approx(120, rel=0.005)
    if rate >= synth.RATE:
        assert float(np.corrcoef(samples[:, 0], synth.play(song))[0, 1]) > 0.99


def test_reading_outside_the_file_is_silence(tmp_path: Path) -> None:
    samples = synth.stereo(synth.Song(seconds=1))
    samples.tofile(tmp_path / "a.pcm")
    around = pcm.read(tmp_path / "a.pcm", -10, len(samples) + 20)
    assert not around[:10].any()
    assert not around[-10:].any()
    assert np.array_equal(around[10:-10], samples)
    assert not pcm.read(tmp_path / "a.pcm", len(samples) * 3, 50).any()
    assert not pcm.read(tmp_path / "a.pcm", -500, 50).any()
