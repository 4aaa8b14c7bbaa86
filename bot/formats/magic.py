"""Tells audio from everything else by a file's first bytes, never by its name."""

from __future__ import annotations

import struct
from pathlib import Path

from bot.errors import Code, Refused

_MPEG_LAYER_3 = (0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3)  # second byte: MPEG 1, 2, 2.5 with and without CRC
_ADTS = (0xF0, 0xF1, 0xF8, 0xF9)
_OTHER_AUDIO = {
    b"FORM": "AIFF",
    b"RF64": "RF64",
    b"caff": "CAF",
    b".snd": "AU",
    b"#!AM": "AMR",
    b"0&\xb2u": "WMA",
    b"MThd": "MIDI",
    b"wvpk": "WavPack",
    b"MAC ": "Monkey's Audio",
    b"DSD ": "DSD",
    b"riff": "W64",
}
_STREAMED = (0, 0x7FFFFFFF)  # a writer that could not seek back leaves no size, or one beyond any real one


def kind_of(path: Path) -> str:
    """One of mp3, wav, flac, ogg, aac; refuses an empty file, a foreign audio format, and what is no audio."""
    with path.open("rb") as file:
        head = file.read(16)
        if not head:
            raise Refused(Code.FILE_EMPTY)
        if head[:3] == b"ID3" and len(head) >= 10:
            file.seek(10 + _synchsafe(head[6:10]))
            return _kind(file.read(16)) or "mp3"
    kind = _kind(head)
    if kind is None:
        raise Refused(Code.NOT_AUDIO)
    return kind


def _kind(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] in {b"fLaC", b"OggS"}:
        return {b"fLaC": "flac", b"OggS": "ogg"}[head[:4]]
    if head[4:8] == b"ftyp":
        return "aac"
    if len(head) >= 2 and head[0] == 0xFF:
        return "mp3" if head[1] in _MPEG_LAYER_3 else "aac" if head[1] in _ADTS else None
    if head[:4] in _OTHER_AUDIO:
        raise Refused(Code.FORMAT_UNSUPPORTED, format=_OTHER_AUDIO[head[:4]])
    return None


def _synchsafe(four: bytes) -> int:
    """ID3v2 sizes carry seven bits in each byte (id3.org, id3v2.3.0 section 3.1)."""
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]


def wav_is_cut(path: Path) -> bool:
    """True when the data chunk promises more bytes than the file holds; libsndfile only shortens such a file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 12
        while at + 8 <= size:
            file.seek(at)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                return length not in _STREAMED and length < 0x7FFFFF00 and at + 8 + length > size
            at += 8 + length + length % 2
    return True
