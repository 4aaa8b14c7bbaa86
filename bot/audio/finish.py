"""Checks a track that somebody else made, makes an mp3 of it that fits, and draws its waveform."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bot.audio import encode, pcm, picture
from bot.audio.probe import probe
from bot.audio.tags import id3, skip


def finish(arguments: dict[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Target of a child. Arguments: source, audio, picture (paths), title, tags, max_seconds, max_bytes.

    Returns seconds. An mp3 that fits keeps its sound as it is, and so does one that no bit rate makes fit; its tag
    becomes ours. Raises what `probe` raises.
    """
    source, audio, drawn = (Path(arguments[name]) for name in ("source", "audio", "picture"))
    found = probe({"path": str(source), "min_seconds": 1, "max_seconds": arguments["max_seconds"]}, progress)
    samples = audio.with_suffix(".pcm")
    try:
        decoded = pcm.decode(source, samples, lambda part: progress("finish", part))
        tag = id3({"TIT2": str(arguments["title"]), "TCON": _genre(str(arguments["tags"]))})
        rate = encode.bit_rate_for(decoded.seconds, len(tag), arguments["max_bytes"])
        is_mp3 = found["format"] == "mp3"
        if is_mp3 and (rate is None or source.stat().st_size + len(tag) <= arguments["max_bytes"]):
            _tagged(source, audio, tag)
        else:
            stereo = np.fromfile(samples, np.float32).reshape(-1, 2)
            encode.write_mp3(audio, encode.to_pcm(stereo), rate or encode.BIT_RATES[-1], tag)
        picture.draw(drawn, (decoded.powers, decoded.powers), decoded.seconds, (), ())
    finally:
        samples.unlink(missing_ok=True)
    return {"seconds": round(decoded.seconds, 3)}


def _tagged(source: Path, audio: Path, tag: bytes) -> None:
    """The same mp3 behind our tag."""
    with source.open("rb") as came, audio.open("wb") as goes:
        skip(came)
        goes.write(tag)
        shutil.copyfileobj(came, goes)


def _genre(tags: str) -> str:
    """In this frame a parenthesis at the start would name a genre by number."""
    return f"({tags}" if tags.startswith("(") else tags
