"""Callbacks while the disk is full, the database locked, the bot killed: what was answered with 200 has its row."""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
import tempfile
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from benchmarks.forged import complete
from benchmarks.parked import ENGINE, SECRET, ParkedBot, Provider, free_address, job_of
from benchmarks.report import Figure, at_most, print_table

CALLBACKS = 10_000
STAGES = ("text", "first", "complete", "error")
_AT_ONCE = 16
_BETWEEN = 110
"""Callbacks acknowledged between two faults, on average: a fast machine meets as many of these as a slow one."""
_AGAIN_SECONDS = 0.1


@dataclass
class Outcome:
    """Answers by status, 0 for none; what was acknowledged; `lost` of these have no row after a restart."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    acknowledged: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    faults: Counter[str] = field(default_factory=Counter[str])
    lost: int = 0


class _Trial:
    """One bot after another on the same folder, what is sent to it, and what befalls it."""

    def __init__(self, folder: Path, provider: Provider, address: str, module: str) -> None:
        self._folder = folder
        self._provider = provider
        self._address = address
        self._module = module
        self.outcome = Outcome()
        self.bot: ParkedBot

    async def start(self) -> None:
        self.bot = ParkedBot(self._folder, self._provider, {"TWODECK_LISTEN": self._address}, self._module)
        await self.bot.__aenter__()

    async def killed(self) -> None:
        await self.bot.kill()
        await self.start()

    async def full(self) -> None:
        """No file of the bot's may be written to."""
        resource.prlimit(self.bot.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        await asyncio.sleep(2)
        resource.prlimit(self.bot.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    async def locked(self) -> None:
        """Somebody else writes to the database, for longer than a callback is waited for."""
        with closing(
            sqlite3.connect(self._folder / "twodeck.db", timeout=30, isolation_level=None, check_same_thread=False)
        ) as other:
            await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
            await asyncio.sleep(6)
            other.execute("ROLLBACK")

    async def send(self, session: aiohttp.ClientSession, left: deque[tuple[str, str]]) -> None:
        """Each until it is acknowledged."""
        while left:
            job, stage = left.popleft()
            status = await self._status(session, job, stage)
            self.outcome.statuses[status] += 1
            if status == 200:
                self.outcome.acknowledged.add((job, stage))
            else:
                left.append((job, stage))
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _status(self, session: aiohttp.ClientSession, job: str, stage: str) -> int:
        url, kind = (
            f"http://{self._address}/callbacks/{ENGINE}/{job}/{SECRET}",
            {"Content-Type": "application/json"},
        )
        body = complete(job.replace("job", "task")).replace(b"complete", stage.encode())
        try:
            async with session.post(url, data=body, headers=kind) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    def lost(self) -> int:
        with closing(sqlite3.connect(f"file:{self._folder / 'twodeck.db'}?mode=ro", uri=True)) as database:
            rows = set(database.execute("SELECT job, stage FROM inbox"))
        return len(self.outcome.acknowledged - rows)


def main() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return print_table(figures_of(asyncio.run(measure(Path(folder)))))


async def measure(
    folder: Path, callbacks: int = CALLBACKS, module: str = "benchmarks.parked", seed: int = 1
) -> Outcome:
    """To a bot that runs `module`, which something befalls again and again."""
    provider, address, chance = Provider(), free_address(), random.Random(seed)
    jobs = callbacks // len(STAGES)
    await provider.start()
    provider.park(jobs, f"http://{address}")
    trial = _Trial(folder, provider, address, module)
    await trial.start()
    try:
        await trial.bot.do("park", count=jobs)
        left = deque((job_of(number), stage) for stage in STAGES for number in range(jobs))
        chance.shuffle(left)
        await _through_faults(trial, left, chance)
        await trial.killed()
        trial.outcome.lost = trial.lost()
    finally:
        await trial.bot.__aexit__()
        await provider.close()
    return trial.outcome


async def _through_faults(trial: _Trial, left: deque[tuple[str, str]], chance: random.Random) -> None:
    kinds: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("killed", trial.killed),
        ("disk full", trial.full),
        ("locked", trial.locked),
    ]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        sending = asyncio.gather(*(trial.send(session, left) for _ in range(_AT_ONCE)))
        turn = 0
        while not sending.done():
            goal = len(trial.outcome.acknowledged) + 2 * _BETWEEN * chance.random()
            while len(trial.outcome.acknowledged) < goal and not sending.done():
                await asyncio.wait({sending}, timeout=0.005)
            name, befall = kinds[turn % len(kinds)]
            if not sending.done():
                turn += 1
                trial.outcome.faults[name] += 1
                await befall()
        await sending


def figures_of(outcome: Outcome) -> list[Figure]:
    told = ", ".join(f"{count:,} x {status or 'none'}" for status, count in sorted(outcome.statuses.items()))
    befell = ", ".join(f"{count} x {name}" for name, count in outcome.faults.items())
    return [
        Figure("acknowledged", f"{len(outcome.acknowledged):,}"),
        at_most("acknowledged without a row after a restart", outcome.lost, 0, ""),
        Figure("answers", told),
        Figure("what befell the bot", befell),
    ]
