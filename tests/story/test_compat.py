"""`/compat`: two files in, a card with a score and reasons out, and nothing is left of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.playground import Playground, shown_text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_it_tells_score_and_reasons_and_keeps_nothing(play: Playground, songs: tuple[Path, Path]) -> None:
    act = await play.slash("mika", "mashups", "compat", track_a=songs[0], track_b=songs[1])
    answer = await act.says("Compatibility: ", 90)
    told = shown_text(answer)
    assert answer.ephemeral
    for word in ("first\\_song.mp3: 120 BPM", "112 BPM", "Tempo: a change of", "Harmony: ", "8 whole bars"):
        assert word in told, told
    assert play.directory is not None
    with sqlite3.connect(play.directory / "bot" / "twodeck.db") as rows:
        assert rows.execute("SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM files)").fetchone() == (0,)


async def test_a_file_that_is_no_audio_gets_its_sentence(play: Playground, songs: tuple[Path, Path]) -> None:
    letter = ("letter.mp3", b"Dear bot, this is not a song. " * 200)
    act = await play.slash("mika", "mashups", "compat", track_a=letter, track_b=songs[1])
    await act.says("letter.mp3” is not audio", 90)
