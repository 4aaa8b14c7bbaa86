"""Says what an uploaded file is after decoding all of it once, or refuses it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.audio.decode import PACKETED, Stream, open_stream
from bot.errors import Code, Refused

SILENCE_DBFS = -60.0
MOST_IS_MISSING = 0.5  # of what the header promised


@dataclass(frozen=True)
class Facts:
    """What the bot may say about an upload before anything is made of it."""

    format: str
    seconds: float
    sample_rate: int
    channels: int
    peak_dbfs: float
    silent: bool


def probe(arguments: dict[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Target of a child. Arguments: path, min_seconds, max_seconds. Returns `Facts` as JSON, or raises Refused."""
    shortest, longest = float(arguments["min_seconds"]), float(arguments["max_seconds"])
    with open_stream(Path(arguments["path"])) as stream:
        claimed = (stream.frames or 0) / stream.sample_rate
        if claimed > longest and stream.format != "mp3":  # an mp3's claim is a guess from its first frame
            raise _too_long(claimed, longest)
        seconds, peak = _decode_all(stream, longest, progress)
        facts = _facts(stream, seconds, peak)
    if seconds < shortest:
        cut = facts.format in PACKETED and seconds < MOST_IS_MISSING * claimed
        code = Code.AUDIO_DAMAGED if cut else Code.AUDIO_TOO_SHORT
        raise Refused(code, seconds=round(seconds, 1), limit=shortest)
    if facts.silent:
        raise Refused(Code.AUDIO_SILENT)
    return asdict(facts)


def _decode_all(stream: Stream, longest: float, progress: Callable[[str, float], None]) -> tuple[float, float]:
    """Seconds and peak of everything that decodes; the cap holds here too because a header may lie."""
    frames, peak = 0, 0.0
    for block in stream.blocks:
        frames += len(block)
        if frames > longest * stream.sample_rate:
            raise _too_long(frames / stream.sample_rate, longest)
        peak = max(peak, float(block.max()), -float(block.min()))
        progress("probe", min(1.0, frames / max(stream.frames or 0, frames)))
    return frames / stream.sample_rate, peak


def _facts(stream: Stream, seconds: float, peak: float) -> Facts:
    level = 20 * math.log10(max(peak, 1e-6))
    return Facts(
        format=stream.format,
        seconds=round(seconds, 3),
        sample_rate=stream.sample_rate,
        channels=stream.channels,
        peak_dbfs=round(level, 2),
        silent=level < SILENCE_DBFS,
    )


def _too_long(seconds: float, limit: float) -> Refused:
    return Refused(Code.AUDIO_TOO_LONG, seconds=round(seconds, 1), limit=limit)
