"""What a benchmark's figures say in one cell of the table."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import Figure
from tests.scorecard.row import Measured


def measured(figures: Sequence[Figure]) -> Measured:
    """Every value with its name, a missed one marked; kept when none was missed."""
    words = [f"{one.name}: {one.value}{' (missed)' if one.met is False else ''}" for one in figures]
    return Measured("; ".join(words), all(one.met is not False for one in figures))
