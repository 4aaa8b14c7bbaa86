"""A ring is a row that wakes its job; one that cannot be written is told, and leaves the job to its turn."""

from __future__ import annotations

import asyncio
import sqlite3
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot import failpoints
from bot.database import Database
from bot.jobs.board import Board
from bot.request import Operation
from bot.rings import Rings
from bot.runner import Runner
from tests.unit.test_job_ledger import CLOCK, OFFERS, PLACE, service

RING = "commit bot.rings.Rings._ring:before"


@pytest.mark.parametrize("fails", [False, True])
async def test_the_end_at_an_engine_rings_for_its_job(
    db: Database, caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    job = (await service(db).ask(Operation.MASHUP, PLACE, OFFERS, {"engine": "kie"})).job
    woken: list[str] = []
    runner: Any = SimpleNamespace(wake=lambda: woken.append("runner"))
    board: Any = SimpleNamespace(changed=woken.append)
    rings = Rings(db, CLOCK)
    rings.connect(cast("Board", board), cast("Runner", runner))

    def strike(name: str) -> None:
        if fails and name == RING:
            raise sqlite3.OperationalError("disk I/O error")

    failpoints.arm(strike)
    try:
        rings.ended(job.id)
        rings.changed(job.id)
        await rings.close()
        await asyncio.sleep(0)
    finally:
        failpoints.arm(None)
    row = await db.work(lambda tx: tx.one("SELECT wake_at, rev FROM jobs"))
    assert row is not None
    assert tuple(row) == ((job.created_at, 0) if fails else (0, 1))
    assert woken == ([job.id] if fails else [job.id, "runner"])
    assert ("is only looked at in its turn" in caplog.text) is fails
