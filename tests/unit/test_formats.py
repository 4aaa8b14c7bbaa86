"""What an mp3's headers say: how long it is, or that only a decoder can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Code, Refused
from bot.formats.magic import kind_of
from bot.formats.mpeg import seconds_of
from bot.formats.tags import id3, of_track, tagged

FRAME = b"\xff\xfb\x90\x44" + b"\x55" * 413  # MPEG 1, 128 kbit/s, 44.1 kHz: 417 bytes, 1152 samples
PADDED = b"\xff\xfb\x92\x44" + b"\x55" * 414
HALF_RATE = b"\xff\xf3\x80\xc4" + b"\x55" * 204  # MPEG 2, 64 kbit/s, 22.05 kHz: 208 bytes, 576 samples
FREE_FORMAT = b"\xff\xfb\x00\x44" + b"\x55" * 413
LENGTH = 1152 / 44100
HUGE = b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f"
"""A tag that says it has 256 MB."""


def file(folder: Path, content: bytes) -> Path:
    path = folder / "take"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (FRAME * 100, 100 * LENGTH),
        ((FRAME + PADDED) * 50, 100 * LENGTH),
        (HALF_RATE * 100, 100 * 576 / 22050),
        (id3({"TIT2": "Theirs"}) + FRAME * 100, 100 * LENGTH),
        (FRAME * 100 + b"TAG" + bytes(125), 100 * LENGTH),
        (FRAME * 100 + bytes(4000), 100 * LENGTH),
        ((FRAME * 100)[:-300], 100 * LENGTH),
    ],
    ids=["constant", "padded", "MPEG 2", "ID3v2", "ID3v1", "zeros at the end", "cut in its last frame"],
)
def test_frames_are_counted(tmp_path: Path, content: bytes, seconds: float) -> None:
    assert seconds_of(file(tmp_path, content)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(100),
        HUGE + FRAME * 100,
        id3({"TIT2": "Only a tag"}),
        FRAME * 100 + b"<html>cut off</html>",
        FRAME * 10 + b"\x00" + FRAME * 90,
        FREE_FORMAT * 100,
        FRAME[:3],
        b"\xff\xff\xff\xff" * 100,
    ],
    ids=[
        "empty", "HTML", "WAV", "huge ID3", "tag alone", "HTML behind", "shifted", "free format", "three bytes",
        "all ones",
    ],
)  # fmt: skip
def test_what_headers_cannot_tell_is_left_to_a_decoder(tmp_path: Path, content: bytes) -> None:
    assert seconds_of(file(tmp_path, content)) is None


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", Code.FILE_EMPTY), (b"<html></html>", Code.NOT_AUDIO), (b"FORM" + bytes(20), Code.FORMAT_UNSUPPORTED)],
)
def test_what_is_no_audio_is_refused_by_its_first_bytes(tmp_path: Path, content: bytes, code: Code) -> None:
    with pytest.raises(Refused) as caught:
        kind_of(file(tmp_path, content))
    assert caught.value.refusal.code is code


def test_a_tag_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    tag = of_track("Ünder", "(dub")
    assert tag == id3({"TIT2": "Ünder", "TCON": "((dub"})
    tagged(file(tmp_path, id3({"TIT2": "Theirs"}) + FRAME), tmp_path / "out", tag)
    assert (tmp_path / "out").read_bytes() == tag + FRAME
