"""The measures against signals whose loudness and peaks are known from the standards."""

from __future__ import annotations

import numpy as np
import pytest

from bot.audio import limiter, loudness
from tests.audio import synth


def sine(frequency: float, dbfs: float, seconds: float) -> synth.Samples:
    time = np.arange(round(seconds * synth.RATE)) / synth.RATE
    return np.repeat((10 ** (dbfs / 20) * np.sin(2 * np.pi * frequency * time))[:, None], 2, 1).astype(np.float32)


def measure(samples: synth.Samples) -> float:
    return loudness.integrated(loudness.step_powers(samples))


@pytest.mark.parametrize("dbfs", [-23.0, -33.0])
def test_stereo_sine_of_ebu_tech_3341_cases_1_and_2(dbfs: float) -> None:
    assert measure(sine(1000, dbfs, 20)) == pytest.approx(dbfs, abs=0.1)


def test_gates_of_ebu_tech_3341_cases_3_and_4() -> None:
    quiet, loud, whisper = sine(1000, -36, 10), sine(1000, -23, 60), sine(1000, -72, 10)
    assert measure(np.concatenate([quiet, loud, quiet])) == pytest.approx(-23, abs=0.1)
    assert measure(np.concatenate([whisper, quiet, loud, quiet, whisper])) == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(("frequency", "gain"), [(60.0, -2.95), (100.0, -1.18), (997.0, 0.69), (6000.0, 4.0)])
def test_the_weighting_curve_at_known_frequencies(frequency: float, gain: float) -> None:
    """Gains read from the magnitude of the two filters of BS.1770 at 48 kHz."""
    assert measure(sine(frequency, -20, 5)) == pytest.approx(-20.69 + gain, abs=0.3)


def test_silence_has_the_floor() -> None:
    assert measure(np.zeros((synth.RATE, 2), np.float32)) == loudness.FLOOR_LUFS
    assert measure(np.zeros((10, 2), np.float32)) == loudness.FLOOR_LUFS


def test_true_peak_between_the_samples() -> None:
    """A quarter-rate sine sampled off its crests peaks 3 dB above its samples (BS.1770-5 annex 2)."""
    time = np.arange(synth.RATE)
    wave = np.sin(np.pi / 2 * time + np.pi / 4)[:, None].repeat(2, 1).astype(np.float32)
    wave *= np.minimum(1, np.minimum(time, time[::-1]) / 2000)[:, None]
    assert float(np.abs(wave).max()) == pytest.approx(0.707, abs=0.01)
    assert loudness.true_peak(wave.astype(np.float32)) == pytest.approx(1.0, abs=0.02)


def mastered(samples: synth.Samples, target: float, ceiling: float) -> tuple[synth.Samples, limiter.Gains]:
    line = limiter.gains(limiter.survey(samples, target, ceiling), target, ceiling)
    return np.concatenate(list(limiter.blocks(samples, line))), line


def test_the_limiter_holds_the_true_peak_and_leaves_the_rest_alone() -> None:
    samples = synth.stereo(synth.Song(seconds=6, level=0.4))
    samples[100_000:100_050] *= 12
    after, line = mastered(samples, measure(samples), -6.0)
    assert loudness.decibels(loudness.true_peak(after)) <= -5.9
    assert line.min() < 0.9 * line.max()
    for part in (slice(0, 90_000), slice(110_000, None)):
        assert np.array_equal(after[part], samples[part] * line.max())


def test_mastering_reaches_the_target() -> None:
    after, _ = mastered(synth.stereo(synth.Song(seconds=8, level=0.2)), -14.0, -2.0)
    assert measure(after) == pytest.approx(-14.0, abs=0.1)
    assert loudness.decibels(loudness.true_peak(after)) <= -1.95


def test_powers_of_a_stream_do_not_depend_on_its_blocks() -> None:
    samples = synth.stereo(synth.Song(seconds=3))
    collector = loudness.Collector()
    for first, last in ((0, 1), (1, 3000), (3000, 4410), (4410, 30_000), (30_000, len(samples))):
        collector.add(samples[first:last])
    assert np.allclose(collector.all(), loudness.step_powers(samples))


def test_true_peak_of_a_stream_does_not_depend_on_its_blocks() -> None:
    samples = synth.stereo(synth.Song(seconds=3))
    samples[29_990:30_010] = 0.9 * np.sin(np.pi / 2 * np.arange(20) + np.pi / 4)[:, None]
    peak = loudness.TruePeak()
    for first, last in ((0, 1), (1, 70), (70, 4410), (4410, 30_000), (30_000, len(samples))):
        peak.add(samples[first:last])
    whole = float(np.max(loudness.chunk_peaks(samples, float(np.abs(samples).max()))))
    assert peak.value() == pytest.approx(whole, rel=1e-5)
    assert peak.value() > 1.1 * float(np.abs(samples).max())
