"""Slow, oversized, packed and pipelined requests against a running bot, while valid callbacks go on."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, cycle
from pathlib import Path

from benchmarks.forged import KEY, Knock, complete, signed
from benchmarks.parked import SECRET, ParkedBot, Provider, free_address, job_of, task_of
from benchmarks.report import Figure, at_most, below, p99, print_table

JOBS = 2000
_LONGEST = 10.0
_P99_MS = 250.0
_GROWTH_MB = 32.0
_LINES = 100
_TRICKLE_SECONDS = 1.0
_HEADERS = "Host: bot.example\r\nContent-Type: application/json\r\n"
_POST = f"POST /callbacks/kie/{job_of(0)}/{SECRET} HTTP/1.1\r\n{_HEADERS}"

_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_BOMB = gzip.compress(b" " * (50 << 20))


@dataclass(frozen=True)
class Forces:
    """How many connections of each kind, how long each is watched, and how long it is calm before them."""

    slow_heads: int = 900
    slow_bodies: int = 900
    oversized: int = 200
    bombs: int = 60
    broken_off: int = 5000
    pipelining: int = 10
    pipelined: int = 500
    opened_per_second: float = 300.0
    calm: float = 10.0
    seconds: float = 20.0
    per_second: float = 20.0


@dataclass
class Outcome:
    """What became of the valid ones and of the others; `open` are those not closed while they were watched."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    milliseconds: list[float] = field(default_factory=list[float])
    calm: list[float] = field(default_factory=list[float])
    closed_after: list[float] = field(default_factory=list[float])
    open: int = 0
    grown_mb: float = 0.0
    lines: int = 0

    @property
    def refused(self) -> int:
        return self.statuses.total() - self.statuses[200]


class Visitor(threading.Thread):
    """Sends valid callbacks at a steady pace, each by a connection of its own, in a thread of its own."""

    def __init__(self, address: str, knock: Callable[[int], Knock], per_second: float) -> None:
        super().__init__(name="visitor")
        self._address = address
        self._knock = knock
        self._each = 1 / per_second
        self._ended = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.milliseconds: list[float] = []
        self.calm = 0

    def run(self) -> None:
        number, due = 0, time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            started = time.monotonic()
            self.statuses[self._send(self._knock(number))] += 1
            self.milliseconds.append((time.monotonic() - started) * 1000)
            number, due = number + 1, due + self._each

    def end(self) -> None:
        self._ended.set()
        self.join()

    def _send(self, knock: Knock) -> int:
        """The status; 0 for no answer."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            connection.request("POST", knock.path, knock.body, dict(knock.headers))
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def main() -> bool:
    figures: list[Figure] = []
    for place, settings in (("behind a proxy", {}), ("itself outside", {"TWODECK_PROXIES": ""})):
        with tempfile.TemporaryDirectory() as folder:
            figures += figures_of(place, asyncio.run(measure(Path(folder), settings)))
    return print_table(figures)


async def measure(
    folder: Path, settings: dict[str, str], forces: Forces | None = None, module: str = "benchmarks.parked"
) -> Outcome:
    """Besiege a bot that runs `module`."""
    provider, address, log = Provider(), free_address(), folder / "log.txt"
    await provider.start()
    provider.park(JOBS, f"http://{address}")
    settings = {"KIE_WEBHOOK_KEY": KEY, "TWODECK_LISTEN": address, "TWODECK_LOG_LEVEL": "INFO", **settings}
    try:
        async with ParkedBot(folder, provider, {**provider.settings("kie"), **settings}, module, log) as bot:
            await bot.do("park", count=JOBS, engine="kie")
            await bot.do("rest", seconds=1)
            outcome = await besiege(address, forces or Forces(), valid, bot.resident_mb)
    finally:
        await provider.close()
    outcome.lines = len(log.read_text().splitlines())
    return outcome


def valid(number: int) -> Knock:
    """A callback as it should be; each of another job."""
    job, task = job_of(number % JOBS), task_of(number % JOBS)
    return Knock(f"/callbacks/kie/{job}/{SECRET}", complete(task), signed(task, int(time.time())))


async def besiege(
    address: str, forces: Forces, knock: Callable[[int], Knock], resident_mb: Callable[[], float] | None = None
) -> Outcome:
    """All of `forces` one upon the other, from many addresses of this machine; valid ones come all the time."""
    outcome, visitor = Outcome(), Visitor(address, knock, forces.per_second)
    port = int(address.rpartition(":")[2])
    visitor.start()
    try:
        await asyncio.sleep(forces.calm)
        visitor.calm = len(visitor.milliseconds)
        before = resident_mb() if resident_mb else 0.0
        watching = asyncio.create_task(_watch(resident_mb, outcome, before)) if resident_mb else None
        homes = cycle(f"127.0.{number // 250 + 1}.{number % 250 + 1}" for number in range(100))
        attacks: list[asyncio.Task[None]] = []
        for way in _ways(forces):
            attacks.append(asyncio.create_task(_attack(port, next(homes), way, forces, outcome)))
            await asyncio.sleep(1 / forces.opened_per_second)
        await asyncio.gather(*attacks)
        await _broken_off(port, homes, forces)
        await asyncio.sleep(1)
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    finally:
        await asyncio.to_thread(visitor.end)
    outcome.statuses = visitor.statuses
    outcome.calm, outcome.milliseconds = visitor.milliseconds[: visitor.calm], visitor.milliseconds[visitor.calm :]
    return outcome


def _ways(forces: Forces) -> Iterator[Callable[[], Iterator[bytes]]]:
    """What each of the bad connections sends, piece by piece."""
    kinds = [
        (forces.slow_heads, _slow_head),
        (forces.slow_bodies, _slow_body),
        (forces.oversized // 2, _oversized),
        (forces.oversized - forces.oversized // 2, _endless),
        (forces.bombs // 2, _bomb),
        (forces.bombs - forces.bombs // 2, _deep),
        (forces.pipelining, lambda: iter([_HEALTH * (forces.pipelined - 1), _LAST])),
    ]
    return chain.from_iterable([way] * count for count, way in kinds)


def _slow_head() -> Iterator[bytes]:
    return chain([_POST.encode()], cycle([b"X: x\r\n"]))


def _slow_body() -> Iterator[bytes]:
    return chain([f"{_POST}Content-Length: 5000\r\n\r\n{{".encode()], cycle([b" "]))


def _oversized() -> Iterator[bytes]:
    return chain([f"{_POST}Content-Length: 100000000\r\n\r\n".encode()], cycle([b"x" * 60_000]))


def _endless() -> Iterator[bytes]:
    return chain(
        [f"{_POST}Transfer-Encoding: chunked\r\n\r\n".encode()], cycle([b"ea60\r\n" + b"x" * 60_000 + b"\r\n"])
    )


def _bomb() -> Iterator[bytes]:
    yield f"{_POST}Content-Encoding: gzip\r\nContent-Length: {len(_BOMB)}\r\n\r\n".encode() + _BOMB


def _deep() -> Iterator[bytes]:
    yield f"{_POST}Content-Length: 60000\r\n\r\n".encode() + b"[" * 60_000


async def _attack(
    port: int, home: str, way: Callable[[], Iterator[bytes]], forces: Forces, outcome: Outcome
) -> None:
    """Send it in pieces, and note when the other side closed the connection."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(forces.seconds), _caller(port, home) as (reader, writer):
            started = time.monotonic()
            sending = asyncio.create_task(_send(writer, way()))
            try:
                while await reader.read(1 << 16):
                    pass
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
    except TimeoutError:
        outcome.open += 1
        return
    except OSError:
        pass
    outcome.closed_after.append(time.monotonic() - started)


