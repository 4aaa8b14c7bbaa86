"""S11: bombs and lies are cheap to refuse.

Each file of `tests.bombs` goes through the probe of an upload in a child of its own, start and imports included.
A file that the probe refuses is never handed to an engine; one whose head lies but which is short is what it is,
and lets nothing through that is longer than ten minutes. Broken: a probe without a longest duration.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from tests.bombs import bombs
from tests.defusing import Cost, defuse
from tests.scorecard.row import Measured, Row

ENDLESS = 1e9


def measure() -> Measured:
    return _told(defuse(bombs()))


def broken() -> Measured:
    return _told(defuse(islice(bombs(), 4, 6), longest=ENDLESS))


def _told(costs: Sequence[Cost]) -> Measured:
    slowest, largest = max(costs, key=lambda cost: cost.cpu), max(costs, key=lambda cost: cost.megabytes)
    through = sum(cost.through for cost in costs)
    most = f"{slowest.cpu:.1f} s ({slowest.name}) and {largest.megabytes:.0f} MB ({largest.name}) at most"
    text = f"{len(costs)} files: {most}, {through} through"
    return Measured(text, all(cost.kept for cost in costs))


ROW = Row(
    11,
    "bombs and lies are cheap to refuse",
    "50 bombs and lying heads: 2 s of processor time and 200 MB each at most, 0 reach an engine",
    "tests/wire/test_bombs.py",
    measure,
    broken,
)
