"""A track that somebody else made is checked, drawn, and an mp3 afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile as sf

from bot.audio.finish import finish
from bot.errors import Code, Refused
from bot.formats.tags import id3
from tests.audio.synth import Song, stereo, write_mp3


def run(folder: Path, source: Path, longest: float = 60, max_bytes: int = 10 << 20) -> float:
    paths = {"source": str(source), "audio": str(folder / "out.mp3"), "picture": str(folder / "out.png")}
    arguments = {**paths, "title": "Ünder", "tags": "(dub", "max_seconds": longest, "max_bytes": max_bytes}
    return finish(arguments, lambda stage, fraction: None)["seconds"]


TAG = id3({"TIT2": "Ünder", "TCON": "((dub"})


@pytest.mark.parametrize(
    "before",
    [
        b"",
        id3({"TIT2": "Theirs"}),
        b"ID3\x04\x00\x10\x00\x00\x01\x00" + b"\0" * 128 + b"3DI\x04\x00\x10\x00\x00\x01\x00",
        id3({"TIT2": "One"}) + id3({"TIT2": "Two"}),
    ],
    ids=["no tag", "ID3v2.3", "ID3v2.4 with a footer", "two tags"],
)
def test_an_mp3_keeps_its_sound_and_gets_our_tag(tmp_path: Path, before: bytes) -> None:
    source = write_mp3(tmp_path / "in.mp3", stereo(Song(tempo=120, seconds=8)))
    sound = source.read_bytes()
    source.write_bytes(before + sound)
    assert run(tmp_path, source) == pytest.approx(8, abs=0.2)
    assert (tmp_path / "out.mp3").read_bytes() == TAG + sound
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "out.pcm").exists()


def test_a_track_over_the_limit_of_the_server_is_made_to_fit(tmp_path: Path) -> None:
    source = write_mp3(tmp_path / "in.mp3", stereo(Song(tempo=120, seconds=8)))
    limit = source.stat().st_size * 2 // 3
    assert run(tmp_path, source, max_bytes=limit) == pytest.approx(8, abs=0.2)
    assert sf.info(tmp_path / "out.mp3").duration == pytest.approx(8, abs=0.2)
    assert limit // 3 < (tmp_path / "out.mp3").stat().st_size <= limit
    assert run(tmp_path, source, max_bytes=2000) == pytest.approx(8, abs=0.2)
    assert (tmp_path / "out.mp3").read_bytes() == TAG + source.read_bytes(), "nothing makes it fit"


def test_anything_else_becomes_an_mp3(tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    sf.write(source, stereo(Song(tempo=120, seconds=6)), 44100)
    assert run(tmp_path, source) == pytest.approx(6, abs=0.2)
    assert sf.info(tmp_path / "out.mp3").format in ("MP3", "MPEG")


def test_what_is_no_audio_or_too_long_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_text("<html>not here</html>", "utf-8")
    long = write_mp3(tmp_path / "in.mp3", stereo(Song(tempo=120, seconds=8)))
    for source, limit, code in ((page, 60, Code.NOT_AUDIO), (long, 5, Code.AUDIO_TOO_LONG)):
        with pytest.raises(Refused) as caught:
            run(tmp_path, source, limit)
        assert caught.value.refusal.code is code
