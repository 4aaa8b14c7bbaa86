"""S6: the public port cannot be starved.

Some 2,000 bad connections from a hundred addresses of this machine, 300 new ones a second, and 5,000 bodies
that break off, while 20 valid callbacks a second go on, each by a connection of its own; once as behind a
reverse proxy (no caps by address) and once outside. Beside their p99 stands the one before the siege, for how
busy the machine was. A connection that pipelines asks to be closed with its last answer. The broken bot has
aiohttp's plain server.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks import siege
from benchmarks.report import Figure
from tests.scorecard.figures import measured, missed
from tests.scorecard.row import Measured, Row

_SMALL = siege.Forces(100, 100, 20, 10, 300, 2)


def _figures(name: str, settings: dict[str, str], forces: siege.Forces, module: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(siege.measure(Path(folder), settings, forces, module))
    return siege.figures_of(name, outcome)


def measure() -> Measured:
    behind = _figures("behind a proxy", {}, siege.Forces(), "benchmarks.parked")
    outside = _figures("outside", {"TWODECK_PROXIES": ""}, siege.Forces(), "benchmarks.parked")
    return measured([*behind, *outside])


def broken() -> Measured:
    return missed(_figures("plain", {}, _SMALL, "tests.wire.plain_listener"))


ROW = Row(
    6,
    "the public port cannot be starved",
    "900 slow heads, 900 slow bodies, 200 oversized, bombs, 10 x 500 pipelined, 5,000 broken off beside 20 valid/s:"
    " all valid ones answered, p99 < 250 ms, bad ones closed in 10 s, memory + < 32 MB, at most 100 log lines",
    "tests/wire/test_siege.py",
    measure,
    broken,
)
