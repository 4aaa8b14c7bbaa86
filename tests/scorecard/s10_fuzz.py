"""S10: bad audio cannot hurt the bot.

`tests.fuzz` sends mutations of every kind that can be written here through the way of an upload in capped children
(mp3, wav, flac, Vorbis and Opus; m4a where the extra is installed), and then what is kept as harmful: every file of
`tests.bombs` and `tests.containers`. This process stands for the bot. A file's end is typed when the worker
says it, memory is the largest child's. Broken: a decoder that kills its process, called by the bot itself.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from bot.errors import Code
from bot.worker.pool import Pool
from tests import fuzz
from tests.bombs import bombs
from tests.containers import containers
from tests.deadly import in_the_bot
from tests.scorecard.row import Measured, Row

EACH, MEGABYTES = 5000, 512.0
TYPED = {"used", *(code.value for code in Code)}


def measure() -> Measured:
    return _told(EACH)


def broken() -> Measured:
    status = in_the_bot()
    return Measured(f"the bot ended with status {status}", status == 0)


def _told(each: int) -> Measured:
    tallies = asyncio.run(fuzz.fuzz(each, seed=1))
    harmful = asyncio.run(_harmful())
    whole = [*tallies.values(), harmful]
    files, typed = sum(one.files for one in whole), sum(one.ends[end] for one in whole for end in TYPED)
    slowest, largest = max(one.slowest for one in whole), max(one.largest for one in whole)
    odd = sum(one.ends[code.value] for one in whole for code in fuzz.ODD)
    left = 0 if _no_children() else 1
    kinds = f"{files} files of {len(tallies)} kinds, {harmful.files} of them kept ones"
    text = f"{kinds}: {typed} typed ends, {odd} of them of a child that went down; slowest {slowest:.1f} s, "
    text += f"largest child {largest:.0f} MB, {left} children left"
    kept = typed == files and slowest <= fuzz.WITHIN and largest <= MEGABYTES and not left
    return Measured(text, kept)


async def _harmful() -> fuzz.Tally:
    tally = fuzz.Tally()
    pool = Pool(1, allowed=("tests.fuzz_child",))
    with tempfile.TemporaryDirectory(prefix="harmful-") as name:
        folder = Path(name)
        for _, body in (*bombs(), *containers(str(folder / "other.wav"), "127.0.0.1:9").items()):
            path = folder / "file"
            path.write_bytes(body)
            for end, seconds, megabytes in await fuzz.ends_of(pool, [path], folder):
                tally.ends[end] += 1
                tally.slowest, tally.largest = max(tally.slowest, seconds), max(tally.largest, megabytes)
    await pool.close()
    return tally


def _no_children() -> bool:
    """Neither a running child nor a zombie belongs to this process."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


ROW = Row(
    10,
    "bad audio cannot hurt the bot",
    "5,000 mutations of each kind and kept ones: 0 deaths, typed ends within 10 s, 512 MB, no child left",
    "tests/wire/test_fuzz.py",
    measure,
    broken,
)
