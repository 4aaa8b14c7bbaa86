"""Lives of a bot that is killed again and again, at random moments of its own life and of its jobs'."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.chaos.band import Shape
from tests.chaos.stage import ENGINES, PATIENCE, Stage
from tests.chaos.tally import Say, Tally

LONGEST_DELAY = 0.5
_MOST_WAITING = 10
_PRIVATE = 0.15
_REPORT_EVERY = 20


async def run(
    folder: Path,
    say: Say,
    *,
    kills: int,
    jobs_per_life: int,
    lost: float = 0.0,
    seed: int = 0,
    broken: str = "",
    cut_power: bool = False,
    warm: bool = True,
    debug: bool = False,
) -> Tally:
    """`kills` lives with `jobs_per_life` jobs each, on average; then everything may end.

    Of a share `lost` of the tasks no callback ever arrives.
    """
    tally = Tally()
    async with Stage(folder, seed=seed, shape=Shape(silent=lost, late=0.05), warm=warm) as stage:
        stage.options += ["--broken", broken] if broken else []
        stage.options += ["--power", str(folder / "synced")] if cut_power else []
        stage.settings |= {"TWODECK_LOG_LEVEL": "DEBUG"} if debug else {}
        stage.band.knobs.stage_seconds = 0.1
        stage.band.knobs.create_seconds = 0.02
        for life in range(1, kills + 1):
            await _live(stage, wanted=jobs_per_life * life)
            tally.interrupted.update(stage.states())
            await (stage.cut_power() if cut_power else stage.kill())
            if life % _REPORT_EVERY == 0:
                say(f"{life} kills, {stage.states()}")
        if await stage.start():
            await ask(stage, jobs_per_life * kills)
        await stage.settle(timeout=120 + 3 * stage.open_jobs)
        tally.judge(await stage.verdict(), stage.states())
    if tally.counts["jobs"] < jobs_per_life * kills:
        tally.violations.append(f"{tally.counts['jobs']} jobs were accepted; {jobs_per_life * kills} were wanted")
    tally.counts["kills"] = kills
    return tally


async def ask(stage: Stage, wanted: int, *, answered: bool = True) -> None:
    """As many mashups as are missing; `answered` waits until every member knows."""
    missing = wanted - sum(stage.states().values())
    chance = stage.chance
    acts = [
        await stage.ask(ENGINES[len(stage.asked) % len(ENGINES)], private=chance.random() < _PRIVATE)
        for _ in range(missing)
    ]
    if answered:
        await stage.wait_for(lambda: not any(stage.waits(act) for act in acts if act is not None), PATIENCE)


async def _live(stage: Stage, wanted: int) -> None:
    """One start, new jobs up to `wanted`, and the wait for the moment of the kill."""
    chance = stage.chance
    stage.play.history.clear()
    stage.play.knobs.nonce_window(chance.choice((0, 120)))
    if not await stage.start():
        raise RuntimeError("the bot ended by itself:\n" + "\n".join(stage.bot.last_lines))
    moment = chance.choice(("ready", "asked", "answered", "create", "callback", "result"))
    if moment != "ready":
        await stage.wait_for(lambda: stage.open_jobs < _MOST_WAITING, PATIENCE)
        await ask(stage, wanted, answered=moment != "asked")
        happened = _event(stage, moment)
        await stage.wait_for(lambda: happened() or not stage.open_jobs, PATIENCE)
    await asyncio.sleep(chance.uniform(0, LONGEST_DELAY))


def _event(stage: Stage, moment: str) -> Callable[[], bool]:
    """Whether what is waited for has happened since now."""
    results, since = stage.recorder.results, len(stage.history.events)
    match moment:
        case "result":
            return lambda: stage.recorder.results > results
        case "create" | "callback":
            return lambda: any(event["kind"] == moment for event in stage.history.events[since:])
        case _:
            return lambda: True
