"""Counts the frames of an mp3 by their headers (ISO 11172-3 section 2.4.1.3, layer III); nothing is decoded."""

from __future__ import annotations

import os
from pathlib import Path

from bot.formats.tags import skip

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""Samples a second, by the two bits of the version: MPEG 1, 2 and 2.5."""
_KILOBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_TRAILERS = (b"TAG", b"APE", b"ID3", b"LYR", b"3DI")
_BLOCK = 1 << 16


def seconds_of(path: Path) -> float | None:
    """How long the frames last that follow the tags at its start; None where those are not an mp3's.

    One frame after the other has to begin where the last one ended, up to the end of the file or a tag there; the
    last may be cut short. Anything else has to be decoded to be judged.
    """
    with path.open("rb", buffering=_BLOCK) as file:
        skip(file)
        at, end, seconds = file.tell(), os.fstat(file.fileno()).st_size, 0.0
        known: dict[bytes, tuple[int, float] | None] = {}
        while at + 4 <= end:
            head = file.read(4)
            if head not in known:
                known[head] = _frame(head)
            frame = known[head]
            if frame is None:
                return seconds if seconds and _is_over(head) else None
            size, length = frame
            at += size
            seconds += length
            file.seek(at)
    return seconds or None


def _frame(head: bytes) -> tuple[int, float] | None:
    """Bytes and seconds of the frame with this header; None where it is none, or of free format."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, bits = head[2] >> 2 & 3, head[2] >> 4
    if head[0] != 0xFF or head[1] < 0xE0 or version == 1 or layer != 1 or rate == 3 or not 0 < bits < 15:
        return None
    hertz = _RATES[version][rate]
    kilobits = (_KILOBITS_1 if version == 3 else _KILOBITS_2)[bits - 1]
    per_frame = 1152 if version == 3 else 576
    return per_frame * kilobits * 125 // hertz + (head[2] >> 1 & 1), per_frame / hertz


def _is_over(head: bytes) -> bool:
    """Whether this begins a tag, or what encoders pad with."""
    return head.startswith(_TRAILERS) or head == bytes(4)
