"""The measuring stick: tempo maps are read right, scores count right, nothing is measured on what was tuned on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import hearing, midi, styles, truth
from bot.engines.local.plan import Analysis

KNOWN = truth.Truth(
    name="made up",
    style="Waltz",
    tempo=120.0,
    beats=np.arange(0.5, 60, 0.5),
    downbeats=np.arange(0.5, 60, 1.5),
    phrases=np.arange(0.5, 60, 12.0),
    beats_per_bar=3,
    tonic=9,
    mode="minor",
    tuning_cents=0.0,
    steady=True,
)


def heard(tempo: float = 120.0, late: float = 0.0, beats_per_bar: int = 3, first: int = 0) -> Analysis:
    beats = np.arange(0.5 + late, 60, 60 / tempo)
    return Analysis(
        seconds=60.0,
        loudness_lufs=-14.0,
        tempo_bpm=tempo,
        tempo_confidence=0.9,
        steady=True,
        beats=tuple(beats.tolist()),
        beat_confidence=0.9,
        downbeats=tuple(range(first, len(beats), beats_per_bar)),
        beats_per_bar=beats_per_bar,
        downbeat_confidence=0.9,
        tonic=9,
        mode="minor",
        key_confidence=0.9,
    )


def two_tempi(file: Path) -> Path:
    """120 for four quarters of 96 ticks, then 60; a note's running status between."""
    track = (
        b"\x00\xff\x51\x03\x07\xa1\x20" + b"\x00\x90\x3c\x40" + b"\x60\x3c\x00"
        b"\x82\x20\xff\x51\x03\x0f\x42\x40" + b"\x60\xff\x2f\x00"
    )
    head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60"
    file.write_bytes(head + b"MTrk" + len(track).to_bytes(4, "big") + track)
    return file


def test_a_tempo_map_tells_when_ticks_sound(tmp_path: Path) -> None:
    ticks = midi.tempo_map(two_tempi(tmp_path / "a.mid"))
    assert ticks.last_tick == 480
    assert ticks.seconds(np.array([0.0, 96.0, 384.0, 480.0])).tolist() == [0.0, 0.5, 2.0, 3.0]


def test_finer_ticks_sound_at_the_same_moments(tmp_path: Path) -> None:
    file = two_tempi(tmp_path / "a.mid")
    midi.refine(file, 64)
    ticks = midi.tempo_map(file)
    assert (ticks.ticks_per_quarter, ticks.last_tick) == (96 * 64, 480 * 64)
    assert ticks.seconds(64 * np.array([0.0, 96.0, 384.0, 480.0])).tolist() == [0.0, 0.5, 2.0, 3.0]
    assert b"\x00\x90\x3c\x40" + b"\xb0\x00" + b"\x3c\x00" in file.read_bytes()


def test_what_is_measured_was_never_tuned_on() -> None:
    tuned, measured = truth.tuning_pieces(truth.GATE * 2), truth.gate_pieces(hearing.PIECES)
    assert not {piece.seed for piece in tuned} & {piece.seed for piece in measured}
    assert not {style.groove for style in styles.KNOWN} & {style.groove for style in styles.UNKNOWN}
    assert {piece.style for piece in tuned} <= set(styles.KNOWN)
    assert len({piece.style for piece in measured} & set(styles.UNKNOWN)) > 20
    assert truth.gate_pieces(9) == truth.gate_pieces(9)


def test_scores_count_what_they_say() -> None:
    assert hearing.beats_right(KNOWN, heard())
    assert hearing.bars_right(KNOWN, heard())
    assert hearing.beats_right(KNOWN, heard(tempo=60))
    assert hearing.beats_right(KNOWN, heard(tempo=240))
    assert not hearing.tempo_right(KNOWN, heard(tempo=60))
    assert not hearing.beats_right(KNOWN, heard(late=0.25))
    assert not hearing.bars_right(KNOWN, heard(first=1))
    assert not hearing.bars_right(KNOWN, heard(beats_per_bar=4))
    assert hearing.mirex(KNOWN, heard()) == 1.0
    assert hearing.mirex(KNOWN, replace(heard(), tonic=4)) == 0.5
    assert hearing.mirex(KNOWN, replace(heard(), tonic=0, mode="major")) == 0.3
    assert hearing.mirex(KNOWN, replace(heard(), mode="major")) == 0.2
    assert hearing.mirex(KNOWN, replace(heard(), tonic=10)) == 0.0
    assert hearing.f_measure(KNOWN.beats, KNOWN.beats[::2], 0.07) == pytest.approx(2 / 3, abs=0.01)


def test_layers_that_are_heard_right_meet_and_others_do_not() -> None:
    other = replace(KNOWN, tempo=126.0, beats=KNOWN.beats / 1.05, downbeats=KNOWN.downbeats / 1.05)
    right = replace(heard(), tempo_bpm=126.0, beats=tuple(beat / 1.05 for beat in heard().beats))
    together = hearing.meet((KNOWN, heard()), (other, right))
    assert together.layered
    assert together.apart < 0.001
    assert together.same_bars
    drifting = hearing.meet((KNOWN, heard()), (other, replace(right, steady=False, residual_ms=40.0)))
    assert drifting.layered
    assert drifting.apart < 0.001
    slipped = replace(right, beats=tuple(beat + 0.2 for beat in right.beats))
    assert hearing.meet((KNOWN, heard()), (other, slipped)).apart > 0.1
    shifted = replace(right, downbeats=tuple(beat + 1 for beat in right.downbeats[:-1]))
    assert hearing.meet((KNOWN, heard()), (other, shifted)).same_bars is False


@pytest.mark.skipif(bool(truth.missing()), reason=f"needs {truth.NEEDS}")
def test_a_piece_is_heard_as_it_was_written(tmp_path: Path) -> None:
    piece = replace(truth.draw(3, styles.KNOWN), tempo=112, drift=0.0)
    known, analysis = hearing.listen(piece, tmp_path)
    assert known.tempo == pytest.approx(112 * 2 ** (piece.tuning_cents / 1200), rel=0.001)
    assert hearing.bars_right(known, analysis)
    assert hearing.key_right(known, analysis)
    assert hearing.tuning_right(known, analysis)


@pytest.mark.skipif(bool(truth.missing()), reason=f"needs {truth.NEEDS}")
def test_a_piece_that_becomes_faster_is_played_when_its_score_says(tmp_path: Path) -> None:
    """With the sampler's own half ticks the last beats come 50 ms before those of the score."""
    piece = replace(truth.draw(80, styles.KNOWN), tempo=80, drift=0.03)
    known, analysis = hearing.listen(piece, tmp_path)
    late = np.array([beat - known.beats[np.argmin(np.abs(known.beats - beat))] for beat in analysis.beats])
    inside = (np.array(analysis.beats) > known.beats[0]) & (np.array(analysis.beats) < known.beats[-1])
    first, last = (np.median(part) for part in np.array_split(late[inside], 4)[::3])
    assert not known.steady
    assert abs(first - last) < 0.015
