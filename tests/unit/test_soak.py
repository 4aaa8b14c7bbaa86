"""What the soak makes of what it saw: a bot that grows is found out, one that only breathes is not."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.report import Figure
from tests.soak.run import Outcome, unhandled
from tests.soak.samples import Sample, growth, look, slope

HOURS, EVERY = 2, 30


def samples(*, memory: float = 0.0, handles: float = 0.0, threads: float = 0.0) -> list[Sample]:
    """Two hours of a bot that holds so much more after an hour, and breathes."""
    chance, found = random.Random(3), list[Sample]()
    for number in range(HOURS * 3600 // EVERY):
        hours, busy = number * EVERY / 3600, chance.random()
        found.append(
            Sample(
                number * EVERY,
                90 + memory * hours + busy,
                int(20 + handles * hours + 8 * busy),
                int(6 + threads * hours + 3 * busy),
            )
        )
    return found


def missed(figures: list[Figure]) -> list[str]:
    return [one.name for one in figures if one.met is False]


def test_a_bot_that_breathes_does_not_grow() -> None:
    assert missed(growth(samples())) == []
    assert missed(growth(samples(memory=0.7))) == []
    assert missed(growth(samples(memory=-3))) == []


@pytest.mark.parametrize(
    ("rises", "name"),
    [
        ({"memory": 1.5}, "memory rises"),
        ({"handles": 2.0}, "open handles rise"),
        ({"threads": 4.0}, "threads rise"),
    ],
)
def test_a_bot_that_leaks_is_found(rises: dict[str, float], name: str) -> None:
    assert missed(growth(samples(**rises))) == [name]


def test_a_slope_is_for_an_hour() -> None:
    assert slope([(0, 1), (1800, 2), (3600, 3)]) == pytest.approx(2)


def test_a_process_is_looked_at_from_outside(tmp_path: Path) -> None:
    first = look(os.getpid(), 0, tmp_path / "none.db")
    with (tmp_path / "open").open("wb"):
        second = look(os.getpid(), 1, tmp_path / "none.db")
    assert second.handles == first.handles + 1
    assert first.memory > 10
    assert first.threads >= 1
    assert first.spent > 0


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        "2026-01-01 ERROR asyncio: Task exception was never retrieved",
        "2026-01-01 ERROR asyncio: Future exception was never retrieved",
        "2026-01-01 ERROR asyncio: Unclosed client session",
    ],
)
def test_what_nobody_handled_is_found_in_the_log(line: str) -> None:
    assert unhandled(f"2026-01-01 INFO bot: well\n{line}\n") == [line]
    assert unhandled("2026-01-01 WARNING cogs.errors: Discord was cut off") == []


def test_every_promise_of_a_run_is_kept_or_missed() -> None:
    good = Outcome(samples(), stopped_in=1.0)
    assert missed(good.figures()) == []
    assert missed(replace(good, stopped_in=10.1).figures()) == ["it stopped under load in"]
    assert missed(replace(good, left=1).figures()) == ["jobs that did not end"]
    assert missed(replace(good, ended=1).figures()) == ["the bot ended by itself"]
    assert missed(replace(good, unhandled=["x"]).figures()) == ["unhandled exceptions"]
    assert missed(replace(good, violations=["I1"]).figures()) == ["broken invariants"]
    assert missed(replace(good, samples=[]).figures()) == ["samples, minutes"]
