"""How a benchmark tells its figures: one Markdown table, each value beside its target."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value as shown. `met` is None for a value without a target."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None


def at_most(name: str, value: float, limit: float, unit: str) -> Figure:
    """A value that must not be above its limit."""
    return Figure(name, f"{value:.1f} {unit}", f"at most {limit:.4g} {unit}", value <= limit)


def below(name: str, value: float, limit: float, unit: str) -> Figure:
    """A value that must stay under its limit."""
    return Figure(name, f"{value:.2f} {unit}", f"under {limit:g} {unit}", value < limit)


def p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def print_table(figures: Sequence[Figure]) -> bool:
    """Print the figures and how busy the machine is; whether every target was met."""
    print("| figure | value | target | |\n|---|---|---|---|")
    for figure in figures:
        verdict = {None: "", True: "met", False: "**missed**"}[figure.met]
        print(f"| {figure.name} | {figure.value} | {figure.target} | {verdict} |")
    print(f"\nLoad {', '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} cores.", flush=True)
    return all(figure.met is not False for figure in figures)
