"""The short form of `make chaos`: the same bots, stand-ins and checker, with small numbers."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import cells, points
from tests.chaos.__main__ import part
from tests.chaos.cells import CONTROLS, Cell, scene_named
from tests.chaos.child import ACTIONS
from tests.chaos.part import carry_out
from tests.chaos.tally import Tally

TODAY = datetime.datetime.now(datetime.UTC).date().toordinal()
"""Each day other points are struck and other moments met; a failure names its point, or this seed."""

POWER_SEED = 4
"""Both cuts come after jobs were accepted, so that there is something to lose."""

HOSTED = scene_named("hosted")
DANGEROUS = (
    Cell(HOSTED, "http provider POST:after", 3, "kill"),  # the create is paid, its answer lost
    Cell(HOSTED, "discord send:after", 2, "kill"),  # the result is out, and nobody noted it
    Cell(HOSTED, "commit bot.jobs.line.JobLine._apply:after", 6, "raise"),  # settled, and told that it is not
    Cell(HOSTED, "commit bot.runner.Runner._claim:after", 5, "cancel"),  # leased, and nobody goes on
)
SOMETIMES = ("commit bot.posts", "commit bot.jobs.steps.Steps.staged", "commit bot.web", "http", "discord send")


async def runs(folder: Path, *orders: dict[str, Any]) -> list[Tally]:
    """Side by side, with the stand-ins in this process."""
    return await asyncio.gather(
        *(carry_out(folder=str(folder / f"part-{n}"), **order) for n, order in enumerate(orders))
    )


async def apart(folder: Path, *orders: dict[str, Any]) -> list[Tally]:
    """Side by side, each in a process of its own, as `make chaos` has them."""
    return await asyncio.gather(
        *(part({**order, "folder": str(folder / f"part-{n}")}) for n, order in enumerate(orders))
    )


def struck(chosen: Sequence[Cell], **more: str) -> dict[str, Any]:
    return {"run": "cells", "cells": [cell.to_list() for cell in chosen], **more}


def sometimes() -> list[Cell]:
    """What a hosted mashup does outside, and the units around it, whatever they are struck with."""
    near = [name for name in points.names() if name.startswith(SOMETIMES)]
    return [Cell(HOSTED, f"{n}:{phase}", 1, action) for n in near for phase in points.PHASES for action in ACTIONS]


@pytest.mark.timeout(180)
async def test_kills_and_a_storm_of_callbacks_break_nothing(tmp_path: Path) -> None:
    killed, stormed = await runs(
        tmp_path,
        {"run": "kills", "kills": 6, "jobs_per_life": 2, "lost": 0.1, "seed": TODAY},
        {"run": "storm", "jobs": 20, "lost": 0.3, "doubled": 0.3, "late": 1.0, "seed": TODAY},
    )
    assert killed.violations == stormed.violations == [], f"seed {TODAY}"
    assert killed.counts["jobs that ended"] == killed.counts["jobs"] >= 12
    assert stormed.counts["jobs done"] == 20
    assert stormed.counts["callbacks that said nothing new"] > 0


@pytest.mark.timeout(180)
async def test_no_struck_failpoint_breaks_anything(tmp_path: Path) -> None:
    chosen = [*DANGEROUS, *cells.some(sometimes(), 2, TODAY)]
    tallies = await runs(tmp_path, struck(chosen[::2]), struck(chosen[1::2]))
    assert [violation for tally in tallies for violation in tally.violations] == []
    assert sum(tally.counts["cells struck"] for tally in tallies) >= len(DANGEROUS)


@pytest.mark.timeout(180)
async def test_broken_bots_are_found_out(tmp_path: Path) -> None:
    names = {
        "no-marker": "I2",
        "random-nonce-and-no-lookup": "I3",
        "callback-answers-before-commit": "I10",
        "no-look-back": "I12",
    }
    tallies = await runs(tmp_path, *(struck([CONTROLS[name]], broken=name) for name in names))
    for (name, invariant), tally in zip(names.items(), tallies, strict=True):
        assert any(f": {invariant} " in violation for violation in tally.violations), name


@pytest.mark.timeout(180)
async def test_a_power_cut_takes_nothing_that_was_promised(tmp_path: Path) -> None:
    shared = {"run": "kills", "kills": 2, "jobs_per_life": 2, "cut_power": True, "seed": POWER_SEED}
    whole, lazy = await apart(tmp_path, shared, {**shared, "broken": "synchronous-normal"})
    assert whole.violations == []
    assert any(violation.startswith("I10") for violation in lazy.violations), "without a sync promises are lost"
