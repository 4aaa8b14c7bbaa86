"""Changes speed and pitch of one phrase, with its true surroundings as run-in, so that its edges are exact.

Two ways: `phrase` changes them freely, `record` together, as a record turns, for a tenth of the time.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from python_stretch import Signalsmith

from bot.audio import pcm
from bot.audio.pcm import RATE, Samples

RUN_IN = 0.1  # seconds of source before and after what is wanted
# Frames of a grain and from one to the next. On pieces played at two tempi as near to the other one as the default
# setting (mel distance 11 % more, onset correlation .95 for .95) for 56 % of its time; other ratios are worse.
PACING = 4000, 1600
# At an unchanged speed each grain is analysed once instead of twice. On pieces played at two tempi and in two keys,
# `FAR` and more apart, as near as `PACING` at another speed (mel distance .211 for .210, onset correlation .921 for
# .915, of 3 ms .654 for .642).
SHIFTING = 4400, 1800
FAR = 1.0  # semitones
SEED = 1  # of the stretcher's own phase noise: the same phrase always sounds the same


def phrase(path: Path, place: tuple[float, float], frames: int, lead_in: int, shift: float) -> Samples:
    """Source seconds `place` (start, end) as `frames` frames, after `lead_in` frames of what comes before.

    Returns (lead_in + frames, 2). `shift` is in semitones. Where the pitch has far to go, the source is turned as a
    record first, and only its pitch is left to the stretcher: that takes less time and keeps onsets sharper.
    """
    source, speed, first = _source(path, place, frames, lead_in)
    if abs(shift) >= FAR:
        turned = _turned(source, speed)
        stretched = _stretch(turned, *SHIFTING, 1.0, shift - 12 * math.log2(speed))
    else:
        stretched = _stretch(source, *PACING, speed, shift)
    return np.ascontiguousarray(stretched[:, first : first + lead_in + frames].T)


def record(path: Path, place: tuple[float, float], frames: int, lead_in: int) -> Samples:
    """As `phrase`, its pitch going along with its speed."""
    source, speed, first = _source(path, place, frames, lead_in)
    turned = _turned(source, speed)
    return np.ascontiguousarray(turned[first : first + lead_in + frames])


def _source(path: Path, place: tuple[float, float], frames: int, lead_in: int) -> tuple[Samples, float, int]:
    """What has to be read, its speed, and the first frame that is wanted of it at that speed."""
    start, end = place
    speed = (end - start) * RATE / frames
    extra = round(RUN_IN * RATE)
    before = round((lead_in + extra) * speed)
    source = pcm.read(path, round(start * RATE) - before, before + round((frames + extra) * speed))
    return source, speed, round(before / speed) - lead_in


def _turned(source: Samples, speed: float) -> Samples:
    return np.asarray(soxr.resample(source, speed, 1.0), np.float32)


def _stretch(source: Samples, grain: int, stride: int, speed: float, shift: float) -> NDArray[np.float32]:
    """(frames, 2) -> (2, frames / speed)."""
    stretcher = Signalsmith.Stretch(SEED)
    stretcher.configure(2, grain, stride)
    stretcher.setTimeFactor(speed)
    stretcher.setTransposeSemitones(shift, 8000 / RATE)
    return np.asarray(stretcher.process(np.ascontiguousarray(source.T)), np.float32)
