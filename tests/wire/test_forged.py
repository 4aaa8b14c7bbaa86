"""The short form of `python -m benchmarks forged`: forged and altered callbacks change nothing."""

from __future__ import annotations

from pathlib import Path

from benchmarks import forged


async def test_forged_and_altered_callbacks_have_no_effect(tmp_path: Path) -> None:
    for outcome in await forged.measure(tmp_path, 304, 56):
        assert outcome.effects == []
        assert outcome.faults == 0
        assert outcome.statuses.total() in (304, 56)
        assert len(outcome.statuses) >= 2


async def test_the_figure_turns_red_for_a_bot_that_believes_everybody(tmp_path: Path) -> None:
    first, _ = await forged.measure(tmp_path / "forged", 16, 0, module="tests.wire.open_door")
    assert {"jobs", "inbox", "asked"} <= set(first.effects)
    _, second = await forged.measure(tmp_path / "altered", 0, 16, module="tests.wire.open_door")
    assert "inbox" in second.effects
