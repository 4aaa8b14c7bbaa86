"""Jobs per second through the whole life at FULL, against what raw sqlite3 commits on the same disk.

Only what lies outside is replaced: the source host, the probing child, the engine and Discord answer at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Figure, print_table
from bot.alerts import Alerts
from bot.clock import Clock
from bot.database import Database
from bot.engines.port import Capabilities, Finished, FinishedTrack, Order, TaskState, TaskStatus
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Code, Refused
from bot.files.download import Downloaded, Downloader
from bot.files.store import FileStore
from bot.jobs import inbox, store
from bot.jobs.line import JobLine
from bot.jobs.service import JobService, Offer, Place
from bot.jobs.steps import Pace, Steps
from bot.posts.line import PostLine
from bot.posts.post import Post, Progress, Purpose
from bot.quotas.facts import Operator
from bot.quotas.gate import Gate
from bot.request import EngineName, Limits, Mode, Operation
from bot.runner import Runner
from bot.settings import KeepSettings, OperatorSettings
from bot.worker.pool import Pool

ROUNDS = 3
TURNS = 5
JOBS = 100
AT_A_TIME = 50
COMMITS = 400
RATIO = 0.04
_READY = TaskStatus(TaskState.READY, fraction=1.0)
_MANY = 1 << 30
ROOMY = Operator(
    **dict.fromkeys(("member_day", "member_day_most", "guild_day", "guild_day_most"), _MANY),
    **dict.fromkeys(("member_running", "member_running_most", "guild_running", "guild_running_most"), _MANY),
    cooldown_seconds=0,
)
"""Limits that are in nobody's way."""


@dataclass(frozen=True)
class Round:
    """Whole lives and raw commits, each per second."""

    jobs: float
    raw: float

    @property
    def ratio(self) -> float:
        return self.jobs / self.raw


def main() -> bool:
    logging.basicConfig(level=logging.WARNING)
    rounds = [asyncio.run(_round()) for _ in range(ROUNDS)]
    ratio = statistics.median(each.ratio for each in rounds)
    return print_table(
        [
            Figure("jobs per second", _all([each.jobs for each in rounds], 0)),
            Figure("raw sqlite3 FULL commits per second", _all([each.raw for each in rounds], 0)),
            Figure("jobs / commits", _all([each.ratio for each in rounds], 4), f"at least {RATIO}", ratio >= RATIO),
            Figure("one life in commits' time", f"{1 / ratio:.1f}", f"at most {1 / RATIO:g}"),
        ]
    )


async def _round() -> Round:
    """Raw commits and jobs take turns: a disk that others use has its moods."""
    jobs, raw = 0.0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db = Database(folder / "twodeck.db")
        await db.open()
        try:
            parts = Parts(folder, db, Provider)
            parts.runner.start()
            with closing(plain(folder / "plain.db")) as connection:
                for turn in range(TURNS):
                    raw += commits(connection, COMMITS)
                    jobs += await _live(parts, turn * JOBS)
            await parts.runner.stop()
        finally:
            await db.close()
    return Round(TURNS * JOBS / jobs, TURNS * COMMITS / raw)


def plain(path: Path) -> sqlite3.Connection:
    """A database of one table, without anything of ours."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, at REAL NOT NULL) STRICT")
    return connection


def commits(connection: sqlite3.Connection, count: int) -> float:
    """Seconds that `count` commits of one small row each take."""
    started = time.perf_counter()
    for _ in range(count):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (at) VALUES (?)", (time.time(),))
        connection.execute("COMMIT")
    return time.perf_counter() - started


async def _live(parts: Parts, first: int) -> float:
    """Seconds from the first of `JOBS` acceptances to the last settlement, `AT_A_TIME` of them under way."""
    for number in range(first, first + JOBS):
        parts.host.lay_out(number)
    started = time.perf_counter()
    async with asyncio.timeout(300):
        for number in range(first, first + JOBS):
            await parts.out.room.acquire()
            await ask(parts.service, number)
        await parts.out.reach(first + JOBS)
        await _settled(parts.db, first + JOBS)
    return time.perf_counter() - started


class Parts:
    """The bot's own parts between acceptance and delivery; `make` is what plays the engine."""

    def __init__(
        self,
        folder: Path,
        db: Database,
        make: Callable[..., Provider],
        out: Out | None = None,
        pace: Pace | None = None,
    ) -> None:
        clock, files = Clock(), FileStore(folder / "files")
        files.prepare()
        self.db, self.out, self.host = db, out or Out(), Host(folder / "host")

        def call_back(job: str, task: str) -> Coroutine[Any, Any, None]:
            return _call_back(db, self.runner, job, task)

        self.engine = make(folder, call_back)
        registry, self.switches = Registry([self.engine]), Switches(db, clock)
        alerts, keep = (
            Alerts(db, clock, OperatorSettings.model_validate({}), lambda: None),
            KeepSettings.model_validate({}),
        )
        self.steps = Steps(db, clock, registry, self.switches, files, self.host, _Probes(1), alerts, pace)
        self.jobs = JobLine(db, clock, registry, self.switches, self.steps, lambda job: None, alerts, keep)
        posts = PostLine(db, clock, self.out, lambda tx, post: store.ring(tx, post.subject.removeprefix("job:")))
        self.runner = Runner(db, clock, [self.jobs, posts])
        self.service = JobService(
            db,
            clock,
            registry,
            self.switches,
            max_source_bytes=_MANY,
            gate=Gate(ROOMY),
            keep=keep,
            wake=self.runner.wake,
        )


