"""The stand-in's own speed: login to ready, trivial interactions a second, and how soon one is answered."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import discord

from bot.playground.limits import OFF
from tests.playground import Playground

STARTS = 10
IN_FLIGHT = 50
TOTAL = 3000
ONE_BY_ONE = 500


def main() -> None:
    asyncio.run(_measure())


async def _measure() -> None:
    starts = sorted([await _start() for _ in range(STARTS)])
    print(
        f"login to ready, discord.py's own pause left out: median {statistics.median(starts) * 1000:.0f} ms,",
        end=" ",
    )
    print(f"longest {starts[-1] * 1000:.0f} ms of {STARTS} (target 500 ms)")
    with tempfile.TemporaryDirectory() as folder:
        async with Playground(Path(folder), limits=OFF) as play:
            await play.start_bot(cold=True)
            await _answered(play, 100)
            rate = await _rate(play)
            delays = sorted(await _answered(play, ONE_BY_ONE))
    cut = statistics.quantiles(delays, n=100)
    print(f"autocomplete of /mashup, {IN_FLIGHT} in flight: {rate:.0f}/s (target 300/s)")
    print(f"one at a time: p50 {cut[49] * 1000:.1f} ms, p99 {cut[98] * 1000:.1f} ms (target 50 ms)")


async def _start() -> float:
    """Seconds from login to ready of a plain client, less the 50 ms it waits for more guilds."""
    async with Playground() as play:
        started = time.monotonic()
        await play.connect(discord.Client(intents=discord.Intents(guilds=True)))
        return time.monotonic() - started - 0.05


async def _rate(play: Playground) -> float:
    share = TOTAL // IN_FLIGHT
    started = time.monotonic()
    await asyncio.gather(*(_answered(play, share) for _ in range(IN_FLIGHT)))
    return share * IN_FLIGHT / (time.monotonic() - started)


async def _answered(play: Playground, count: int) -> list[float]:
    """Seconds each of `count` suggestions took, one after the other."""
    delays: list[float] = []
    for _ in range(count):
        started = time.monotonic()
        found = await play.autocomplete("mika", "mashups", "mashup", "engine", engine="lo")
        assert [one["value"] for one in found] == ["local"]
        delays.append(time.monotonic() - started)
    return delays
