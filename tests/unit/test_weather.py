"""A full, read-only or locked disk costs nothing that was promised, and a clock that jumps makes nobody wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.database import Database
from tests.weather import HOUR_MS, TROUBLES, Hasty, full, jump, weather


@pytest.mark.parametrize("name", TROUBLES)
async def test_what_cannot_be_stored_is_answered_with_503(tmp_path: Path, name: str) -> None:
    seen = await weather(tmp_path / "twodeck.db", TROUBLES[name], 0.6)
    assert 503 in seen.during
    assert set(seen.during) <= {200, 503}
    assert seen.missing == []
    assert seen.recovered <= 10
    assert seen.verdict == "ok"


async def test_a_door_that_answers_200_in_any_case_is_found_out(tmp_path: Path) -> None:
    assert (await weather(tmp_path / "twodeck.db", full, 0.4, Hasty)).missing


@pytest.mark.parametrize("by", [HOUR_MS, -HOUR_MS])
async def test_a_clock_that_jumps_holds_nobody_up_and_ends_nothing_early(db: Database, by: int) -> None:
    after, left = await jump(db, by, wait=0.8, patience=20)
    assert after < 10
    assert left == pytest.approx(HOUR_MS, abs=15_000)


async def test_a_runner_that_believes_its_clock_is_found_out(db: Database) -> None:
    after, _ = await jump(db, -HOUR_MS, wait=0.4, patience=2, follows=False)
    assert after == float("inf")
