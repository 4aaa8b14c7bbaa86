"""Checks a track that somebody else made, makes an mp3 of it that fits, and draws its waveform; or only draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.audio import encode, pcm, picture
from bot.audio.probe import probe
from bot.formats.tags import of_track, tagged


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
        tag = of_track(str(arguments["title"]), str(arguments["tags"]))
        rate = encode.bit_rate_for(decoded.seconds, len(tag), arguments["max_bytes"])
        is_mp3 = found["format"] == "mp3"
        if is_mp3 and (rate is None or source.stat().st_size + len(tag) <= arguments["max_bytes"]):
            tagged(source, audio, tag)
        else:
            encode.write_mp3(audio, map(encode.to_pcm, pcm.blocks(samples)), rate or encode.BIT_RATES[-1], tag)
        picture.draw(drawn, (decoded.powers, decoded.powers), decoded.seconds)
    finally:
        samples.unlink(missing_ok=True)
    return {"seconds": round(decoded.seconds, 3)}


def draw(arguments: dict[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Target of a child. Arguments: source, picture (paths). Raises what decoding raises."""
    powers = pcm.powers_of(Path(arguments["source"]), lambda part: progress("draw", part))
    picture.draw(Path(arguments["picture"]), (powers, powers), 1.0)
    return {}
