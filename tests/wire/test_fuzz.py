"""A few mutated files of every kind through real children; `make fuzz` sends thousands."""

from __future__ import annotations

import random

from bot.audio import aac
from bot.errors import Code
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
