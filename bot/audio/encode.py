"""Encodes 16-bit PCM as MP3 and measures what a player will hear after decoding it."""

from __future__ import annotations

from pathlib import Path

import lameenc
import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from bot.audio import loudness

RATE = 44100
BIT_RATES = (192, 160, 128, 112, 96, 80, 64, 48, 32)
QUALITY = 5  # twice as fast as 2 at the same bit rate
BLOCK = 1 << 18

Pcm = NDArray[np.int16]  # (frames, 2)


def bit_rate_for(seconds: float, overhead: int, max_bytes: int | None) -> int | None:
    """The best constant bit rate whose file stays within `max_bytes`; None when none does."""
    for rate in BIT_RATES:
        if max_bytes is None or (seconds + 0.2) * rate * 125 + overhead <= max_bytes:
            return rate
    return None


def to_pcm(samples: NDArray[np.float32]) -> Pcm:
    """(frames, 2) floats below 1 as 16 bit, block by block."""
    whole = np.empty(samples.shape, np.int16)
    for first in range(0, len(samples), BLOCK):
        block = np.rint(samples[first : first + BLOCK] * np.float32(32767))
        whole[first : first + BLOCK] = np.clip(block, -32768, 32767)
    return whole


def write_mp3(path: Path, samples: Pcm, bit_rate: int, tag: bytes) -> None:
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(bit_rate)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(2)
    encoder.set_quality(QUALITY)
    encoder.silence()
    with path.open("wb") as file:
        file.write(tag)
        for first in range(0, len(samples), BLOCK):
            file.write(encoder.encode(samples[first : first + BLOCK].tobytes()))
        file.write(encoder.flush())


def measure(path: Path) -> tuple[float, float]:
    """Integrated loudness (LUFS) and true peak (dBTP) of an encoded file."""
    with sf.SoundFile(path) as file:
        rate = file.samplerate
        samples = np.asarray(file.read(dtype="float32", always_2d=True), np.float32)
    if rate != RATE:  # LAME resamples at low bit rates
        import soxr  # noqa: PLC0415

        samples = np.asarray(soxr.resample(samples, rate, RATE), np.float32)
    powers = loudness.step_powers(samples)
    return loudness.integrated(powers), loudness.decibels(loudness.true_peak(samples))
