"""The budget of logins outlives the process: whatever restarts it, Discord sees at most so many in a day."""

from __future__ import annotations

from pathlib import Path

from bot.clock import Clock
from bot.database import Database
from bot.logins import DAY_MS, Logins
from tests.restarts import Restarts, restart

MINUTE = 60_000


async def test_a_supervisor_that_restarts_at_once_stays_within_the_budget(tmp_path: Path) -> None:
    seen = await restart(tmp_path / "twodeck.db", times=120)
    assert seen.most_in(DAY_MS) <= 100
    assert seen.most_in(10 * MINUTE) <= 8
    assert len(seen.logins) == 120


async def test_a_bot_without_a_budget_is_found_out(tmp_path: Path) -> None:
    seen = await restart(tmp_path / "twodeck.db", times=120, most=0)
    assert seen.most_in(DAY_MS) == 120


async def test_a_few_restarts_cost_nothing_and_half_an_hour_forgives(db: Database) -> None:
    clock = Restarts()
    logins = Logins(db, clock, 100)
    for _ in range(5):
        assert await logins.take() == 0
        clock.at += 1000
    assert await logins.take() == 59
    clock.at += 30 * MINUTE
    assert [await logins.take() for _ in range(6)] == [0, 0, 0, 0, 0, 60]


async def test_a_clock_that_was_put_back_locks_nobody_out(db: Database) -> None:
    clock = Restarts()
    logins = Logins(db, clock, 100)
    for _ in range(5):
        await logins.take()
    clock.at -= 60 * MINUTE
    assert await logins.take() == 60
    clock.at += MINUTE
    assert await logins.take() == 0


def test_the_clock_of_these_tests_is_a_clock() -> None:
    assert isinstance(Restarts(), Clock)
