"""The soak itself: a bot between its two stand-ins, guests, troubles, looks at it, and figures at the end."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.report import Figure, at_most
from bot.playground.child import BotProcess
from tests.chaos.stage import Stage
from tests.soak.guests import Guests
from tests.soak.samples import STOP_SECONDS, Sample, growth, look
from tests.soak.troubles import SHAPE, Troubles

_UNHANDLED = re.compile(
    r"Traceback \(most recent call last\)|was never (retrieved|awaited)|Unclosed|ResourceWarning|[Uu]nhandled"
)
_KEPT_SECONDS = 1200.0
_KEPT_FILES = 400
_SETTLE_SECONDS = 180.0


@dataclass(frozen=True)
class Plan:
    """How long, of which so much at the beginning is warm-up; every so often a look."""

    seconds: float
    warm_up: float
    every: float = 30.0
    broken: str = ""
    seed: int = 1


@dataclass
class Outcome:
    """What was seen; `ended` says how often the bot ended by itself."""

    samples: list[Sample] = field(default_factory=list[Sample])
    guests: dict[str, int] = field(default_factory=dict[str, int])
    lost: dict[str, int] = field(default_factory=dict[str, int])
    troubles: dict[str, int] = field(default_factory=dict[str, int])
    states: dict[str, int] = field(default_factory=dict[str, int])
    unhandled: list[str] = field(default_factory=list[str])
    violations: list[str] = field(default_factory=list[str])
    left: int = 0
    ended: int = 0
    stopped_in: float = 0.0

    def figures(self) -> list[Figure]:
        return [
            *growth(self.samples),
            Figure("what guests did", _counted(self.guests)),
            Figure("what of it broke off", _counted(self.lost)),
            Figure("what went wrong on purpose", _counted(self.troubles)),
            Figure("jobs", _counted(self.states)),
            at_most("jobs that did not end", self.left, 0, ""),
            at_most("broken invariants", len(self.violations), 0, ""),
            at_most("unhandled exceptions", len(self.unhandled), 0, ""),
            at_most("the bot ended by itself", self.ended, 0, "times"),
            at_most("it stopped under load in", self.stopped_in, STOP_SECONDS, "s"),
        ]


async def run(folder: Path, plan: Plan, say: Callable[[str], None]) -> Outcome:
    """A warm-up, the time of the samples, a stop under load, and a second start that lets all jobs end."""
    outcome = Outcome()
    async with Stage(folder, seed=plan.seed, shape=SHAPE, warm=True, kind=BotProcess) as stage:
        stage.options += ["--broken", plan.broken] if plan.broken else []
        if not await stage.start():
            raise RuntimeError("the bot did not start:\n" + "\n".join(stage.bot.last_lines))
        guests, troubles = Guests(stage), Troubles(stage)
        guests.come()
        troubles.begin()
        try:
            await _watch(stage, plan, outcome, say)
        finally:
            await troubles.end()
        begun = time.monotonic()
        await stage.bot.stop()
        outcome.stopped_in = time.monotonic() - begun
        await guests.go()
        say(f"stopped in {outcome.stopped_in:.1f} s; now everything may end")
        if await stage.start():
            await stage.settle(_SETTLE_SECONDS)
        outcome.left = stage.open_jobs
        outcome.violations = [str(violation) for violation in await stage.verdict()]
        outcome.guests, outcome.lost = dict(guests.done), dict(guests.lost)
        outcome.troubles, outcome.states = dict(troubles.done), stage.states()
        outcome.ended += sum(event["kind"] == "ended" for event in stage.history.events)
        outcome.unhandled = unhandled(stage.bot.log_file.read_text("utf-8", "replace"))
    for line in [*outcome.violations[:20], *outcome.unhandled[:20]]:
        say(line)
    return outcome


async def _watch(stage: Stage, plan: Plan, outcome: Outcome, say: Callable[[str], None]) -> None:
    """Look on until the time is over; a bot that ended by itself ends it, too."""
    begun, said = time.monotonic(), 0.0
    while (now := time.monotonic() - begun) < plan.seconds:
        await asyncio.sleep(min(plan.every, plan.seconds - now))
        if stage.bot.pid is None:
            outcome.ended += 1
            return
        sample = look(stage.bot.pid, time.monotonic() - begun, stage.database)
        if sample.at >= plan.warm_up:
            outcome.samples.append(sample)
        if sample.at - said >= 60:
            said = sample.at
            say(_told(stage, sample))
        tidy(stage)


def unhandled(log: str) -> list[str]:
    """The lines of a log that tell of what nobody handled."""
    return [line for line in log.splitlines() if _UNHANDLED.search(line)]


def tidy(stage: Stage) -> None:
    """Let the stand-ins forget what is over, so that they do not grow for hours."""
    world, music = stage.play.world, stage.band
    before = world.clock.now() - _KEPT_SECONDS
    stage.play.history.clear()
    stage.forget_answered()
    for token in [token for token, one in world.interactions.items() if one.created < before]:
        del world.interactions[token]
    for message in [one for one in world.messages.values() if one.created < before]:
        del world.messages[message.id]
    for key in [key for key, one in world.nonces.items() if one.created < before]:
        del world.nonces[key]
    stage.play.standin.files.forget(before)
    music.forget(_KEPT_FILES)


def _told(stage: Stage, sample: Sample) -> str:
    return (
        f"minute {sample.at / 60:.0f}: {sample.memory:.1f} MB, {sample.handles} handles, {sample.threads} threads, "
        f"database {sample.database:.1f} MB, {sample.spent / sample.at:.1%} of a core; "
        f"jobs: {_counted(stage.states())}"
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"
