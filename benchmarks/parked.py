"""A bot without Discord, with jobs parked at a music provider: its real parts in a child process, and the provider.

The parent talks to the child in JSON lines; the child ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.client import Services
from bot.database import Tx
from bot.jobs import inbox, messages, store
from bot.jobs.job import DEADLINES, Ask, Source, State
from bot.jobs.service import Offer, Place
from bot.parts import Parts
from bot.playground.music import Music
from bot.playground.music_task import Task
from bot.posts import store as posts
from bot.posts.post import Post, Progress
from bot.request import Operation
from bot.settings import load

ENGINE = "sunoapi"
FAR_MS = 6 * 3600_000
"""How far ahead the wake-up of a parked job is."""

_TICK = 0.002
_GUILD_SIZE = 20
SECRET = "s" * 32


class Provider(Music):
    """The music stand-in, which notes when each task or file was asked for (monotonic seconds)."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, float]] = []
        self._awaited: dict[str, asyncio.Future[float]] = {}

    def park(self, count: int, public_url: str) -> None:
        """Know the tasks of as many parked jobs, none of which ever ends."""
        for number in range(count):
            address = f"{public_url}/callbacks/{ENGINE}/{job_of(number)}/{SECRET}"
            body = {"title": "Night Drive × Paper Lanterns", "callBackUrl": address}
            self.tasks[task_of(number)] = Task(task_of(number), body, ("", ""))

    def next_look(self, name: str) -> asyncio.Future[float]:
        """When `name` is asked for the next time."""
        return self._awaited.setdefault(name, asyncio.get_running_loop().create_future())

    async def _record(self, request: web.Request) -> web.StreamResponse:
        self._note(request.query.get("taskId", ""))
        return await super()._record(request)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        self._note(request.match_info["name"])
        return await super()._file(request)

    def _note(self, name: str) -> None:
        now = time.monotonic()
        self.asked.append((name, now))
        if (awaited := self._awaited.pop(name, None)) and not awaited.done():
            awaited.set_result(now)


class ParkedBot:
    """The child as its parent sees it. `settings` are further ones by name, `module` is what it runs.

    Its errors go to the file `log`.
    """

    def __init__(
        self,
        folder: Path,
        provider: Provider,
        settings: dict[str, str],
        module: str = "benchmarks.parked",
        log: Path | None = None,
    ) -> None:
        self._module = module
        self._log = log
        self._settings = {
            "DISCORD_TOKEN": "none",
            "TWODECK_DATA_DIR": str(folder),
            "TWODECK_DOWNLOAD_HOSTS": provider.host,
            "TWODECK_QUOTA_GUILD_RUNNING": "10000",
            "TWODECK_QUOTA_GUILD_RUNNING_MOST": "10000",
            **provider.settings(ENGINE),
            **settings,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> ParkedBot:
        with self._log.open("a") if self._log else nullcontext() as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module),
                env={**os.environ, **self._settings},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self.started: float = (await self._answer(60))["started"]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            await self._process.communicate(b"")

    async def kill(self) -> None:
        """As a crash would."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def do(self, what: str, *, within: float = 120, **values: Any) -> dict[str, Any]:
        """Let the child do one thing and tell what came of it."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **values}).encode() + b"\n")
        return await self._answer(within)

    @property
    def pid(self) -> int:
        """Of the child."""
        assert self._process is not None
        return self._process.pid

    def resident_mb(self) -> float:
        """Its resident memory now."""
        assert self._process is not None
        found = subprocess.run(["ps", "-o", "rss=", "-p", str(self._process.pid)], capture_output=True, check=True)
        return int(found.stdout) / 1024

    async def _answer(self, within: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), within)
        if not line:
            raise RuntimeError(f"the bot ended with {await self._process.wait()}")
        return json.loads(line)


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def task_of(number: int) -> str:
    return f"task-{number:08}"


def job_of(number: int) -> str:
    return f"job-{number:08}"


class Mute:
    """A delivery that answers at once."""

    def __init__(self) -> None:
        self.edits = 0

    async def send(self, post: Post) -> str:
        return post.id

    async def find(self, post: Post) -> str | None:
        return None

    async def remove(self, post: Post) -> None: ...

    async def show(self, post: Post, progress: Progress) -> None:
        self.edits += 1


