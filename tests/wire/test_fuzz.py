"""A few mutated files of every kind through real children; `make fuzz` sends thousands."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bot.audio import aac
from bot.errors import Code
from bot.worker.pool import Pool
from tests import fuzz


async def test_every_mutated_file_has_a_typed_end() -> None:
    tallies = await fuzz.fuzz(each=3, seed=20, workers=2)
    kinds = {"song.mp3", "song.wav", "song.flac", "vorbis.ogg", "opus.ogg"}
    assert set(tallies) == kinds | ({"song.m4a"} if aac.pyav() is not None else set())
    ends = {end for tally in tallies.values() for end in tally.ends}
    assert all(tally.files == 3 for tally in tallies.values())
    assert len(ends) > 1
    assert ends <= {"used", *(code.value for code in Code)}


def test_mutations_are_repeatable_and_change_the_file() -> None:
    data = bytes(range(256)) * 40
    made = [fuzz.mutated(data, random.Random(number)) for number in range(200)]
    assert made == [fuzz.mutated(data, random.Random(number)) for number in range(200)]
    assert sum(one != data for one in made) > 190


async def test_a_file_that_takes_its_child_down_is_told_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening a pipe that nobody writes to never ends; the files before and behind it have ends of their own."""
    monkeypatch.setattr(fuzz, "WITHIN", 2.0)
    files = [tmp_path / name for name in ("one.mp3", "two.mp3", "three.mp3")]
    files[0].write_bytes(b"no music")
    os.mkfifo(files[1])
    files[2].write_bytes(b"nor here")
    pool = Pool(1, allowed=("tests.fuzz_child",))
    try:
        ends = await fuzz.ends_of(pool, files, tmp_path)
    finally:
        await pool.close()
    codes = [end for end, _ in ends]
    assert codes[1] in fuzz.ODD
    assert not {codes[0], codes[2]} & fuzz.ODD
    assert ends[1][1] > 2.0 > ends[0][1]
