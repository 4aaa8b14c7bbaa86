"""How soon a callback moves its job on: from sending it over HTTP until the provider is asked about the task."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from benchmarks.parked import ParkedBot, Provider, free_address, task_of
from benchmarks.report import Figure, below, print_table

CALLBACKS = 300
PER_SECOND = 20
WAITING = (CALLBACKS, 10_000)
LIMIT_MS = 5.0


def main() -> bool:
    return asyncio.run(_measure())


async def _measure() -> bool:
    figures: list[Figure] = []
    for waiting in WAITING:
        provider = Provider()
        await provider.start()
        try:
            with tempfile.TemporaryDirectory() as folder:
                steps, floor = await _callbacks(Path(folder), provider, waiting)
        finally:
            await provider.close()
        step, empty = statistics.median(steps), statistics.median(floor)
        figures += [
            below(f"callback to next step, {waiting:,} waiting: median", step, LIMIT_MS, "ms"),
            Figure("same: p90, longest", f"{_p90(steps):.2f} ms, {max(steps):.2f} ms"),
            Figure("empty HTTP round trip: median, p90", f"{empty:.2f} ms, {_p90(floor):.2f} ms"),
            Figure("step / round trip", f"{step / empty:.1f}"),
        ]
    return print_table(figures)


async def _callbacks(folder: Path, provider: Provider, waiting: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each callback and of an empty round trip before it."""
    address = free_address()
    provider.park(waiting, f"http://{address}")
    steps: list[float] = []
    floor: list[float] = []
    async with (
        ParkedBot(folder, provider, {"TWODECK_LISTEN": address}) as bot,
        aiohttp.ClientSession() as session,
    ):
        await bot.do("park", count=waiting)
        await bot.do("rest", seconds=2)  # the first look at everything is no callback
        for number in range(CALLBACKS):
            await asyncio.sleep(1 / PER_SECOND)
            floor.append(await _round_trip(session, f"http://{address}/"))
            steps.append(await _callback(provider, task_of(number)))
    return steps, floor


async def _callback(provider: Provider, task: str) -> float:
    look = provider.next_look(task)
    started = time.monotonic()
    answered = asyncio.create_task(provider.send(provider.tasks[task], "text"))
    async with asyncio.timeout(30):
        looked, status = await look, await answered
    assert status == 200, f"a callback was answered with {status}"
    return (looked - started) * 1000


async def _round_trip(session: aiohttp.ClientSession, url: str) -> float:
    """To a path that does not exist: answered without a look at anything."""
    started = time.monotonic()
    async with session.get(url) as answer:
        await answer.read()
    return (time.monotonic() - started) * 1000


def _p90(times: list[float]) -> float:
    return statistics.quantiles(times, n=10)[8]
