"""Writes an ID3v2.3 tag (id3.org, "ID3 tag version 2.3.0"): the text frames that players show, and nothing else.

Finds the end of one that is there already.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO


def id3(frames: Mapping[str, str]) -> bytes:
    """The tag to put before the first MP3 frame. Keys are frame names such as TIT2; empty texts are left out."""
    body = b"".join(_text_frame(name, text) for name, text in frames.items() if text)
    return b"ID3\x03\x00\x00" + _synchsafe(len(body)) + body


def of_track(title: str, tags: str) -> bytes:
    """The tag of a finished track: its title, and its style as genre, where a parenthesis at the start would name
    one by number."""
    return id3({"TIT2": title, "TCON": f"({tags}" if tags.startswith("(") else tags})


def tagged(source: Path, audio: Path, tag: bytes) -> None:
    """Write to `audio` what `source` holds, behind this tag instead of its own."""
    with source.open("rb") as came, audio.open("wb") as goes:
        skip(came)
        goes.write(tag)
        shutil.copyfileobj(came, goes)


def skip(file: BinaryIO) -> None:
    """Move on to what follows the ID3v2 tags at the start of a file, whatever their version."""
    at = 0
    while len(head := file.read(10)) == 10 and head[:3] == b"ID3" and max(head[6:]) < 0x80:
        footer = 10 if head[5] & 0x10 else 0
        at += 10 + footer + sum(part << shift for part, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        file.seek(at)
    file.seek(at)


def _text_frame(name: str, text: str) -> bytes:
    """Latin-1 where it suffices (encoding 0), else UTF-16 with a byte order mark (encoding 1)."""
    clean = text.replace("\x00", "")
    try:
        content = b"\x00" + clean.encode("latin-1")
    except UnicodeEncodeError:
        content = b"\x01" + clean.encode("utf-16")
    return name.encode("ascii") + struct.pack(">IH", len(content), 0) + content


def _synchsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
