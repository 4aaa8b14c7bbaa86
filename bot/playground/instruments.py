"""Small synthesised instruments: frequencies (Hz) and a length (s) in, stereo sound out; the same every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.floating]
"""Shape (2, samples) once it is stereo, (samples,) before."""
Instrument = Callable[[Sequence[float], float], Sound]

RATE = 44100
_TABLE = 4096
_TOP = 15_000.0  # Hz; no partial above it, so nothing folds back


def _time(seconds: float) -> Sound:
    return np.arange(int(seconds * RATE), dtype=np.float32) / np.float32(RATE)


def _decay(time: Sound, seconds: float) -> Sound:
    return np.exp(-time / np.float32(seconds))


def _shape(samples: int, attack: float, release: float) -> Sound:
    """1 with rounded ends, so that no note clicks."""
    shape = np.ones(samples, np.float32)
    for seconds, part in ((attack, slice(None)), (release, slice(None, None, -1))):
        length = min(samples, int(seconds * RATE))
        shape[part][:length] *= np.sin(np.linspace(0, np.pi / 2, length, dtype=np.float32)) ** 2
    return shape


def _spread(left: Sound, right: Sound | None = None) -> Sound:
    return np.stack([left, left if right is None else right])


@lru_cache(maxsize=512)
def _saw(partials: int, cutoff: float) -> Sound:
    """One period of a sawtooth behind a low-pass; `cutoff` in multiples of the fundamental."""
    number = np.arange(1, partials + 1)
    spectrum = np.zeros(_TABLE // 2 + 1, complex)
    spectrum[1 : partials + 1] = -1j / number / np.sqrt(1 + (number / cutoff) ** 6)
    return (np.fft.irfft(spectrum) * _TABLE / 4).astype(np.float32)


def _swept(frequency: float, samples: int, sweep: Sound | float, dark: float, bright: float, phase: float) -> Sound:
    """A sawtooth whose low-pass moves from `dark` to `bright` Hz as `sweep` goes from 0 to 1."""
    index = ((np.arange(samples) * (frequency / RATE) + phase) * _TABLE).astype(np.int64) & (_TABLE - 1)
    partials = max(1, min(200, int(_TOP / frequency)))
    low, high = (_saw(partials, round(cutoff / frequency, 2)) for cutoff in (dark, bright))
    return low[index] + sweep * (high - low)[index]


def _noise(seconds: float, low: float, high: float, seed: int) -> Sound:
    """Noise between two frequencies (Hz), at most 1."""
    samples = int(seconds * RATE)
    length = 1 << samples.bit_length()
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length, np.float32))
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    spectrum *= 1 / np.sqrt(1 + (low / np.maximum(hertz, 1)) ** 6) / np.sqrt(1 + (hertz / high) ** 6)
    noise = np.fft.irfft(spectrum, length)[:samples]
    return (noise / np.abs(noise).max()).astype(np.float32)


def _sweep_down(seconds: float, start: float, end: float, fall: float) -> Sound:
    """A sine that falls from `start` to `end` Hz within about `fall` seconds."""
    time = _time(seconds)
    return np.sin(2 * np.pi * (end * time + (start - end) * fall * (1 - _decay(time, fall)))).astype(np.float32)


def kick(_frequencies: Sequence[float], _seconds: float) -> Sound:
    """The house kick: a click, a punch, a short low end."""
    time = _time(0.4)
    body = np.tanh(2.2 * _sweep_down(0.4, 210, 49, 0.035) * _decay(time, 0.13))
    click = _noise(0.4, 1500, 9000, 1) * _decay(time, 0.004)
    return _spread((body + 0.35 * click) * _shape(len(time), 0.0005, 0.05))


def soft_kick(_frequencies: Sequence[float], _seconds: float) -> Sound:
    """A felt beater."""
    time = _time(0.45)
    return _spread(
        np.tanh(1.4 * _sweep_down(0.45, 120, 52, 0.03) * _decay(time, 0.16)) * _shape(len(time), 0.001, 0.05)
    )


def clap(_frequencies: Sequence[float], _seconds: float) -> Sound:
    """Three hands close together, then the room."""
    time = _time(0.35)
    hands = sum(np.where(time >= at, _decay(np.maximum(time - at, 0), 0.006), 0) for at in (0.0, 0.011, 0.021))
    room = np.where(time >= 0.028, _decay(np.maximum(time - 0.028, 0), 0.07), 0)
    return _spread(*((_noise(0.35, 900, 6500, seed) * (hands + room)).astype(np.float32) for seed in (2, 3)))


def snare(_frequencies: Sequence[float], _seconds: float) -> Sound:
    """A dry snare with some wood in it."""
    time = _time(0.3)
    wood = _sweep_down(0.3, 260, 185, 0.02) * _decay(time, 0.06)
    return _spread(*((0.6 * wood + _noise(0.3, 1200, 8500, seed) * _decay(time, 0.085)) for seed in (4, 5)))


def hat(_frequencies: Sequence[float], _seconds: float) -> Sound:
    """Closed hi-hat."""
    return _spread(_noise(0.09, 7500, 14_000, 6) * _decay(_time(0.09), 0.022))


def open_hat(_frequencies: Sequence[float], _seconds: float) -> Sound:
    """Open hi-hat, for the off-beats of house."""
    return _spread(*(_noise(0.28, 6500, 14_000, seed) * _decay(_time(0.28), 0.085) for seed in (7, 8)))


def crash(_frequencies: Sequence[float], _seconds: float) -> Sound:
    """A cymbal that says: something new begins here."""
    return _spread(*(_noise(2.2, 3500, 13_000, seed) * _decay(_time(2.2), 0.55) for seed in (9, 10)))


def riser(_frequencies: Sequence[float], seconds: float) -> Sound:
    """Noise that grows and brightens towards its end."""
    way = _time(seconds) / np.float32(seconds)
    dull, bright = _noise(seconds, 300, 1500, 11), _noise(seconds, 3000, 11_000, 12)
    grown = (dull * (1 - way) + bright * way) * way**2 * _shape(len(way), 0.01, 0.02)
    return _spread(grown, -grown)


def synth_bass(frequencies: Sequence[float], seconds: float) -> Sound:
    """A sawtooth over its own sub, the filter closing on every note."""
    time = _time(seconds)
    saw = _swept(frequencies[0], len(time), _decay(time, 0.09), 220, 1900, 0)
    sub = np.sin(2 * np.pi * frequencies[0] * time)
    return _spread(np.tanh(0.9 * saw + 0.5 * sub) * _shape(len(time), 0.004, 0.03))


def round_bass(frequencies: Sequence[float], seconds: float) -> Sound:
    """A plucked bass: soft, dark, dying away."""
    time = _time(seconds)
    angle = 2 * np.pi * frequencies[0] * time
    tone = (
        np.sin(angle) + 0.45 * np.sin(2 * angle) * _decay(time, 0.3) + 0.2 * np.sin(3 * angle) * _decay(time, 0.12)
    )
    return _spread((np.tanh(1.2 * tone) * _decay(time, 0.9) * _shape(len(time), 0.006, 0.04)).astype(np.float32))


def pad(frequencies: Sequence[float], seconds: float) -> Sound:
    """Three detuned sawtooths a note, wide, slow in and slow out."""
    time = _time(seconds + 0.25)
    opening = (0.5 - 0.5 * np.cos(2 * np.pi * time / np.float32(seconds + 0.25))).astype(np.float32)
    out = np.zeros((2, len(time)), np.float32)
    for number, frequency in enumerate(frequencies):
        for cents, right in ((-9, 0.15), (1, 0.5), (8, 0.85)):
            phase = (0.37 * number + right) % 1
            voice = _swept(frequency * 2 ** (cents / 1200), len(time), opening, 900, 4200, phase)
            out += voice * np.array([[1 - right], [right]], np.float32)
    return out * _shape(len(time), 0.12, 0.3) / len(frequencies)


def lead(frequencies: Sequence[float], seconds: float) -> Sound:
    """Two sawtooths twelve cents and half a room apart, plucked open and left to close."""
    time = _time(seconds + 0.12)
    shape = (0.35 + 0.65 * _decay(time, 0.35)) * _shape(len(time), 0.003, 0.12)
    sides: list[Sound] = []
    for cents, phase in ((-6, 0.1), (6, 0.6)):
        moved = frequencies[0] * 2 ** (cents / 1200)
        sides.append(_swept(moved, len(time), _decay(time, 0.2), 1500, 8000, phase) * shape)
    return _spread(0.7 * sides[0] + 0.3 * sides[1], 0.3 * sides[0] + 0.7 * sides[1])


def arp(frequencies: Sequence[float], seconds: float) -> Sound:
    """A short bright pluck."""
    time = _time(seconds + 0.1)
    voice = _swept(frequencies[0], len(time), _decay(time, 0.06), 700, 6500, 0.25)
    return _spread(voice * _decay(time, 0.14) * _shape(len(time), 0.002, 0.08))


def keys(frequencies: Sequence[float], seconds: float) -> Sound:
    """An electric piano: a sine bent by a sine, notes slightly rolled, trembling from side to side."""
    time = _time(seconds + 0.3)
    out = np.zeros(len(time), np.float32)
    for number, frequency in enumerate(frequencies):
        start = int(0.011 * number * RATE)
        own = time[: len(time) - start]
        angle = 2 * np.pi * frequency * own
        tine = 0.2 * np.sin(7 * angle) * _decay(own, 0.05)
        out[start:] += (np.sin(angle + 1.6 * _decay(own, 0.45) * np.sin(angle)) + tine) * _decay(own, 1.3)
    out *= _shape(len(time), 0.004, 0.3) / np.float32(len(frequencies))
    tremble = 0.22 * np.sin(2 * np.pi * 4.3 * time)
    return _spread(out * (1 + tremble), out * (1 - tremble))


def music_box(frequencies: Sequence[float], seconds: float) -> Sound:
    """A small bell with a wooden start."""
    time = _time(seconds + 0.5)
    angle = 2 * np.pi * frequencies[0] * time
    tone = np.sin(angle + 1.1 * _decay(time, 0.12) * np.sin(3 * angle)) + 0.25 * np.sin(2 * angle) * _decay(
        time, 0.2
    )
    return _spread((tone * _decay(time, 0.55) * _shape(len(time), 0.002, 0.3)).astype(np.float32))


def dust(seconds: float) -> Sound:
    """The crackle and breath of an old record."""
    random = np.random.default_rng(13)
    samples = int(seconds * RATE)
    clicks = np.zeros((2, samples))
    at = random.integers(0, samples, int(seconds * 9))
    clicks[random.integers(0, 2, len(at)), at] = random.exponential(1.0, len(at))
    tick = _noise(0.002, 1500, 8000, 14) * _decay(_time(0.002), 0.0006)
    spread = np.stack([np.convolve(side, tick)[:samples] for side in clicks])
    breath = np.stack([_noise(seconds, 500, 6000, seed) for seed in (15, 16)])
    return (0.5 * spread + 0.08 * breath).astype(np.float32)
