"""How soon anything is acknowledged: at 100 a second of 40 servers, at 400, and beside a flood of one server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from benchmarks.crowd import Acknowledged, Crowd, acknowledged, everybody, one_server, quiet
from benchmarks.report import Figure, at_most, below, print_table
from bot.playground.child import BotProcess
from bot.playground.limits import OFF
from bot.settings import DiscordSettings
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground

SECONDS = 20
NORMAL, RUSH, FLOOD = 100, 400, 200
WARM_UP = 100


def main() -> bool:
    print("The load runs in the process of the stand-in, a hundredth of it are mashups.")
    return print_table(asyncio.run(_measure()))


async def _measure() -> list[Figure]:
    async with busy_house() as (crowd, bot):
        fair = await fairness(crowd)
        return [*await promptness(crowd, bot), *fair]


@contextlib.asynccontextmanager
async def busy_house(broken: str = "") -> AsyncGenerator[tuple[Crowd, BotProcess]]:
    """A crowd and a bot that it has used already, perhaps with a part that is broken on purpose."""
    with tempfile.TemporaryDirectory() as folder:
        songs = [
            write_mp3(Path(folder, "one.mp3"), stereo(Song(tempo=120, seconds=9, tonic=9, minor=True))),
            write_mp3(Path(folder, "two.mp3"), stereo(Song(tempo=112, seconds=9, tonic=0))),
        ]
        async with Playground(Path(folder), limits=OFF) as play:
            default = DiscordSettings.model_fields["intake"].default
            bot = await play.start_bot(cold=True, broken=broken, TWODECK_INTAKE=str(default))
            crowd = Crowd(play)
            await crowd.gather(songs)
            await acknowledged(await crowd.load(20, WARM_UP / 20, one_server))
            yield crowd, bot


async def promptness(
    crowd: Crowd, bot: BotProcess, *, normal_seconds: int = SECONDS, rush_seconds: int = SECONDS
) -> list[Figure]:
    """How soon everybody is answered, on a busy day and in a rush."""
    before = _cpu_seconds(bot)
    normal = await acknowledged(await crowd.load(NORMAL, normal_seconds, everybody))
    between = _cpu_seconds(bot)
    rush = await rushing(crowd, rush_seconds)
    costs = [(between - before) / len(normal), (_cpu_seconds(bot) - between) / (RUSH * rush_seconds)]
    spent = [
        Figure(f"{n}/s: processor time of the bot for one", _ms(c))
        for n, c in zip((NORMAL, RUSH), costs, strict=True)
    ]
    return [*_normal(normal), *rush, *spent]


async def rushing(crowd: Crowd, seconds: int = SECONDS) -> list[Figure]:
    """How soon everybody is answered in a rush."""
    return _rush(await acknowledged(await crowd.load(RUSH, seconds, everybody)))


async def fairness(crowd: Crowd) -> list[Figure]:
    """What a flood of one server means for a member of another, and for itself."""
    alone = await acknowledged(await crowd.load(1, SECONDS, quiet))
    return _flood(alone, *await _beside(crowd))


async def _beside(crowd: Crowd) -> tuple[list[Acknowledged], list[Acknowledged]]:
    """A quiet member and the flood of another server, at the same time."""
    member, others = await asyncio.gather(crowd.load(1, SECONDS, quiet), crowd.load(FLOOD, SECONDS, one_server))
    return await acknowledged(member), await acknowledged(others)


def _normal(told: list[Acknowledged]) -> list[Figure]:
    quantiles = statistics.quantiles([one.seconds for one in told], n=1000)
    return [
        Figure(f"{NORMAL}/s: median", _ms(_median(told))),
        below(f"{NORMAL}/s: p99", quantiles[989] * 1000, 250, "ms"),
        below(f"{NORMAL}/s: p99.9", quantiles[998] * 1000, 1000, "ms"),
        at_most(f"{NORMAL}/s: told that the bot is busy", _busy(told), 1, "%"),
    ]


def _rush(told: list[Acknowledged]) -> list[Figure]:
    worked = [one for one in told if not one.busy]
    return [
        Figure(f"{RUSH}/s: median", _ms(_median(told))),
        at_most(f"{RUSH}/s: longest, busy ones too", told[-1].seconds * 1000, 2500, "ms"),
        Figure(f"{RUSH}/s: longest of those let in", _ms(worked[-1].seconds) if worked else "none"),
        Figure(f"{RUSH}/s: told that the bot is busy", f"{_busy(told):.1f} %"),
    ]


def _flood(alone: list[Acknowledged], beside: list[Acknowledged], flood: list[Acknowledged]) -> list[Figure]:
    return [
        Figure("quiet member alone: median, longest", f"{_ms(_median(alone))}, {_ms(alone[-1].seconds)}"),
        Figure(f"beside {FLOOD}/s of one server", f"{_ms(_median(beside))}, {_ms(beside[-1].seconds)}"),
        at_most("the second median over the first", _median(beside) / _median(alone), 2, "times"),
        at_most("the quiet member was told busy", float(sum(one.busy for one in beside)), 0, "times"),
        Figure("the flood was told busy", f"{_busy(flood):.1f} %"),
        at_most(
            "the longest that took", 1000 * max((one.seconds for one in flood if one.busy), default=0), 1000, "ms"
        ),
    ]


def _cpu_seconds(bot: BotProcess) -> float:
    """What the process of the bot has used so far; its children, which render, are not in it."""
    fields = Path(f"/proc/{bot.pid}/stat").read_text("ascii", "replace").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _median(told: list[Acknowledged]) -> float:
    return statistics.median(one.seconds for one in told)


def _busy(told: list[Acknowledged]) -> float:
    return 100 * sum(one.busy for one in told) / len(told)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
