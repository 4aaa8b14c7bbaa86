"""Rows whose figures a measurement hands over: told in one line, kept when every target is met."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import Figure
from tests.scorecard.row import Measured


def measured(figures: Sequence[Figure]) -> Measured:
    """Every value with its name, a missed one marked; kept when none was missed."""
    words = [f"{one.name}: {one.value.strip()}{' (missed)' if one.met is False else ''}" for one in figures]
    return Measured("; ".join(words), all(one.met is not False for one in figures))


def missed(figures: Sequence[Figure]) -> Measured:
    """The same of something broken: only what it missed is told."""
    return Measured(measured([one for one in figures if one.met is False]).text, measured(figures).kept)
