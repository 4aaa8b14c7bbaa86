"""Forged callbacks, and altered ones with a valid signature, against a running bot: what changes, what is said."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from benchmarks.parked import SECRET, ParkedBot, Provider, free_address, job_of, task_of
from benchmarks.report import Figure, at_most, below, p99, print_table

FORGED, ALTERED = 10_000, 1_000
PER_SECOND = 500.0
P99_MS = 50.0
JOBS = 20
KEY = "the-webhook-key"
_AT_ONCE = 20
_TABLES = ("inbox", "tracks", "posts", "ledger", "balance", "files", "file_refs", "sources")
_BESIDES = frozenset({"rev", "wake_at", "updated_at"})
"""What a look at the provider changes of a job."""


@dataclass(frozen=True)
class Knock:
    """One request to the listener."""

    path: str
    body: bytes
    headers: Mapping[str, str]


@dataclass
class Outcome:
    """What came of them. `effects` are places where something changed that must not, `floor` empty round trips."""

    effects: list[str] = field(default_factory=list[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    milliseconds: list[float] = field(default_factory=list[float])
    floor: list[float] = field(default_factory=list[float])
    seconds: float = 0.0

    @property
    def faults(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)


def main() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        forged, altered = asyncio.run(measure(Path(folder)))
    return print_table([*figures_of("forged", forged), *figures_of("altered, signed", altered)])


async def measure(
    folder: Path, forged: int = FORGED, altered: int = ALTERED, module: str = "benchmarks.parked"
) -> tuple[Outcome, Outcome]:
    """What the forged ones did, and then the altered ones, to a bot that runs `module`."""
    visits: list[str] = []
    provider, address = Provider(), free_address()
    stranger = await _stranger(visits)
    elsewhere = f"http://127.0.0.1:{stranger.addresses[0][1]}/evil.mp3"
    await provider.start()
    provider.park(JOBS, f"http://{address}")
    settings = {**provider.settings("kie"), "KIE_WEBHOOK_KEY": KEY, "TWODECK_LISTEN": address}
    settings["TWODECK_DOWNLOAD_HOSTS"] = f"{provider.host},{elsewhere.split('/')[2]}"
    try:
        async with ParkedBot(folder, provider, settings, module) as bot:
            await bot.do("park", count=JOBS, engine="kie")
            await bot.do("rest", seconds=1)
            look = _Look(folder / "twodeck.db", provider, visits)
            first = await _strike(bot, look, f"http://{address}", map(_forged, range(forged)), strict=True)
            knocks = (_altered(number, elsewhere) for number in range(altered))
            second = await _strike(bot, look, f"http://{address}", knocks, strict=False)
    finally:
        await provider.close()
        await stranger.cleanup()
    return first, second


class _Look:
    """What there is to see from outside: rows, questions to the provider, visits to somebody else."""

    def __init__(self, database: Path, provider: Provider, visits: list[str]) -> None:
        self._database = database
        self._provider = provider
        self._visits = visits

    def take(self, *, strict: bool) -> dict[str, Any]:
        """By place. Unless `strict`, that the bot asks how a job of its own stands is no effect."""
        seen: dict[str, Any] = {table: self._rows(table) for table in _TABLES}
        seen["jobs"] = self._rows("jobs", frozenset() if strict else _BESIDES)
        seen["creates"] = len(self._provider.creates)
        seen["visits"] = len(self._visits)
        seen["asked"] = len(self._provider.asked)
        if not strict:
            own = {task_of(number) for number in range(JOBS)}
            seen["inbox"] = sorted({row["task"] for row in seen["inbox"]} - own)
            seen["asked"] = sorted({name for name, _ in self._provider.asked} - own)
        return seen

    def _rows(self, table: str, besides: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
        return [{name: value for name, value in row.items() if name not in besides} for row in rows]


async def _strike(bot: ParkedBot, look: _Look, url: str, knocks: Iterator[Knock], *, strict: bool) -> Outcome:
    """`PER_SECOND` of them, and now and then a round trip to a path that does not exist."""
    outcome, before, started = Outcome(), look.take(strict=strict), time.monotonic()
    async with aiohttp.ClientSession() as session:

        async def timed(method: str, one: Knock) -> tuple[int, float]:
            sent = time.monotonic()
            async with session.request(method, f"{url}{one.path}", data=one.body, headers=one.headers) as answer:
                await answer.read()
                return answer.status, (time.monotonic() - sent) * 1000

        async def knock() -> None:
            for number, one in numbered:
                await asyncio.sleep(started + number / PER_SECOND - time.monotonic())
                status, took = await timed("POST", one)
                outcome.statuses[status] += 1
                outcome.milliseconds.append(took)
                if not number % 20:
                    outcome.floor.append((await timed("GET", Knock("/", b"", {})))[1])

        numbered = enumerate(knocks)
        await asyncio.gather(*(knock() for _ in range(_AT_ONCE)))
    outcome.seconds = time.monotonic() - started
    await bot.do("rest", seconds=2)  # whatever was woken gets its turn
    after = look.take(strict=strict)
    outcome.effects = [place for place in before if before[place] != after[place]]
    return outcome


def _forged(number: int) -> Knock:
    """By somebody who lacks the address, or the key."""
    job, task = job_of(number % JOBS), task_of(number % JOBS)
    path, body = f"/callbacks/kie/{job}/{SECRET}", complete(task)
    other, now = task_of((number + 1) % JOBS), int(time.time())
    good, evil = signed(task, now), signed(task, now, f"guess-{number}")
    right = good["X-Webhook-Signature"]
    ways: list[Callable[[], Knock]] = [
        lambda: Knock(f"/callbacks/kie/{job}/{number:032}", body, good),
        lambda: Knock(f"/callbacks/kie/job-{number + JOBS:08}/{SECRET}", body, good),
        lambda: Knock(f"/callbacks/sunoapi/{job}/{SECRET}", body, good),
        lambda: Knock(path, body, signed("", now, None)),
        lambda: Knock(path, body, evil),
        lambda: Knock(path, body, signed(task, now - 301 - number)),
        lambda: Knock(path, body, signed(task, now + 600 + number)),
        lambda: Knock(path, body, signed(other, now)),
        lambda: Knock(path, body, _with(good, "")),
        lambda: Knock(path, body, _with(good, base64.b64decode(right).hex())),
        lambda: Knock(path, body, _with(good, right[: number % 44])),
        lambda: Knock(path, body, _with(good, right.swapcase())),
        lambda: Knock(path, body, _with(good, f"\u00e9{right}")),
        lambda: Knock(path, complete("\ud800"), good),
        lambda: Knock(path, body, {**good, "X-Webhook-Timestamp": "\u00b2"}),
        lambda: Knock(path, body, _twice(evil, right)),
    ]
    return ways[number % len(ways)]()


def _with(headers: Mapping[str, str], signature: str) -> dict[str, str]:
    return {**headers, "X-Webhook-Signature": signature}


def _twice(headers: Mapping[str, str], second: str) -> Mapping[str, str]:
    """Two signatures, of which the first counts."""
    several = CIMultiDict(headers)
    several.add("X-Webhook-Signature", second)
    return several


def _altered(number: int, elsewhere: str) -> Knock:
    """By somebody who caught a callback: address and signature are right, the body is another."""
    job, task = job_of(number % JOBS), task_of(number % JOBS)
    songs = [{"id": "1", "audio_url": elsewhere, "image_url": elsewhere, "title": "Evil"}]
    data = {"task_id": task, "callbackType": "complete"}
    bodies: list[Callable[[], Any]] = [
        lambda: {"code": 200, "msg": "All generated.", "data": {**data, "data": songs}},
        lambda: {"code": 501, "msg": "failed", "data": {**data, "callbackType": "error", "data": None}},
        lambda: {"code": 200, "data": {**data, "task_id": task_of((number + 1) % JOBS), "data": songs}},
        lambda: {"code": 200, "data": {**data, "task_id": elsewhere, "data": songs}},
        lambda: {"code": 200, "data": {**data, "callbackType": f"stage-{number}", "state": "success"}},
        lambda: {"code": "200", "data": [data]},
        lambda: {"code": 200, "data": {**data, "fill": "x" * 70_000}},
        lambda: {"code": 200, "data": {"task_id": {"is": task}, "callbackType": 7}},
    ]
    body = json.dumps(bodies[number % len(bodies)]()).encode()
    return Knock(f"/callbacks/kie/{job}/{SECRET}", body, signed(task, int(time.time())))


def complete(task: str) -> bytes:
    return json.dumps({"code": 200, "data": {"task_id": task, "callbackType": "complete", "data": []}}).encode()


def signed(task: str, at: int, key: str | None = KEY) -> dict[str, str]:
    """The headers of a callback; without a key no signature."""
    kind = {"Content-Type": "application/json"}
    if key is None:
        return kind
    digest = hmac.new(key.encode(), f"{task}.{at}".encode(), hashlib.sha256).digest()
    return {**kind, "X-Webhook-Timestamp": str(at), "X-Webhook-Signature": base64.b64encode(digest).decode()}


async def _stranger(visits: list[str]) -> web.AppRunner:
    """A server that nobody has a reason to ask."""

    async def answer(request: web.Request) -> web.StreamResponse:
        visits.append(request.path)
        return web.Response(body=b"ID3")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


def figures_of(name: str, outcome: Outcome) -> list[Figure]:
    told = ", ".join(f"{count:,} x {status}" for status, count in sorted(outcome.statuses.items()))
    return [
        at_most(f"{name}: effects", len(outcome.effects), 0, ", ".join(outcome.effects)),
        at_most(f"{name}: answers of 5xx", outcome.faults, 0, ""),
        Figure(f"{name}: answers", f"{told}; {outcome.statuses.total() / outcome.seconds:.0f}/s"),
        below(f"{name}: answer, p99", p99(outcome.milliseconds), P99_MS, "ms"),
        Figure(f"{name}: empty round trip, p99", f"{p99(outcome.floor):.1f} ms"),
    ]