async def _call_back(db: Database, runner: Runner, job: str, task: str) -> None:
    """As the web room does it."""
    await db.work(lambda tx: inbox.put(tx, job, "complete", task, 0))
    runner.wake()


async def ask(service: JobService, number: int) -> None:
    place = Place(f"i{number}", f"guild-{number % 10}", "1", f"member-{number}", "en-US", 1 << 23)
    await service.ask(Operation.MASHUP, place, offers(number), {"prompt": "rain on two rooftops"})


def offers(number: int) -> tuple[Offer, Offer]:
    return Offer(f"https://a/{number}-a", "a.mp3", 1000), Offer(f"https://a/{number}-b", "b.mp3", 1000)


async def _settled(db: Database, jobs: int) -> None:
    """Wait until so many are done; nothing else may have become of any."""
    while True:
        rows = await db.work(lambda tx: tx.all("SELECT state, count(*) AS n FROM jobs GROUP BY state"))
        states = {row["state"]: row["n"] for row in rows}
        assert set(states) <= {"posting", "done"}, states
        if states.get("done") == jobs:
            return
        await asyncio.sleep(0.002)


class Host(Downloader):
    """Each link is a tiny file that says its name, there before anybody asks for it.

    To make a file takes as long as commits do, on the same disk; the bot leaves that to threads.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__((), max_bytes=_MANY, timeout_seconds=1, user_agent="")
        self._folder = folder
        folder.mkdir()

    def lay_out(self, number: int) -> None:
        """The sources of one job."""
        for offer in offers(number):
            self._path(offer.url).write_bytes(offer.url.encode())

    async def fetch(self, url: str, destination: Path) -> Downloaded:
        self._path(url).replace(destination)
        return Downloaded(len(url), hashlib.sha256(url.encode()).hexdigest())

    def _path(self, url: str) -> Path:
        return self._folder / url.rpartition("/")[2]


class _Probes(Pool):
    """Any file is good."""

    async def run(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"format": "mp3", "seconds": 180.0}


class Provider:
    """Takes every order, calls back at once and has finished it, with the two tracks of a provider."""

    name = EngineName.SUNOAPI
    repeatable = False
    cancellable = False
    polls_per_second: float | None = None
    account = None

    def __init__(self, folder: Path, call_back: Callable[[str, str], Coroutine[Any, Any, None]]) -> None:
        self._call_back = call_back
        self._calls: set[asyncio.Task[None]] = set()
        self._made: list[FinishedTrack] = []
        for number in (1, 2):
            audio, picture = folder / f"{number}.mp3", folder / f"{number}.png"
            audio.write_bytes(b"audio" * number)
            picture.write_bytes(b"picture" * number)
            self._made.append(FinishedTrack(number, audio, picture, "Night Drive × Paper Lanterns", 180.0))

    def capabilities(self, operation: Operation, mode: Mode, model: str | None = None) -> Capabilities:
        return Capabilities((), Limits(prompt=500, style=100, title=80), frozenset({"prompt"}))

    async def balance(self) -> None: ...

    def offers_persona(self, operation: Operation) -> bool:
        return False

    async def make_persona(self, likeness: object) -> str:
        raise Refused(Code.PERSONA_NOT_OFFERED, engine=self.name.value, ready="-")

    def opens_in(self) -> float | None:
        return None

    def free(self) -> int:
        return AT_A_TIME

    async def prepare(self, order: Order) -> tuple[str, ...]:
        return f"https://files/{order.job}-a", f"https://files/{order.job}-b"

    async def submit(self, order: Order) -> str:
        task = f"task-{order.job}"
        call = asyncio.create_task(self._call_back(order.job, task))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return task

    async def status(self, task: str) -> TaskStatus:
        return _READY

    def glance(self, task: str) -> TaskStatus:
        return _READY

    async def recognises(self, task: str, uploads: Sequence[str]) -> bool:
        return True

    async def finished(self, task: str, max_bytes: int) -> Finished:
        report: Mapping[str, Any] = {"tracks": []}
        return Finished(tuple(self._made), report)

    async def discard(self, task: str) -> None: ...


class Out:
    """A delivery that answers at once and makes room for the next job with each result."""

    def __init__(self) -> None:
        self.room = asyncio.Semaphore(AT_A_TIME)
        self._results = 0
        self._one_more = asyncio.Event()

    async def reach(self, results: int) -> None:
        """Wait until so many results are out."""
        while self._results < results:
            self._one_more.clear()
            await self._one_more.wait()

    async def send(self, post: Post) -> str:
        if post.purpose is Purpose.RESULT:
            self._results += 1
            self._one_more.set()
            self.room.release()
        return f"message-{post.id}"

    async def find(self, post: Post) -> str | None:
        return None

    async def remove(self, post: Post) -> None: ...

    async def show(self, post: Post, progress: Progress) -> None: ...


def _all(values: Sequence[float], digits: int) -> str:
    """The median, then every value."""
    return f"{statistics.median(values):.{digits}f} ({', '.join(f'{value:.{digits}f}' for value in values)})"
