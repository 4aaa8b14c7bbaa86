"""S12: a decoder is confined.

Two halves: every way out that `tests.wire.probe_targets` knows is tried from inside a child (the bot's environment,
database and memory, links, descriptors, connections, processes, programs, size, memory, time), and files that name
other files and addresses are decoded in one while strace writes down what it opens and asks of networks. Without
strace the second half is said to be missing. Broken: a child without limits, and in it a decoder that follows
what it reads.
"""

from __future__ import annotations

import asyncio
import shutil

from bot.worker import pool as workers
from tests import cage, confusion
from tests.scorecard.row import Measured, Row


def measure() -> Measured:
    return _together(workers.CHILD, following=False)


def broken() -> Measured:
    return _together(cage.BARE, following=True)


def _together(child: str, *, following: bool) -> Measured:
    ways = asyncio.run(cage.ways_out(child=child))
    shut = sum(found != cage.OPEN for found in ways.values())
    text = f"{shut} of {len(ways)} ways out denied or killed"
    if shutil.which("strace") is None:
        return Measured(f"{text}; strace is not installed", kept=False)
    files, foreign, asked = confusion.watched(following=following)
    text += f"; {files} containers: {len(foreign)} foreign opens, {len(asked)} calls to a network"
    return Measured(text, shut == len(ways) and not foreign and not asked)


ROW = Row(
    12,
    "a decoder is confined",
    "60 confusing containers: 0 foreign opens, 0 connections; 12 ways out of the child: all denied or killed",
    "tests/wire/test_cage.py",
    measure,
    broken,
)