class _Child:
    """What the parent may ask for, by name."""

    def __init__(self, services: Services, delivery: Mute) -> None:
        self._services = services
        self._delivery = delivery
        self.can: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "park": self._park,
            "rest": self._rest,
            "work": self._work,
        }

    async def _park(self, count: int, engine: str = ENGINE) -> dict[str, Any]:
        """Write `count` submitted jobs that wake far ahead, in one unit."""
        now = self._services.clock.now()
        await self._services.db.work(lambda tx: park(tx, count, now=now, engine=engine))
        return {}

    async def _rest(self, seconds: float) -> dict[str, Any]:
        """The share of a core that is used while nothing is asked."""
        return {"share": await _share(asyncio.sleep(seconds), seconds)}

    async def _work(self, seconds: float, jobs: int, files: str) -> dict[str, Any]:
        """Take `jobs` new jobs at a steady pace, with a clock beside; their source files lie below `files`."""
        edits = self._delivery.edits
        late: list[float] = []
        asked: dict[str, float] = {}
        ticking = asyncio.create_task(_tick(late))
        share = await _share(self._ask(asked, seconds, jobs, files), seconds)
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        late.sort()
        lag = {"p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100], "most": late[-1]}
        return {"share": share, "lag": lag, "asked": asked, "edits": self._delivery.edits - edits}

    async def _ask(self, asked: dict[str, float], seconds: float, jobs: int, files: str) -> None:
        for number in range(jobs):
            await asyncio.sleep(seconds / jobs)
            name = f"new-{number}"
            place = Place(f"{name}-{time.monotonic()}", "new", "1", name, "en-US", 1 << 23)
            offers = Offer(f"{files}/{name}", "a.mp3", 1000), Offer(f"{files}/{name}-b", "b.mp3", 1000)
            asked[name] = time.monotonic()
            await self._services.jobs.ask(Operation.MASHUP, place, offers, {"engine": "local"})


async def _share(work: Awaitable[None], seconds: float) -> float:
    """Processor time of this process, as a share of one core, while `work` takes its `seconds`."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    await work
    after = resource.getrusage(resource.RUSAGE_SELF)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / seconds


async def _tick(late: list[float]) -> None:
    """Note by how many seconds the loop comes late, over and over."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(_TICK)
        late.append(time.monotonic() - before - _TICK)


def park(tx: Tx, count: int, *, now: int, engine: str = ENGINE) -> None:
    """Write `count` submitted jobs that wake far ahead."""
    for number in range(count):
        _insert(tx, number, now, engine)


def _insert(tx: Tx, number: int, now: int, engine: str) -> None:
    """A submitted job as the bot would have left it, with its card."""
    job_id, digest = job_of(number), f"{number:064x}"
    sources = (
        Source("a", f"https://cdn.discordapp.com/attachments/1/{number}/a.mp3", "Night_Drive.mp3", 5_000_000),
        Source("b", f"https://cdn.discordapp.com/attachments/2/{number}/b.mp3", "Paper_Lanterns.mp3", 5_000_000),
    )
    request: dict[str, Any] = {
        **dict.fromkeys(("style", "vocal_gender", "style_weight", "weirdness", "audio_weight")),
        **{"engine": engine, "mode": "simple", "prompt": "rain on two rooftops", "instrumental": False},
        **{"title": "Night Drive × Paper Lanterns", "model": "V5", "unused": []},
    }
    guild, member = f"guild-{number // _GUILD_SIZE}", f"member-{number}"
    ask = Ask(str(number), guild, "1", member, "en-US", engine, "mashup", request, 1, 1 << 23, sources)
    store.insert(tx, job_id, ask, now=now, deadline=now + DEADLINES[State.SUBMITTED])
    for source in sources:
        store.stage_source(tx, job_id, replace(source, hash=digest, seconds=180.0))
    inbox.arm(tx, job_id, SECRET, (f"https://files.example/{number}-a", f"https://files.example/{number}-b"))
    tx.run(
        "UPDATE jobs SET state = ?, task = ?, marked_at = ?, attempts = 1, wake_at = ? WHERE id = ?",
        (State.SUBMITTED, task_of(number), now, now + FAR_MS, job_id),
    )
    job = store.get(tx, job_id)
    assert job is not None
    posts.add(tx, job.subject, messages.card(job), post_id=f"card-{number:08}", now=now)
    tx.run("UPDATE posts SET state = 'sent', message_id = id WHERE id = ?", (f"card-{number:08}",))


async def serve() -> None:
    """The child: open and start the parts, then do what standard input says until it ends."""
    logging.basicConfig(level=os.environ.get("TWODECK_LOG_LEVEL", "WARNING"))
    started = time.monotonic()
    parts = Parts(load())
    services = await parts.open()
    delivery = Mute()
    services.delivery.attach(delivery)
    parts.start()
    _say({"started": started})
    child = _Child(services, delivery)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        _say(await child.can[order.pop("do")](**order))
    await parts.close()


def _say(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
