"""The finished tracks: level, peaks, bars, layers, roles, options and repeatability, measured on the files."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from bot.audio import loudness
from bot.engines.local import mixing
from bot.engines.local.plan import Analysis
from bot.engines.local.planner import plan
from bot.engines.local.render import Phrases, render
from bot.errors import Code, Refused
from tests.audio import synth
from tests.audio.conftest import ONE, Mixer, prepared


def decode(report: dict[str, Any], track: dict[str, Any]) -> synth.Samples:
    samples, rate = sf.read(report["directory"] / track["file"], dtype="float32", always_2d=True)
    assert rate == synth.RATE
    return np.asarray(samples, np.float32)


def brute_true_peak(samples: synth.Samples) -> float:
    """Eightfold oversampling by zero-stuffing the spectrum; nothing shared with the code under test."""
    peak = 0.0
    for first in range(0, len(samples), 1 << 16):
        piece = samples[max(0, first - 2048) : first + (1 << 16) + 2048]
        spectrum = np.fft.rfft(piece.astype(np.float64), axis=0)
        fine = np.fft.irfft(spectrum, len(piece) * 8, axis=0) * 8
        peak = max(peak, float(np.abs(fine[4096:-4096]).max()))
    return 20 * np.log10(peak)


def test_the_decoded_mp3_has_its_loudness_and_peak(mashup: dict[str, Any]) -> None:
    for track in mashup["tracks"]:
        samples = decode(mashup, track)
        level = loudness.integrated(loudness.step_powers(samples))
        assert level == pytest.approx(-14.0, abs=0.3)
        assert level == pytest.approx(track["loudness_lufs"], abs=0.05)
        assert brute_true_peak(samples) <= -1.0
        assert track["true_peak_dbtp"] <= -1.0
        assert float(np.abs(samples).max()) < 1.0


def test_a_codec_that_went_far_over_one_track_is_given_more_room_in_the_next() -> None:
    assert mixing.ceiling_after(0.9) == mixing.CEILING_DBTP
    assert mixing.ceiling_after(2.5) + 2.5 == pytest.approx(mixing.PEAK_DBTP - mixing.SPREAD_DB)


def test_length_is_whole_bars_and_sections_lie_on_them(mashup: dict[str, Any]) -> None:
    for track in mashup["tracks"]:
        bar = 60 / track["tempo_bpm"] * track["beats_per_bar"]
        assert track["seconds"] / bar == pytest.approx(round(track["seconds"] / bar), abs=0.001)
        edges = [section["start"] for section in track["sections"]] + [track["sections"][-1]["end"]]
        assert edges[0] == 0
        assert edges[-1] == pytest.approx(track["seconds"], abs=0.002)
        for edge, section in zip(edges[1:], track["sections"], strict=True):
            assert section["end"] == edge
            assert edge / bar == pytest.approx(round(edge / bar), abs=0.001)
        assert {"a", "b", "ab"} & {section["layers"] for section in track["sections"]}
        assert "ab" in {section["layers"] for section in track["sections"]}


def test_phrases_start_on_heard_downbeats(mashup: dict[str, Any]) -> None:
    heard = dict(zip("ab", (source["downbeats"] for source in mashup["sources"]), strict=True))
    for track in mashup["tracks"]:
        for section in track["sections"]:
            for name, spans in section["phrases"].items():
                for span in spans:
                    assert min(abs(span["start"] - time) for time in heard[name]) < 1e-4


def test_the_rendered_beats_of_both_layers_fall_together(pair: list[dict[str, Any]]) -> None:
    """Each layer alone against the plan's own beat: the phase of its onsets is within 15 ms."""
    one, two = (Analysis.from_json(source["analysis"]) for source in pair)
    made = plan(one, two, 7)
    paths = {"a": Path(pair[0]["pcm"]), "b": Path(pair[1]["pcm"])}
    for name in ("a", "b"):
        alone = replace(
            made,
            sections=tuple(
                replace(
                    section,
                    parts=tuple(replace(part, bass=True) for part in section.parts if part.source == name),
                )
                for section in made.sections
            ),
        )
        samples = render(alone, Phrases({"a": paths["a"], "b": paths["b"]})).samples[:, 0]
        edges = np.abs(np.diff(samples))
        steps = edges[: len(edges) // 256 * 256].reshape(-1, 256).max(axis=1)
        rise = np.maximum(0, np.diff(steps))
        beat = 60 / made.tempo_bpm * synth.RATE / 256
        phase = np.angle(np.sum(rise * np.exp(-2j * np.pi * np.arange(len(rise)) / beat))) / (2 * np.pi)
        assert abs(phase * 60 / made.tempo_bpm) < 0.015, name


def test_both_takes_stretch_each_place_of_a_source_once(pair: list[dict[str, Any]]) -> None:
    one, two = (Analysis.from_json(source["analysis"]) for source in pair)
    first = plan(one, two, 7)
    phrases = Phrases({"a": Path(pair[0]["pcm"]), "b": Path(pair[1]["pcm"])})
    for made in (first, plan(one, two, 7, after=first)):
        render(made, phrases)
    spans = [span for section in first.sections for part in section.parts for span in part.spans]
    assert sum(map(len, phrases.kept.values())) < len(spans)
    for pieces in phrases.kept.values():
        lengths = [(len(piece.samples) - piece.lead_in) / synth.RATE * piece.speed for piece in pieces]
        ends = sorted((piece.start, piece.start + long) for piece, long in zip(pieces, lengths, strict=True))
        assert all(after[0] > before[1] - 0.001 for before, after in pairwise(ends))


def test_where_both_play_each_layer_is_within_12_lu_of_the_mix(mashup: dict[str, Any]) -> None:
    for track in mashup["tracks"]:
        both = [section for section in track["sections"] if section["layers"] == "ab"]
        assert both
        for section in both:
            levels = section["layer_lufs"]
            whole = 10 * np.log10(sum(10 ** (level / 10) for level in levels.values()))
            assert all(whole - level < 12 for level in levels.values())


def test_the_tracks_differ_in_roles_and_layout(mashup: dict[str, Any]) -> None:
    first, second = mashup["tracks"]
    assert (first["bed"], first["lead"]) == (second["lead"], second["bed"])
    assert first["pcm_sha256"] != second["pcm_sha256"]
    assert first["stretch"] == second["stretch"]
    assert first["layout"] != second["layout"]
    one, two = (decode(mashup, track).mean(axis=1) for track in (first, second))
    frames = min(len(one), len(two))
    assert abs(float(np.corrcoef(one[:frames], two[:frames])[0, 1])) < 0.7
    for track in mashup["tracks"]:
        for section in track["sections"]:
            assert section["bass"] == (track["bed"] if section["layers"] == "ab" else section["layers"])


def test_only_the_bed_has_bass_where_both_play(pair: list[dict[str, Any]]) -> None:
    one, two = (Analysis.from_json(source["analysis"]) for source in pair)
    made = plan(one, two, 7)
    place = next(index for index, section in enumerate(made.sections) if section.layers == "ab")
    paths = Phrases({"a": Path(pair[0]["pcm"]), "b": Path(pair[1]["pcm"])})
    shares = {}
    for name in ("a", "b"):
        parts = tuple(part for part in made.sections[place].parts if part.source == name)
        only = replace(made, sections=(replace(made.sections[place], start_bar=0, parts=parts),), ending_bars=1)
        samples = render(only, paths).samples[:, 0]
        spectrum = np.abs(np.fft.rfft(samples)) ** 2
        frequency = np.fft.rfftfreq(len(samples), 1 / synth.RATE)
        shares[name] = spectrum[frequency < 90].sum() / spectrum.sum()
    assert shares[made.lead] < 0.05 * shares[made.bed]


def test_the_track_ends_by_itself(mashup: dict[str, Any]) -> None:
    for track in mashup["tracks"]:
        samples = decode(mashup, track)[: round(track["seconds"] * synth.RATE)]
        last = np.sqrt(np.mean(samples[-synth.RATE // 5 :] ** 2))
        middle = np.sqrt(np.mean(samples[len(samples) // 3 : len(samples) // 2] ** 2))
        assert last < 0.05 * middle


def test_nothing_clicks(mashup: dict[str, Any]) -> None:
    """No jump between samples at any seam is larger than the largest inside a phrase."""
    track = mashup["tracks"][0]
    samples = decode(mashup, track)[:, 0]
    jumps = np.abs(np.diff(samples, 2))
    seams = [round(section["start"] * synth.RATE) for section in track["sections"][1:]]
    near = max(float(jumps[seam - 3000 : seam - 200].max()) for seam in seams)
    assert near <= float(np.quantile(jumps, 0.9999)) * 1.5


def test_the_same_wish_gives_the_same_samples_and_another_seed_others(mixer: Mixer) -> None:
    first, again, other = mixer(seed=3), mixer(seed=3), mixer(seed=4)
    assert first["tracks"][0]["pcm_sha256"] == again["tracks"][0]["pcm_sha256"]
    assert first["tracks"][0]["sha256"] == again["tracks"][0]["sha256"]
    assert first["tracks"][0]["sections"] != other["tracks"][0]["sections"]
    assert first["seed"] == 3


def test_a_small_limit_lowers_the_bit_rate_and_says_so(mixer: Mixer) -> None:
    track = mixer(max_bytes=400_000)["tracks"][0]
    assert track["bytes"] <= 400_000
    assert "bit-rate-lowered" in {reason["code"] for reason in track["reasons"]}
    assert track["true_peak_dbtp"] <= -1.0
    with pytest.raises(Refused) as caught:
        mixer(max_bytes=20_000)
    assert caught.value.refusal.code == Code.RESULT_TOO_LARGE


def frames_of(data: bytes) -> dict[str, str]:
    """Reads ID3v2.3 text frames the way a player does."""
    assert data[:5] == b"ID3\x03\x00"
    size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
    body, found = data[10 : 10 + size], dict[str, str]()
    while len(body) > 10:
        name, length = struct.unpack(">4sI", body[:8])
        content = body[10 : 10 + length]
        found[name.decode()] = content[1:].decode("utf-16" if content[0] else "latin-1")
        body = body[10 + length :]
    assert data[10 + size] == 0xFF
    return found


def test_the_tags_can_be_read(mashup: dict[str, Any]) -> None:
    for number, track in enumerate(mashup["tracks"], 1):
        data = (mashup["directory"] / track["file"]).read_bytes()
        frames = frames_of(data)
        assert frames["TIT2"] == "Night Bus"
        assert frames["TPE1"] == "Ünï ✕ Two"
        assert frames["TRCK"] == f"{number}/2"
        assert hashlib.sha256(data).hexdigest() == track["sha256"]
        assert len(data) == track["bytes"]


def test_the_picture_is_small_and_shows_both_colours(mashup: dict[str, Any]) -> None:
    for track in mashup["tracks"]:
        path = mashup["directory"] / track["waveform"]
        assert path.stat().st_size < 100_000
        with Image.open(path) as image:
            assert image.size == (1200, 300)
            colours = {colour for _, colour in image.getcolors(10_000) or []}
        assert {(232, 106, 23, 255), (47, 128, 214, 255)} <= colours


def test_the_report_says_what_was_heard(mashup: dict[str, Any]) -> None:
    one, two = mashup["sources"]
    assert one["tempo_bpm"] == pytest.approx(120, rel=0.005)
    assert (one["key"], two["key"]) == ("A major", "D minor")
    assert two["tempo_bpm"] == pytest.approx(126, rel=0.005)
    assert one["steady"]
    for track in mashup["tracks"]:
        assert track["reasons"]
        assert all(set(reason) == {"code", "values"} for reason in track["reasons"])


def test_sources_without_a_beat_are_faded_over(tmp_path: Path, mixer: Mixer, pair: list[dict[str, Any]]) -> None:
    noise = np.random.default_rng(5).standard_normal((synth.RATE * 14, 2)).astype(np.float32) * 0.05
    synth.write(tmp_path / "noise.wav", noise)
    from bot.engines.local import tasks
    from tests.audio.conftest import still

    path = str(tmp_path / "noise.pcm")
    analysis = tasks.prepare({"source": str(tmp_path / "noise.wav"), "pcm": path}, still)
    track = mixer([pair[0], {"pcm": path, "analysis": analysis}])["tracks"][0]
    assert {"no-beat", "crossfade-only"} <= {reason["code"] for reason in track["reasons"]}
    assert track["stretch"] == {"a": 1.0, "b": 1.0}
    assert track["loudness_lufs"] == pytest.approx(-14, abs=0.3)
    assert track["true_peak_dbtp"] <= -1


@pytest.mark.parametrize("seconds", [5.5, 9.0])
def test_very_short_sources_still_make_a_track(tmp_path: Path, mixer: Mixer, seconds: float) -> None:
    short = prepared(tmp_path, "short", replace(ONE, tempo=126, seconds=seconds))
    other = prepared(tmp_path, "other", replace(ONE, tempo=84, tonic=3, seconds=seconds + 1))
    track = mixer([short, other])["tracks"][0]
    assert track["seconds"] >= 7
    assert track["loudness_lufs"] == pytest.approx(-14, abs=0.3)
