"""10,000 jobs that wait for a provider: memory, processor time, and what a restart does to them and to new jobs."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.parked import ParkedBot, Provider, free_address, task_of
from benchmarks.report import Figure, at_most, below, print_table

JOBS = 10_000
REST_SECONDS = 20
WORK_SECONDS = 60
NEW_JOBS = 30
CALLBACKS = 20
POLLS_PER_SECOND = 10
"""What the profiles of the providers allow."""


@dataclass(frozen=True)
class Rest:
    """A bot that only waits: resident memory in MB, and the share of a core it uses."""

    memory: float
    share: float


@dataclass(frozen=True)
class Restart:
    """The first minute after one. Times are monotonic seconds of this machine."""

    started: float
    polls: list[tuple[str, float]]
    work: dict[str, Any]
    delays: list[float]
    callbacks: list[float]
    memory: float


def main() -> bool:
    return asyncio.run(_measure())


async def _measure() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider()
        await provider.start()
        try:
            address = free_address()
            provider.park(JOBS, f"http://{address}")
            idle, quiet = await _idle(Path(folder, "idle"), provider)
            waiting = await _waiting(Path(folder, "waiting"), provider)
            restart = await _restart(Path(folder, "waiting"), provider, address)
        finally:
            await provider.close()
    return print_table([*_resting(idle, waiting, restart), *_restarted(restart), *_meanwhile(restart, quiet)])


async def _idle(folder: Path, provider: Provider) -> tuple[Rest, list[float]]:
    """A bot without jobs; then how soon it begins with a new one."""
    async with ParkedBot(folder, provider, {"TWODECK_LISTEN": free_address()}) as bot:
        rest = await _rest(bot)
        _, delays = await _work(bot, provider, NEW_JOBS / 10)
    return rest, delays


async def _waiting(folder: Path, provider: Provider) -> Rest:
    """A bot with all the jobs, which ends as in a crash."""
    async with ParkedBot(folder, provider, {"TWODECK_LISTEN": free_address()}) as bot:
        await bot.do("park", count=JOBS)
        rest = await _rest(bot)
        await bot.kill()
    return rest


async def _restart(folder: Path, provider: Provider, address: str) -> Restart:
    provider.asked.clear()
    async with ParkedBot(folder, provider, {"TWODECK_LISTEN": address}) as bot:
        (work, delays), callbacks = await asyncio.gather(_work(bot, provider, WORK_SECONDS), _call_back(provider))
        memory = bot.resident_mb()
    polls = [(name, at) for name, at in provider.asked if name in provider.tasks]
    assert polls, "no job was asked about in the minute after the restart"
    return Restart(bot.started, polls, work, delays, callbacks, memory)


async def _call_back(provider: Provider) -> list[float]:
    """Callbacks of the youngest jobs, whose turn comes last, and after how many seconds each was acted on."""
    delays: list[float] = []
    for number in range(JOBS - 1, JOBS - 1 - CALLBACKS, -1):
        await asyncio.sleep(WORK_SECONDS / CALLBACKS / 2)
        look, started = provider.next_look(task_of(number)), time.monotonic()
        await provider.send(provider.tasks[task_of(number)], "text")
        await asyncio.wait({look}, timeout=WORK_SECONDS / CALLBACKS / 2)
        delays.append(look.result() - started if look.done() else float("inf"))
    return delays


async def _rest(bot: ParkedBot) -> Rest:
    await bot.do("rest", seconds=2)  # the first look at everything is no rest
    share = (await bot.do("rest", seconds=REST_SECONDS))["share"]
    return Rest(bot.resident_mb(), share)


async def _work(bot: ParkedBot, provider: Provider, seconds: float) -> tuple[dict[str, Any], list[float]]:
    """New jobs at a steady pace, and how many seconds after its acceptance each was begun with."""
    looks = {f"new-{number}": provider.next_look(f"new-{number}") for number in range(NEW_JOBS)}
    files = f"{provider.url}/files"
    work = await bot.do("work", within=seconds + 60, seconds=seconds, jobs=NEW_JOBS, files=files)
    await asyncio.wait(looks.values(), timeout=10)
    begun = {name: look.result() for name, look in looks.items() if look.done()}
    return work, [begun.get(name, float("inf")) - asked for name, asked in work["asked"].items()]


def _resting(idle: Rest, waiting: Rest, restart: Restart) -> list[Figure]:
    return [
        Figure("idle bot: memory, share of a core", f"{idle.memory:.0f} MB, {idle.share:.2%}"),
        at_most(f"{JOBS:,} waiting: memory above idle", waiting.memory - idle.memory, 60, "MB"),
        at_most("same a minute after a restart", restart.memory - idle.memory, 60, "MB"),
        at_most("memory in all", restart.memory, 300, "MB"),
        below("share of one core while they wait", waiting.share * 100, 2, "%"),
    ]


def _restarted(restart: Restart) -> list[Figure]:
    """Who was polled when."""
    after = [at - restart.started for _, at in restart.polls]
    polled = Counter(name for name, _ in restart.polls)
    busiest = max(Counter(int(at) for at in after).values())
    again = sum(1 for count in polled.values() if count > 1)
    return [
        below("restart to first poll", after[0], 1, "s"),
        at_most("polls per second in the minute after it", len(after) / WORK_SECONDS, _allowed(), "/s"),
        Figure("polls in the busiest second", f"{busiest}"),
        Figure("jobs polled in that minute", f"{len(polled)} of {JOBS}; {again} of them again"),
        Figure("hundredth, thousandth, last first poll", _landmarks(restart)),
    ]


def _allowed() -> float:
    """A tenth above the profile for the jitter, and the callbacks, each of which is looked into at once."""
    return POLLS_PER_SECOND * 1.1 + CALLBACKS / WORK_SECONDS


def _landmarks(restart: Restart) -> str:
    first: dict[str, float] = {}
    for name, at in restart.polls:
        first.setdefault(name, at - restart.started)
    times = sorted(first.values())
    marks = [times[n - 1] for n in (100, 1000) if n <= len(times)]
    return ", ".join(f"{at:.1f} s" for at in (*marks, times[-1]))


def _meanwhile(restart: Restart, quiet: list[float]) -> list[Figure]:
    """What that minute is like for everybody else."""
    lag = restart.work["lag"]
    return [
        Figure("share of one core, card edits", f"{restart.work['share']:.0%}, {restart.work['edits']}"),
        Figure("loop lag p50, p99, most", ", ".join(_ms(lag[name]) for name in ("p50", "p99", "most"))),
        at_most("loop lag p99", lag["p99"] * 1000, 50, "ms"),
        Figure("new job to its first step, idle: median, longest", _spread(quiet)),
        Figure("new job to its first step, after the restart", _spread(restart.delays)),
        Figure("callback to its next step, after the restart", _spread(restart.callbacks)),
    ]


def _spread(delays: list[float]) -> str:
    return f"{_ms(statistics.median(delays))}, {_ms(max(delays))}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
