"""Encodes a track anew so that nothing in the file tells where it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bot.audio import encode, pcm


def mask(arguments: dict[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Target of a child. Arguments: source, audio (paths), max_bytes. Returns seconds.

    The same sound gives the same file, whoever made it and when. Raises what decoding raises.
    """
    source, audio = Path(arguments["source"]), Path(arguments["audio"])
    samples = audio.with_suffix(".pcm")
    try:
        decoded = pcm.decode(source, samples, lambda part: progress("mask", part))
        rate = encode.bit_rate_for(decoded.seconds, 0, arguments["max_bytes"]) or encode.BIT_RATES[-1]
        stereo = np.fromfile(samples, np.float32).reshape(-1, 2)
        encode.write_mp3(audio, encode.to_pcm(stereo), rate, b"")
    finally:
        samples.unlink(missing_ok=True)
    return {"seconds": round(decoded.seconds, 3)}