async def _send(writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(_TRICKLE_SECONDS)


async def _broken_off(port: int, homes: Iterator[str], forces: Forces) -> None:
    """Bodies that break off."""

    async def one() -> None:
        with suppress(OSError):
            async with _caller(port, next(homes)) as (_, writer):
                writer.write(f"{_POST}Content-Length: 5000\r\n\r\n{{".encode())
                await writer.drain()
                await asyncio.sleep(0.01)

    begun: list[asyncio.Task[None]] = []
    for _ in range(forces.broken_off):
        begun.append(asyncio.create_task(one()))
        await asyncio.sleep(1 / forces.opened_per_second)
    await asyncio.gather(*begun)


@asynccontextmanager
async def _caller(port: int, home: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(home, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def _watch(resident_mb: Callable[[], float], outcome: Outcome, before: float) -> None:
    while True:
        outcome.grown_mb = max(outcome.grown_mb, await asyncio.to_thread(resident_mb) - before)
        await asyncio.sleep(0.5)


def figures_of(name: str, outcome: Outcome) -> list[Figure]:
    longest = max(outcome.closed_after, default=0.0)
    return [
        at_most(f"{name}: valid ones not answered with 200", outcome.refused, 0, str(dict(outcome.statuses))),
        below(f"{name}: valid ones, p99", p99(outcome.milliseconds), _P99_MS, "ms"),
        Figure(f"{name}: valid ones before the siege, p99", f"{p99(outcome.calm):.1f} ms"),
        at_most(
            f"{name}: bad connections left open, of {len(outcome.closed_after) + outcome.open}", outcome.open, 0, ""
        ),
        at_most(f"{name}: the last was closed after", longest, _LONGEST, "s"),
        below(f"{name}: memory grew by", outcome.grown_mb, _GROWTH_MB, "MB"),
        at_most(f"{name}: lines in the log", outcome.lines, _LINES, ""),
    ]
