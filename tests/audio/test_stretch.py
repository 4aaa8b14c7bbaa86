"""Phrases at another speed and pitch: beats stay where the plan says, whichever way they are made."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bot.audio import stretch
from bot.audio.pcm import RATE
from bot.engines.local.keys import as_record, record_shift
from bot.engines.local.plan import Span
from bot.engines.local.render import Phrases

SECONDS = 8.0
TONE = 440.0


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A soft tone with a click each half second, as the engine keeps it."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    line = 0.02 * np.sin(2 * np.pi * TONE * time)
    for second in np.arange(0.5, SECONDS, 0.5):
        line[round(second * RATE)] += 0.9
    path = tmp_path_factory.mktemp("clicks") / "clicks.pcm"
    np.repeat(line.astype(np.float32)[:, None], 2, axis=1).tofile(path)
    return path


def made(path: Path, speed: float, way: str) -> tuple[np.ndarray, int]:
    """Seconds 2 to 6 at that speed, and the frames before the first."""
    frames, lead_in = round(4 / speed * RATE), RATE // 2
    place = (2.0, 2.0 + frames / RATE * speed)
    if way == "record":
        return stretch.record(path, place, frames, lead_in), lead_in
    shift = record_shift(speed) if way == "phrase" else {"near": 0.5, "far": -3.0}[way]
    return stretch.phrase(path, place, frames, lead_in, shift), lead_in


@pytest.mark.parametrize("way", ["record", "phrase", "near", "far"])
@pytest.mark.parametrize("speed", [0.87, 1.0, 1.11])
def test_clicks_lie_where_the_speed_puts_them(clicks: Path, speed: float, way: str) -> None:
    samples, lead_in = made(clicks, speed, way)
    assert len(samples) == lead_in + round(4 / speed * RATE)
    for second in (0.5, 1.0, 2.5, 3.5):
        due = lead_in + round(second / speed * RATE)
        near = np.abs(samples[due - 2000 : due + 2000, 0])
        assert abs(int(near.argmax()) - 2000) <= RATE // 1000


@pytest.mark.parametrize("way", ["record", "phrase"])
def test_both_ways_of_a_record_have_its_pitch(clicks: Path, way: str) -> None:
    samples, _ = made(clicks, 1.11, way)
    spectrum = np.abs(np.fft.rfft(np.clip(samples[:, 0], -0.03, 0.03) * np.hanning(len(samples))))
    loudest = float(spectrum.argmax()) * RATE / len(samples)
    assert 12 * math.log2(loudest / TONE) == pytest.approx(record_shift(1.11), abs=0.1)


def test_what_counts_as_a_record() -> None:
    assert as_record(1.0, 0.0)
    assert as_record(1.05946, 1.01)
    assert not as_record(1.05946, 0.9)
    assert not as_record(1.1, 0.0)


def test_what_lies_in_a_stretched_piece_is_cut_from_it(clicks: Path) -> None:
    """Seconds 1 to 7 hold 3 to 5 with their lead-in, but not 1 to 3 with a longer one, nor another speed."""
    phrases, second, lead_in = Phrases({"a": clicks, "b": clicks}), round(RATE / 1.11), RATE // 2
    whole = phrases.samples("a", Span(1.0, 7.0, 6), 6 * second, lead_in, 1.0)
    part = phrases.samples("a", Span(3.0, 5.0, 2), 2 * second, lead_in, 1.0)
    assert np.shares_memory(whole, part)
    assert len(part) == lead_in + 2 * second
    for click in (0.5, 1.0, 1.5):
        due = lead_in + round(click / 1.11 * RATE)
        assert abs(int(np.abs(part[due - 2000 : due + 2000, 0]).argmax()) - 2000) <= RATE // 1000
    assert phrases.find("a", Span(1.0, 3.0, 2), 2 * second, lead_in + 100, 1.0) is None
    assert phrases.find("a", Span(6.0, 8.0, 2), 2 * second, lead_in, 1.0) is None
    assert phrases.find("a", Span(3.0, 5.0, 2), 2 * second - 100, lead_in, 1.0) is None
    assert phrases.find("a", Span(3.0, 5.0, 2), 2 * second, lead_in, 2.0) is None
    assert phrases.find("b", Span(3.0, 5.0, 2), 2 * second, lead_in, 1.0) is None
