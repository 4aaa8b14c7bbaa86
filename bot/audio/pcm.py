"""The working form of a track: raw float32 stereo at 44.1 kHz in one file, written in blocks and read by time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from bot.audio import loudness
from bot.audio.decode import Stream, open_stream

RATE = 44100
ANALYSIS_RATE = 22050
FRAME_BYTES = 8  # two float32
BLOCK = 1 << 18  # frames

Samples = NDArray[np.float32]  # (frames, 2)


@dataclass(frozen=True)
class Decoded:
    """What one pass over the source leaves in memory; the samples themselves are in the file."""

    frames: int
    mono: NDArray[np.float32]  # (samples,) at 22.05 kHz
    powers: loudness.Powers  # K-weighted, one for each 100 ms

    @property
    def seconds(self) -> float:
        return self.frames / RATE


def decode(source: Path, target: Path, progress: Callable[[float], None]) -> Decoded:
    """Decodes `source` into `target`, keeping the small copies that analysis needs."""
    halver = soxr.ResampleStream(RATE, ANALYSIS_RATE, 1, dtype="float32", quality="MQ")
    mono: list[NDArray[np.float32]] = []
    powers = loudness.Collector()
    frames = 0
    with open_stream(source) as stream, target.open("wb") as file:
        claimed = (stream.frames or 0) / stream.sample_rate * RATE
        for block in _resampled(stream):
            block.tofile(file)
            frames += len(block)
            mono.append(halver.resample_chunk((block[:, 0] + block[:, 1]) * np.float32(0.5)))
            powers.add(block)
            progress(min(1.0, frames / max(claimed, frames)))
        mono.append(halver.resample_chunk(np.empty(0, np.float32), last=True))
    return Decoded(frames, np.concatenate(mono), powers.all())


def powers_of(source: Path, progress: Callable[[float], None]) -> loudness.Powers:
    """The powers alone, for which no sample has to be kept."""
    powers, frames = loudness.Collector(), 0
    with open_stream(source) as stream:
        claimed = (stream.frames or 0) / stream.sample_rate * RATE
        for block in _resampled(stream):
            powers.add(block)
            frames += len(block)
            progress(min(1.0, frames / max(claimed, frames)))
    return powers.all()


def measure(source: Path) -> tuple[float, float]:
    """Integrated loudness (LUFS) and true peak (dBTP) of a file, as a player will hear it."""
    powers, peak = loudness.Collector(), loudness.TruePeak()
    with open_stream(source) as stream:
        for block in _resampled(stream):
            powers.add(block)
            peak.add(block)
    return loudness.integrated(powers.all()), loudness.decibels(peak.value())


def _resampled(stream: Stream) -> Iterator[Samples]:
    """Stereo blocks at 44.1 kHz."""
    resampler = None
    if stream.sample_rate != RATE:
        resampler = soxr.ResampleStream(stream.sample_rate, RATE, 2, dtype="float32", quality="HQ")
    for block in stream.blocks:
        both = np.ascontiguousarray(block if stream.channels == 2 else np.repeat(block, 2, axis=1))
        yield both if resampler is None else resampler.resample_chunk(both)
    if resampler is not None:
        yield resampler.resample_chunk(np.empty((0, 2), np.float32), last=True)


def read(path: Path, first: int, frames: int) -> Samples:
    """(frames, 2) from frame `first`; what lies outside the file is silence."""
    have = path.stat().st_size // FRAME_BYTES
    start, stop = min(max(first, 0), have), min(max(first + frames, 0), have)
    body = np.fromfile(path, np.float32, (stop - start) * 2, offset=start * FRAME_BYTES).reshape(-1, 2)
    if len(body) == frames:
        return body
    whole = np.zeros((frames, 2), np.float32)
    whole[start - first : start - first + len(body)] = body
    return whole


def blocks(path: Path) -> Iterator[Samples]:
    """The whole file, piece by piece."""
    frames = path.stat().st_size // FRAME_BYTES
    for first in range(0, frames, BLOCK):
        yield read(path, first, min(BLOCK, frames - first))
