"""Short music whose tempo, downbeats and key are known exactly, made of drums, a bass and chords."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lameenc
import numpy as np
import soundfile as sf
from numpy.typing import NDArray

RATE = 44100
Samples = NDArray[np.float32]

MAJOR = (0, 7, 9, 5)  # I V vi IV, as semitones above the tonic
MINOR = (0, 5, 7, 0)  # i iv v i
MINOR_CHORDS = {MAJOR: (False, False, True, False), MINOR: (True, True, True, True)}


@dataclass(frozen=True)
class Song:
    """What to play: `tonic` counts semitones above C, `start` is the time of the first downbeat in seconds."""

    tempo: float = 120.0
    seconds: float = 30.0
    tonic: int = 9
    minor: bool = False
    start: float = 0.3
    beats_per_bar: int = 4
    tuning_cents: float = 0.0
    level: float = 0.5
    timbre: int = 0

    @property
    def beat(self) -> float:
        return 60.0 / self.tempo

    def downbeats(self) -> NDArray[np.float64]:
        return np.arange(self.start, self.seconds - 0.05, self.beat * self.beats_per_bar)


def _add(track: Samples, at: float, sound: Samples) -> None:
    first = round(at * RATE)
    piece = sound[: max(0, len(track) - first)]
    if first >= 0:
        track[first : first + len(piece)] += piece


def _decay(seconds: float, half_life: float) -> NDArray[np.float64]:
    return 0.5 ** (np.arange(round(seconds * RATE)) / RATE / half_life)


def _kick() -> Samples:
    time = np.arange(round(0.25 * RATE)) / RATE
    phase = 2 * np.pi * (52 * time + 3.5 * (1 - np.exp(-time * 40)))
    return (np.sin(phase) * _decay(0.25, 0.05)).astype(np.float32)


def _noise(seconds: float, half_life: float, seed: int, *, bright: bool) -> Samples:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * _decay(seconds, half_life)
    if bright:
        noise = np.convolve(np.diff(noise, prepend=0.0), (0.25, 0.5, 0.25), mode="same")
    return noise.astype(np.float32)


def _tone(frequency: float, seconds: float, partials: int) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.sum([np.sin(2 * np.pi * frequency * n * time) / n for n in range(1, partials + 1)], axis=0)
    ramp = np.minimum(1.0, np.minimum(time, seconds - time) / 0.02)
    return (wave * ramp).astype(np.float32)


def _frequency(song: Song, semitones_above_c: float, octave: int) -> float:
    return 261.6256 * 2 ** ((semitones_above_c + song.tuning_cents / 100) / 12 + octave - 4)


def _drums(song: Song, track: Samples) -> None:
    kick, snare = _kick(), _noise(0.2, 0.03, 1 + song.timbre, bright=False) * 0.35
    hat = _noise(0.06, 0.01, 2 + song.timbre, bright=True) * 0.4
    for index, at in enumerate(np.arange(song.start, song.seconds, song.beat)):
        place = index % song.beats_per_bar
        if place in {0, 2} if song.beats_per_bar == 4 else place == 0:
            _add(track, at, kick)
        else:
            _add(track, at, snare)
        _add(track, at, hat)
        _add(track, at + song.beat / 2, hat * 0.7)


def _harmony(song: Song, track: Samples) -> None:
    progression = MINOR if song.minor else MAJOR
    bar = song.beat * song.beats_per_bar
    chords: list[tuple[Samples, Samples]] = []
    for degree, minor_third in zip(progression, MINOR_CHORDS[progression], strict=True):
        root = song.tonic + degree
        notes = (root, root + (3 if minor_third else 4), root + 7)
        pad = sum((_tone(_frequency(song, note % 12, 4), bar, 4 + song.timbre) for note in notes), np.float32(0.0))
        chords.append(
            (np.asarray(pad, np.float32) * 0.11, _tone(_frequency(song, root % 12, 2), song.beat * 0.9, 3))
        )
    for index, at in enumerate(song.downbeats()):
        pad, bass = chords[index % 4]
        _add(track, at, pad)
        for beat in range(song.beats_per_bar):
            _add(track, at + beat * song.beat, bass * 0.22)


def play(song: Song) -> Samples:
    """The song as mono samples at 44.1 kHz, peak at `song.level`."""
    track = np.zeros(round(song.seconds * RATE), np.float32)
    _drums(song, track)
    _harmony(song, track)
    return track * np.float32(song.level / np.max(np.abs(track)))


def stereo(song: Song) -> Samples:
    """The song as (samples, 2) with a slightly different right side."""
    left = play(song)
    right = np.roll(left, 9)
    return np.stack([left, right], axis=1)


def write_mp3(path: Path, samples: Samples, bit_rate: int = 128) -> Path:
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(bit_rate)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(samples.shape[1] if samples.ndim > 1 else 1)
    encoder.set_quality(7)
    encoder.silence()
    whole = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    path.write_bytes(bytes(encoder.encode(whole.tobytes())) + bytes(encoder.flush()))
    return path


def write_m4a(path: Path, samples: Samples) -> Path:
    """AAC, by the extra `m4a`, which has to be installed."""
    av: Any = importlib.import_module("av")
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=RATE, layout="stereo")
        for first in range(0, len(samples), 1024):
            planes = np.ascontiguousarray(samples[first : first + 1024].T, np.float32)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, first
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write(path: Path, samples: Samples, rate: int = RATE, subtype: str | None = None) -> Path:
    """Any format of libsndfile, in blocks: one-call Ogg Vorbis of long audio crashes it (libsndfile #1095)."""
    channels = samples.shape[1] if samples.ndim > 1 else 1
    with sf.SoundFile(path, "w", rate, channels, subtype) as file:
        for first in range(0, len(samples), 65536):
            file.write(samples[first : first + 65536])
    return path
