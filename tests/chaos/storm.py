"""Many jobs whose callbacks are lost, doubled, late and out of order, all at once."""

from __future__ import annotations

from pathlib import Path

from tests.chaos import kills
from tests.chaos.band import Shape
from tests.chaos.stage import Stage
from tests.chaos.tally import Say, Tally

_MOST_WAITING = 24
_WAVE = 8


async def run(
    folder: Path, say: Say, *, jobs: int, lost: float, doubled: float, late: float, seed: int = 0, warm: bool = True
) -> Tally:
    """The whole life of `jobs` mashups; a few at a time are on their way."""
    tally = Tally()
    async with Stage(folder, seed=seed, shape=Shape(lost=lost, doubled=doubled, late=late), warm=warm) as stage:
        if not await stage.start():
            raise RuntimeError("the bot did not start:\n" + "\n".join(stage.bot.last_lines))
        asked = 0
        while asked < jobs:
            await stage.wait_for(lambda: stage.open_jobs < _MOST_WAITING, 120)
            asked = min(jobs, asked + _WAVE)
            await kills.ask(stage, asked)
            stage.play.history.clear()
            say(f"{asked} jobs, {stage.states()}")
        await stage.settle(timeout=120 + jobs)
        tally.judge(await stage.verdict(), stage.states())
        if tally.counts["jobs"] < jobs:
            tally.violations.append(f"{tally.counts['jobs']} jobs were accepted; {jobs} were wanted")
        callbacks = [event for event in stage.history.events if event["kind"] == "callback"]
        tally.counts["callbacks"] = len(callbacks)
        tally.counts["callbacks that said nothing new"] = len(callbacks) - len(
            {(event["job"], event["stage"]) for event in callbacks}
        )
    return tally
