"""Small files that claim or hold hours of sound, and heads that lie: what has to be refused cheaply."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import lameenc
import numpy as np
import soundfile as sf

HOURS = 10
_FRAME = 65535
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def bombs() -> Iterator[tuple[str, bytes]]:
    """Each with its name. None is a recording that the bot should take for longer than it is."""
    yield from _flacs()
    yield from _oggs()
    yield from _wavs()
    yield from _mp3s()


def _flacs() -> Iterator[tuple[str, bytes]]:
    for rate, code in ((44100, 9), (8000, 4), (96000, 11)):
        samples = HOURS * 3600 * rate // _FRAME * _FRAME
        body = _even_flac(samples, code)
        for claim, total in (
            ("honest", samples),
            ("no", 0),
            ("a short", 30 * rate),
            ("the longest", (1 << 36) - 1),
        ):
            yield f"flac of {rate} Hz with {claim} claim", _flac_head(rate, total) + body
    yield "flac with another rate in its frames", _flac_head(8000, 0) + _even_flac(600 * 44100, 9)
    yield "flac that is only a head", _flac_head(44100, HOURS * 3600 * 44100)


def flac(seconds: int) -> bytes:
    """As long as it says."""
    samples = seconds * 8000 // _FRAME * _FRAME
    return _flac_head(8000, samples) + _even_flac(samples, 4)


def _flac_head(rate: int, total: int) -> bytes:
    shape = rate << 44 | 1 << 41 | 15 << 36 | total
    return b"fLaC\x80\0\0\x22" + struct.pack(">HH", 65535, 65535) + bytes(6) + shape.to_bytes(8, "big") + bytes(16)


def _even_flac(samples: int, code: int) -> bytes:
    """Frames of 65,535 samples in stereo, each channel one number that is not 0."""
    made: list[bytes] = []
    for number in range(samples // _FRAME):
        head = bytes((0xFF, 0xF8, 0x70 | code, 0x18)) + _counted(number) + b"\xff\xfe"
        frame = head + bytes((_crc(head, 8, _CRC_8),)) + b"\0\x10\0" * 2
        made.append(frame + _crc(frame, 16, _CRC_16).to_bytes(2, "big"))
    return b"".join(made)


def _counted(number: int) -> bytes:
    """A frame's number, written like UTF-8 but without its gaps."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x800:
        return bytes((0xC0 | number >> 6, 0x80 | number & 0x3F))
    return bytes((0xE0 | number >> 12, 0x80 | number >> 6 & 0x3F, 0x80 | number & 0x3F))


def _table(width: int, polynomial: int) -> list[int]:
    """What each first byte leaves of a sum of this width."""
    made: list[int] = []
    for byte in range(256):
        left = byte << width - 8
        for _ in range(8):
            left = (left << 1 ^ (polynomial if left >> width - 1 else 0)) & (1 << width) - 1
        made.append(left)
    return made


_CRC_8, _CRC_16 = _table(8, 0x07), _table(16, 0x8005)


def _crc(data: bytes, width: int, table: list[int]) -> int:
    left = 0
    for byte in data:
        left = (left << 8 ^ table[left >> width - 8 ^ byte]) & (1 << width) - 1
    return left


