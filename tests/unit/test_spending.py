"""No cap is passed though a provider takes the double, and an engine that is switched off gets nothing more."""

from __future__ import annotations

from pathlib import Path

from tests.purse import PRICE, Trusting, pull_the_plug, spend

CAP = 6 * PRICE


async def test_a_provider_that_takes_the_double_is_stopped_below_the_cap(tmp_path: Path) -> None:
    music = await spend(tmp_path, 8, CAP, times=2)
    assert 0 < music.lost <= CAP


async def test_a_fair_provider_is_used_up_to_the_cap(tmp_path: Path) -> None:
    music = await spend(tmp_path, 8, CAP, times=1)
    assert music.lost == CAP


async def test_a_bot_that_trusts_its_list_of_prices_is_found_out(tmp_path: Path) -> None:
    music = await spend(tmp_path, 8, CAP, times=2, spending=Trusting)
    assert music.lost == 2 * CAP


async def test_what_is_switched_off_gets_no_order_though_one_is_being_made_ready(tmp_path: Path) -> None:
    assert await pull_the_plug(tmp_path, 3) == 0


async def test_a_switch_that_only_new_jobs_see_is_found_out(tmp_path: Path) -> None:
    assert await pull_the_plug(tmp_path, 3, Trusting) > 0
