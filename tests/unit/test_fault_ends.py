"""What becomes of a job for every end that an engine can make of a phase: its state, its message, its units."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.lives import Parts, Provider, ask
from bot.database import Database
from bot.engines.port import Ambiguous, Finished, Later, Order, TaskState, TaskStatus
from bot.errors import Code, Refusal, Refused
from bot.jobs import job as states
from bot.jobs.steps import Pace
from tests.bookkeeping import counters, kinds, sums

SOON = Refusal(Code.ENGINE_UNAVAILABLE, {"status": 503})
GRACE_MS = 150


class Faulty(Provider):
    """Does in one phase what it is told, and calls nobody back."""

    phase = ""
    fault: Any = None

    async def prepare(self, order: Order) -> tuple[str, ...]:
        self._strike("prepare")
        return await super().prepare(order)

    async def submit(self, order: Order) -> str:
        self._strike("submit")
        return await super().submit(order)

    async def status(self, task: str) -> TaskStatus:
        if self.phase == "status":
            return self.fault
        return await super().status(task)

    async def recognises(self, task: str, uploads: Sequence[str]) -> bool:
        return False

    async def finished(self, task: str, max_bytes: int) -> Finished:
        self._strike("finished")
        return await super().finished(task, max_bytes)

    def _strike(self, phase: str) -> None:
        if self.phase == phase:
            raise self.fault


@dataclass(frozen=True)
class End:
    """`said` is the code that the member reads, "" where there is a result or nothing yet."""

    state: str
    said: str
    units: tuple[str, ...]


RELEASED, SETTLED, HELD = ("reserve", "release"), ("reserve", "settle"), ("reserve",)
CELLS: dict[tuple[str, str], tuple[Any, End]] = {
    ("", "nothing"): (None, End("done", "", SETTLED)),
    ("prepare", "no"): (Refused(Code.ENGINE_REFUSED, status=400), End("failed", "engine-refused", RELEASED)),
    ("prepare", "not now"): (Later(SOON, 60), End("staged", "", HELD)),
    ("submit", "no"): (Refused(Code.TEXT_REFUSED), End("failed", "text-refused", RELEASED)),
    ("submit", "wrong key"): (
        Refused(Code.ENGINE_UNAVAILABLE, status=401),
        End("failed", "engine-unavailable", RELEASED),
    ),
    ("submit", "not now"): (Later(SOON, 60), End("staged", "", HELD)),
    ("submit", "not now, for the last time"): (
        Later(SOON, 60, tries=1),
        End("failed", "engine-unavailable", RELEASED),
    ),
    ("submit", "no credits"): (Later(SOON, 60, pause=True), End("staged", "", HELD)),
    ("submit", "no answer"): (Ambiguous("reset"), End("unknown", "outcome-unknown", RELEASED)),
    ("status", "failed"): (
        TaskStatus(TaskState.REFUSED, refusal=Refusal(Code.CATALOGUE_MATCH)),
        End("failed", "catalogue-match", RELEASED),
    ),
    ("status", "silence"): (TaskStatus(TaskState.RUNNING), End("submitted", "", HELD)),
    ("finished", "no audio"): (Refused(Code.RESULT_UNUSABLE), End("failed", "result-unusable", RELEASED)),
    ("finished", "not now"): (Later(SOON, 60), End("ready", "", HELD)),
}


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
async def test_every_end_of_every_phase(db: Database, tmp_path: Path, cell: tuple[str, str]) -> None:
    fault, end = CELLS[cell]
    assert await life(db, tmp_path, cell[0], fault) == end
    assert await db.work(counters) == await db.work(sums)


async def test_a_fault_that_keeps_its_units_turns_red(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects = {arrow: e for arrow, e in states.EFFECTS.items() if arrow[1] is not states.State.NOTIFYING}
    monkeypatch.setattr("bot.jobs.line.EFFECTS", effects)
    fault, end = CELLS["submit", "no"]
    assert (await life(db, tmp_path, "submit", fault)).units != end.units


async def life(db: Database, folder: Path, phase: str, fault: Any) -> End:
    """One job up to where it rests."""
    parts = Parts(folder, db, Faulty, pace=Pace(poll=60_000, late_poll=60_000, grace=GRACE_MS))
    parts.engine.phase, parts.engine.fault = phase, fault  # pyright: ignore[reportAttributeAccessIssue]
    parts.runner.start()
    parts.host.lay_out(1)
    await ask(parts.service, 1)
    async with asyncio.timeout(30):
        while not await db.work(lambda tx: tx.one(AT_REST, (GRACE_MS,))):  # noqa: ASYNC110 - the rows tell nobody
            await asyncio.sleep(0.01)
    await parts.runner.stop()
    row = await db.work(lambda tx: tx.one("SELECT id, state, error FROM jobs"))
    assert row is not None
    said = await db.work(lambda tx: tx.one("SELECT body ->> '$.error.code' FROM posts WHERE purpose = 'notice'"))
    units = [kind for account, kind in await db.work(lambda tx: kinds(tx, row["id"])) if account == "member"]
    return End(row["state"], said[0] if said else "", tuple(units))


AT_REST = """
SELECT 1 FROM jobs WHERE owner IS NULL AND (state IN ('done', 'failed', 'unknown')
 OR (state <> 'posting' AND state <> 'submitting' AND state <> 'notifying' AND wake_at > created_at + 30000 + ?)
 OR (state = 'staged' AND EXISTS (SELECT 1 FROM engines WHERE paused_until > 0)))
"""
"""It has ended, or sleeps until long after, or waits for an engine that rests."""
