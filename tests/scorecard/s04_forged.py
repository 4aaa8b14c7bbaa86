"""S4: forged callbacks, and altered ones with a valid signature.

Sixteen kinds of forgery and eight of altered bodies go to a bot in a process of its own, at 500 a second as far
as the machine allows; what it wrote, whom it asked and whom it visited is looked at before and after. Beside
the answers stands the p99 of an empty round trip to the same bot, for how busy the machine was. The broken bot
believes everybody.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks import forged
from benchmarks.report import Figure
from tests.scorecard.figures import measured, missed
from tests.scorecard.row import Measured, Row


def _figures(knocks: int, altered: int, module: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        outcomes = asyncio.run(forged.measure(Path(folder), knocks, altered, module))
    named = zip(("forged", "altered"), outcomes, strict=True)
    return [figure for name, outcome in named for figure in forged.figures_of(name, outcome)]


def measure() -> Measured:
    return measured(_figures(forged.FORGED, forged.ALTERED, "benchmarks.parked"))


def broken() -> Measured:
    return missed(_figures(160, 160, "tests.wire.open_door"))


ROW = Row(
    4,
    "no forged or altered callback has an effect",
    "10,000 forgeries of 16 kinds and 1,000 altered bodies: 0 accepted, 0 differences, 0 x 5xx, p99 < 50 ms",
    "tests/wire/test_forged.py",
    measure,
    broken,
)
