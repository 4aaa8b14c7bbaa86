"""A masked copy has the sound of its source, and nothing that tells where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile as sf

from bot.audio.mask import mask
from bot.formats.tags import id3
from bot.worker.pool import ALLOWED, Limits, Pool
from tests.audio.synth import Song, stereo, write_mp3

LIMITS = Limits(memory_bytes=1024 << 20, cpu_seconds=60, file_bytes=400 << 20, open_files=32, wall_seconds=60)


def arguments(source: Path, audio: Path, max_bytes: int = 10 << 20) -> dict[str, object]:
    return {"source": str(source), "audio": str(audio), "max_bytes": max_bytes}


def masked(source: Path, max_bytes: int = 10 << 20) -> bytes:
    audio = source.with_suffix(".out.mp3")
    seconds = mask(arguments(source, audio, max_bytes), lambda stage, fraction: None)["seconds"]
    assert seconds == pytest.approx(8, abs=0.2)
    assert sf.info(audio).duration == pytest.approx(8, abs=0.2)
    assert not audio.with_suffix(".pcm").exists()
    return audio.read_bytes()


def test_tags_and_the_encoding_of_the_source_are_gone(tmp_path: Path) -> None:
    source = write_mp3(tmp_path / "in.mp3", stereo(Song(tempo=120, seconds=8)))
    bare = masked(source)
    sound = source.read_bytes()
    source.write_bytes(id3({"TIT2": "Mika's own", "TPE1": "Mika"}) + sound + b"TAG" + b"Mika".ljust(125, b"\0"))
    tagged = masked(source)
    for copy in (bare, tagged):
        assert copy[:2] == b"\xff\xfb", "sound from the first byte on"
        assert b"Mika" not in copy
        assert sound[2000:2400] not in copy
    assert len(masked(source, max_bytes=100_000)) <= 100_000


async def test_it_runs_in_a_capped_child(tmp_path: Path) -> None:
    source = write_mp3(tmp_path / "in.mp3", stereo(Song(tempo=120, seconds=8)))
    pool = Pool(1, allowed=ALLOWED)
    try:
        await pool.run(
            "bot.audio.mask:mask", arguments(source, tmp_path / "out.mp3"), directory=tmp_path, limits=LIMITS
        )
    finally:
        await pool.close()
    assert sf.info(tmp_path / "out.mp3").format in ("MP3", "MPEG")
