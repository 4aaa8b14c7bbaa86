"""Rows whose figures a measurement hands over: told in one line, kept when every target is met."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import Figure
from tests.scorecard.row import Measured


def measured(figures: Sequence[Figure]) -> Measured:
    text = "; ".join(f"{figure.name}: {figure.value.strip()}" for figure in figures)
    return Measured(text, all(figure.met is not False for figure in figures))


def missed(figures: Sequence[Figure]) -> Measured:
    """The same of something broken: only what it missed is told."""
    return Measured(measured([one for one in figures if one.met is False]).text, measured(figures).kept)