def _oggs() -> Iterator[tuple[str, bytes]]:
    for channels in (1, 2):
        head = b"OpusHead\1" + struct.pack("<BHIHB", channels, 312, 48000, 0, 0)
        toc = 0xFF if channels == 2 else 0xFB  # CELT at 20 ms, the number of frames follows
        packet = bytes((toc, 6)) + b"\xff\xfe" * 6
        honest = _opus(head, packet, HOURS * 3600)
        yield f"opus of {channels} channels", honest
        yield (
            f"opus of {channels} channels whose end claims little",
            _opus(head, packet, HOURS * 3600, claim=48000 * 30),
        )
        yield f"opus of {channels} channels whose end claims all", _opus(head, packet, 60, claim=(1 << 62))
        yield f"opus of {channels} channels without an end", honest[: len(honest) * 2 // 3]
    for kind in ("VORBIS", "OPUS"):
        link = io.BytesIO()
        sf.write(link, np.zeros((48000 * 20, 2), np.float32), 48000, format="OGG", subtype=kind)
        yield (
            f"ogg of 2,000 chained streams of {kind.title()}",
            link.getvalue() * min(2000, (20 << 20) // len(link.getvalue())),
        )


def _opus(head: bytes, packet: bytes, seconds: int, claim: int | None = None) -> bytes:
    """Pages of 255 packets of 120 ms each."""
    made = [_page(2, 0, 0, [head]), _page(0, 0, 1, [b"OpusTags" + bytes(8)])]
    pages = max(1, round(seconds / 0.12 / 255))
    for number in range(1, pages + 1):
        last = number == pages
        at = number * 255 * 5760
        made.append(
            _page(4 if last else 0, claim if last and claim is not None else at, number + 1, [packet] * 255)
        )
    return b"".join(made)


def _page(kind: int, granule: int, number: int, packets: list[bytes]) -> bytes:
    laces = bytes(len(packet) for packet in packets)
    head = b"OggS\0" + struct.pack("<BqIII", kind, granule, 7, number, 0) + bytes((len(laces),)) + laces
    page = head + b"".join(packets)
    check = zlib.crc32(page.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF  # the same sum, from the other end
    return page[:22] + int(f"{check:032b}"[::-1], 2).to_bytes(4, "little") + page[26:]


def _wavs() -> Iterator[tuple[str, bytes]]:
    sound = bytes(1 << 16)
    for name, length in (
        ("none", 0),
        ("all", 0xFFFFFFFF),
        ("half", 0x7FFFFFFF),
        ("nearly half", 0x7FFFFEFE),
        ("more", 1 << 30),
    ):
        yield f"wav that promises {name}", _wav(2, 44100, 16, length, sound)
    yield "wav of hours", _wav(1, 8000, 8, 90 << 20, bytes(90 << 20))
    for name, channels, rate, bits in (
        ("65,535 channels", 65535, 44100, 16), ("no channels", 0, 44100, 16), ("no rate", 2, 0, 16),
        ("the highest rate", 2, 0xFFFFFFFF, 16), ("no bits", 2, 44100, 0), ("65,535 bits", 2, 44100, 65535),
        ("256 channels", 256, 96000, 32),
    ):  # fmt: skip
        yield f"wav of {name}", _wav(channels, rate, bits, len(sound), sound)
    yield "wav of a million chunks", b"RIFF\xff\xff\xff\x7fWAVE" + b"junk\0\0\0\0" * (1 << 20)
    yield "wav with a chunk of 4 GB first", b"RIFF\xff\xff\xff\x7fWAVEjunk\xff\xff\xff\xff" + sound
    yield "wav with two formats", _wav(2, 44100, 16, 0, b"") + _wav(1, 8000, 8, len(sound), sound)[12:]


def _wav(channels: int, rate: int, bits: int, length: int, sound: bytes) -> bytes:
    width = channels * bits // 8 & 0xFFFF
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * width & 0xFFFFFFFF, width, bits)
    return b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", length) + sound


def _mp3s() -> Iterator[tuple[str, bytes]]:
    coder = lameenc.Encoder()
    coder.set_bit_rate(8)
    coder.set_in_sample_rate(8000)
    coder.set_out_sample_rate(8000)
    coder.set_channels(1)
    coder.silence()
    sound = bytes(coder.encode(bytes(2 * 8000 * 60))) + bytes(coder.flush())
    hours = sound * (HOURS * 60)
    yield "mp3 of hours", hours
    yield "mp3 of hours behind a tag", b"ID3\3\0\0\0\0\x7f\x7f" + bytes(16383) + hours
    yield "mp3 behind a tag that never ends", b"ID3\3\0\0\x7f\x7f\x7f\x7f" + hours[: 1 << 20]
    yield "mp3 of a million tags", b"ID3\3\0\0\0\0\0\0" * (1 << 20) + sound
    for name, frames in (("none", 0), ("all", 0xFFFFFFFF), ("hours", HOURS * 3600 * 8), ("one", 1)):
        head = sound[:4] + bytes(9) + b"Xing\0\0\0\3" + struct.pack(">II", frames, len(hours))
        frame = head.ljust(72, b"\0")
        yield f"mp3 of hours whose head counts {name}", frame + hours
        yield f"mp3 of a minute whose head counts {name}", frame + sound
