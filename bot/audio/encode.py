"""Encodes 16-bit PCM as MP3."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import lameenc
import numpy as np
from numpy.typing import NDArray

RATE = 44100
BIT_RATES = (192, 160, 128, 112, 96, 80, 64, 48, 32)
QUALITY = 5  # twice as fast as 2 at the same bit rate

Pcm = NDArray[np.int16]  # (frames, 2)


def bit_rate_for(seconds: float, overhead: int, max_bytes: int | None) -> int | None:
    """The best constant bit rate whose file stays within `max_bytes`; None when none does."""
    for rate in BIT_RATES:
        if max_bytes is None or (seconds + 0.2) * rate * 125 + overhead <= max_bytes:
            return rate
    return None


def loss_lu(bit_rate: int) -> float:
    """By how much LAME plays softer at a constant bit rate: its own scale and low-pass, measured on music."""
    return 0.27 if bit_rate >= BIT_RATES[0] else 0.45


def to_pcm(samples: NDArray[np.float32]) -> Pcm:
    """(frames, 2) floats below 1 as 16 bit."""
    whole = samples * np.float32(32767)
    return np.clip(np.rint(whole, out=whole), -32768, 32767, out=whole).astype(np.int16)


def write_mp3(path: Path, blocks: Iterable[Pcm], bit_rate: int, tag: bytes) -> None:
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(bit_rate)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(2)
    encoder.set_quality(QUALITY)
    encoder.silence()
    with path.open("wb") as file:
        file.write(tag)
        for block in blocks:
            file.write(encoder.encode(block.tobytes()))
        file.write(encoder.flush())
