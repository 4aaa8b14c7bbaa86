"""A few mutated files of every kind through real children; `make fuzz` sends thousands."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from bot.audio import aac
from bot.engines.local.studio import DECODE
from bot.errors import Code, Refused
from bot.worker.pool import Pool
from tests import fuzz
from tests.deadly import in_the_bot


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
    codes = [end for end, *_ in ends]
    assert codes[1] in fuzz.ODD
    assert not {codes[0], codes[2]} & fuzz.ODD
    assert ends[1][1] > 2.0 > ends[0][1]


async def test_a_decoder_that_kills_its_process_kills_no_bot(tmp_path: Path) -> None:
    """In a child it is one more typed end; in the bot's own process it is the end of the bot."""
    pool = Pool(1, allowed=("tests.deadly",))
    try:
        with pytest.raises(Refused, match="worker-died"):
            await pool.run("tests.deadly:decode", {}, directory=tmp_path, limits=DECODE)
    finally:
        await pool.close()
    assert in_the_bot() == -signal.SIGSEGV
