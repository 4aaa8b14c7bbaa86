"""What may come in: every allowed format, and every way in which a file can be refused."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.audio import aac
from bot.audio.probe import probe
from bot.errors import Code, Refused
from bot.formats import ffmpeg
from tests.audio import synth
from tests.audio.conftest import still

LIMITS = {"min_seconds": 5, "max_seconds": 20}


def look(path: Path, **limits: float) -> dict[str, Any]:
    return probe({"path": str(path), **LIMITS, **limits}, still)


def refusal(path: Path, **limits: float) -> Refused:
    with pytest.raises(Refused) as caught:
        look(path, **limits)
    return caught.value


def tone(seconds: float = 6.0, rate: int = synth.RATE, channels: int = 2, level: float = 0.5) -> synth.Samples:
    wave = level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "subtype", "kind"),
    [
        ("pcm.wav", "PCM_16", "wav"),
        ("deep.wav", "PCM_24", "wav"),
        ("float.wav", "FLOAT", "wav"),
        ("a.flac", "PCM_16", "flac"),
        ("a.ogg", "VORBIS", "ogg"),
        ("a.opus", "OPUS", "opus"),
        ("a.mp3", None, "mp3"),
    ],
)
def test_every_allowed_format_is_told_by_its_content(
    tmp_path: Path, name: str, subtype: str | None, kind: str
) -> None:
    rate = 48000 if kind == "opus" else synth.RATE
    path = tmp_path / name
    if kind == "mp3":
        synth.write_mp3(path, tone())
    else:
        synth.write(path.with_suffix(".ogg" if kind == "opus" else path.suffix), tone(rate=rate), rate, subtype)
        path = path.with_suffix(".ogg" if kind == "opus" else path.suffix)
    misleading = path.rename(tmp_path / "upload.bin")
    facts = look(misleading)
    assert facts["format"] == kind
    assert facts["seconds"] == pytest.approx(6.0, abs=0.1)
    assert (facts["sample_rate"], facts["channels"]) == (rate, 2)
    assert facts["peak_dbfs"] == pytest.approx(-6.0, abs=2.0 if kind == "opus" else 0.7)
    assert not facts["silent"]


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22050, 1), (96000, 2)])
def test_rates_and_channels_at_the_edges_are_welcome(tmp_path: Path, rate: int, channels: int) -> None:
    facts = look(synth.write(tmp_path / "a.wav", tone(rate=rate, channels=channels), rate))
    assert (facts["sample_rate"], facts["channels"]) == (rate, channels)


def png() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + zlib.compress(bytes(5000))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", Code.FILE_EMPTY),
        (b"\xff", Code.NOT_AUDIO),
        (b"just words " * 500, Code.NOT_AUDIO),
        ("words".encode("utf-16") * 100, Code.NOT_AUDIO),
        (png(), Code.NOT_AUDIO),
        (b"\xff\xd8\xff\xe0" + bytes(4000), Code.NOT_AUDIO),
        (bytes(4000), Code.NOT_AUDIO),
        (b"FORM\x00\x00\x10\x00AIFFCOMM" + bytes(4000), Code.FORMAT_UNSUPPORTED),
        (b"caff" + bytes(4000), Code.FORMAT_UNSUPPORTED),
        (b"RIFF\x24\x00\x00\x00WAVE", Code.AUDIO_DAMAGED),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xff\xff\xff" + bytes(100), Code.AUDIO_DAMAGED),
        (b"fLaC" + bytes(200), Code.AUDIO_DAMAGED),
        (b"OggS" + bytes(200), Code.AUDIO_DAMAGED),
        (b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10), Code.AUDIO_DAMAGED),
        (b"\xff\xfb\x92\x64" + bytes(2000), Code.AUDIO_DAMAGED),
    ],
)
def test_what_is_no_music_is_refused_by_name(tmp_path: Path, content: bytes, code: Code) -> None:
    path = tmp_path / "upload.mp3"
    path.write_bytes(content)
    assert refusal(path).refusal.code == code


@pytest.mark.parametrize("subtype", ["MS_ADPCM", "IMA_ADPCM"])
def test_other_codecs_inside_a_known_container_stay_shut(tmp_path: Path, subtype: str) -> None:
    path = synth.write(tmp_path / "a.wav", tone(), subtype=subtype)
    assert refusal(path).refusal.code == Code.FORMAT_UNSUPPORTED


@pytest.mark.parametrize("rate", [6000, 192000])
def test_other_sample_rates_are_refused(tmp_path: Path, rate: int) -> None:
    path = synth.write(tmp_path / "a.wav", tone(rate=rate), rate)
    assert refusal(path).refusal.code == Code.SAMPLE_RATE_UNSUPPORTED


def test_surround_is_refused(tmp_path: Path) -> None:
    path = synth.write(tmp_path / "a.wav", tone(channels=6))
    assert refusal(path).refusal.code == Code.CHANNELS_UNSUPPORTED


def test_length_is_limited_on_both_sides_with_the_figures_said(tmp_path: Path) -> None:
    short = refusal(synth.write(tmp_path / "short.wav", tone(4.0))).refusal
    assert (short.code, dict(short.values)) == (Code.AUDIO_TOO_SHORT, {"seconds": 4.0, "limit": 5.0})
    long = refusal(synth.write(tmp_path / "long.wav", tone(21.0))).refusal
    assert (long.code, dict(long.values)) == (Code.AUDIO_TOO_LONG, {"seconds": 21.0, "limit": 20.0})


def test_a_header_that_understates_its_length_gains_nothing(tmp_path: Path) -> None:
    """The total in a FLAC header set to six seconds; the file goes on for thirty, which nobody will decode."""
    path = synth.write(tmp_path / "a.flac", tone(30.0))
    data = bytearray(path.read_bytes())
    data[21:26] = bytes([data[21] & 0xF0]) + struct.pack(">I", 6 * synth.RATE)
    path.write_bytes(data)
    assert look(path)["seconds"] == 6.0


def test_the_cap_holds_while_decoding_when_the_header_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, synth.write(tmp_path / "long.wav", tone(40.0), subtype="FLOAT"))
    assert refusal(m4a(tmp_path)).refusal.code == Code.AUDIO_TOO_LONG


def test_an_mp3_is_measured_by_decoding_not_by_its_guessed_length(tmp_path: Path) -> None:
    path = synth.write_mp3(tmp_path / "a.mp3", synth.stereo(synth.Song(seconds=19.8)))
    assert look(path)["seconds"] == pytest.approx(19.85, abs=0.06)
    assert refusal(path, max_seconds=19.5).refusal.code == Code.AUDIO_TOO_LONG


@pytest.mark.parametrize("level", [0.0, 0.0005])
def test_silence_is_refused(tmp_path: Path, level: float) -> None:
    path = synth.write(tmp_path / "a.wav", tone(level=level), subtype="FLOAT")
    assert refusal(path).refusal.code == Code.AUDIO_SILENT


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_samples_that_are_no_sound_are_damage(tmp_path: Path, poison: float) -> None:
    samples = tone()
    samples[1000] = poison
    path = synth.write(tmp_path / "a.wav", samples, subtype="FLOAT")
    assert refusal(path).refusal.code == Code.AUDIO_DAMAGED


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_cut_lossless_file_is_damaged(tmp_path: Path, name: str) -> None:
    path = synth.write(tmp_path / name, synth.stereo(synth.Song(seconds=8)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    assert refusal(path).refusal.code == Code.AUDIO_DAMAGED


def test_a_cut_mp3_plays_as_far_as_it_goes(tmp_path: Path) -> None:
    path = synth.write_mp3(tmp_path / "a.mp3", synth.stereo(synth.Song(seconds=8)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 8 // 10])
    assert look(path)["seconds"] == pytest.approx(6.4, abs=0.2)
    path.write_bytes(whole[: len(whole) // 2])
    assert refusal(path).refusal.code in {Code.AUDIO_TOO_SHORT, Code.AUDIO_DAMAGED}


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac", "a.ogg"])
def test_scrambled_files_end_in_facts_or_a_refusal_and_nothing_else(tmp_path: Path, name: str) -> None:
    samples = tone(5.5)
    path = tmp_path / name
    if name.endswith("mp3"):
        synth.write_mp3(path, samples)
    else:
        synth.write(path, samples)
    whole, chance = path.read_bytes(), np.random.default_rng(3)
    for reach in (60, 400, len(whole)) * 4:
        data = bytearray(whole)
        for place in chance.integers(4, reach, 8):
            data[place] = int(chance.integers(256))
        path.write_bytes(data)
        with suppress(Refused):
            assert look(path)["seconds"] >= 5


def m4a(directory: Path) -> Path:
    path = directory / "upload.m4a"
    path.write_bytes(b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00isomiso2" + bytes(400))
    return path


def fake_ffmpeg(directory: Path, monkeypatch: pytest.MonkeyPatch, answer: Path) -> None:
    """A program that answers every request with one WAV file, as ffmpeg would on its standard output."""
    program = directory / "ffmpeg"
    program.write_text(f"#!/bin/sh\nexec /bin/cat '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "DIRECTORIES", (str(directory),))
    monkeypatch.setattr(aac, "pyav", lambda: None)


def test_m4a_without_any_decoder_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "DIRECTORIES", (str(tmp_path / "none"),))
    monkeypatch.setattr(aac, "pyav", lambda: None)
    assert refusal(m4a(tmp_path)).refusal.code == Code.NEEDS_FFMPEG


def test_m4a_is_decoded_by_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, synth.write(tmp_path / "six.wav", tone(6.0, channels=1), subtype="FLOAT"))
    facts = look(m4a(tmp_path))
    assert (facts["format"], facts["channels"], facts["seconds"]) == ("m4a", 1, 6.0)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"nonsense" * 40])
def test_a_failing_ffmpeg_means_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    answer = tmp_path / "answer"
    answer.write_bytes(content)
    fake_ffmpeg(tmp_path, monkeypatch, answer)
    assert refusal(m4a(tmp_path)).refusal.code == Code.AUDIO_DAMAGED
