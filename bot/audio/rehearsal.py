"""Tries the encoder on a track's loudest moments, so that the whole track rarely needs a second encoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.audio import encode, limiter, loudness
from bot.audio.pcm import Samples

CELL, CELLS = 160, 72  # chunks of 64 frames: 72 moments of 0.23 s


@dataclass(frozen=True)
class Rehearsal:
    """What encoding does: by how much it raises the true peak (dB) and lowers the loudness (LU)."""

    overshoot_db: float
    loss_lu: float


def rehearse(mix: Samples, ceiling_dbtp: float, bit_rate: int, scratch: Path) -> Rehearsal:
    """Limits, encodes and decodes only the moments with the highest peaks of (frames, 2); `mix` stays as it is."""
    moments = _moments(mix)
    limiter.limit(moments, 10 ** (ceiling_dbtp / 20))
    encode.write_mp3(scratch, encode.to_pcm(moments), bit_rate, b"")
    level, peak = encode.measure(scratch)
    before = loudness.integrated(loudness.step_powers(moments))
    return Rehearsal(peak - loudness.decibels(loudness.true_peak(moments)), before - level)


def _moments(mix: Samples) -> Samples:
    frames = CELL * loudness.CHUNK
    chunks = loudness.chunk_peaks(mix, float(np.max(np.abs(mix), initial=1e-6)))
    cells = np.maximum.reduceat(chunks, np.arange(0, len(chunks), CELL))
    highest = np.sort(np.argsort(-cells, kind="stable")[:CELLS])
    edge = np.minimum(1.0, np.arange(frames, dtype=np.float32) / (2 * loudness.CHUNK))
    fade = (edge * edge[::-1])[:, None]
    pieces = [mix[cell * frames : (cell + 1) * frames] for cell in highest]
    return np.concatenate([piece * fade[: len(piece)] for piece in pieces]).astype(np.float32)
