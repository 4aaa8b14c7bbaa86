"""The short form of `python -m benchmarks stored`: what was answered with 200 is in the database."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.database import Database
from bot.web import callbacks
from bot.web.callbacks import Callbacks
from tests.wire.hasty_bot import Hasty
from tests.wire.test_callback_faults import KEY, SECRET, TASK, opened
from tests.wire.test_callbacks import Door, headers

STAGES = ("text", "first", "complete", "error")


async def acknowledged(door: Door) -> set[str]:
    """Send every stage at once, and those that were not taken no second time."""

    async def one(stage: str) -> int:
        url = door.url().rpartition("/")[0] + f"/{SECRET}"
        return await door.post(
            url, {"data": {"task_id": TASK, "callbackType": stage}}, headers=headers(TASK, key=KEY)
        )

    said = await asyncio.gather(*map(one, STAGES))
    assert set(said) <= {200, 503}
    return {stage for stage, status in zip(STAGES, said, strict=True) if status == 200}


@pytest.mark.parametrize("kind", [Callbacks, Hasty])
@pytest.mark.parametrize("fault", ["writes fail", "locked"])
async def test_no_answer_of_200_without_a_row(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Callbacks], fault: str
) -> None:
    monkeypatch.setattr(callbacks, "DEADLINE_SECONDS", 0.3)
    async with opened(db, kind) as door:
        with closing(sqlite3.connect(tmp_path / "twodeck.db", isolation_level=None)) as other:
            if fault == "locked":
                other.execute("BEGIN IMMEDIATE")
            else:
                door.gate.fails = 3
            said = await acknowledged(door)
            rows = {stage for (stage,) in other.execute("SELECT stage FROM inbox")}
    assert (said <= rows) is (kind is Callbacks)
    assert kind is Hasty or len(said) == (0 if fault == "locked" else 1)
