"""What is read when somebody asks for the metrics: rows, accounts, children. Nothing is kept up to date for it."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bot.clock import Clock
from bot.database import Tx
from bot.database.connection import DatabaseError
from bot.database.reading import read
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.jobs.job import ARROWS, ENDED, State
from bot.metrics import counters
from bot.metrics.gateway import Gateway
from bot.worker.pool import Pool

CONTENT_TYPE = CONTENT_TYPE_LATEST
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOVING = tuple(state for state in State if ARROWS[state])
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class _Rows:
    """What the database tells: counts, the moment since when the oldest job is in its state, rows that wait."""

    jobs: Mapping[str, int]
    since: Mapping[str, int]
    queue: Mapping[str, int]
    posts: int


class Readings:
    """`text` is the whole answer to a scrape: what was counted, and how things stand."""

    def __init__(
        self,
        database: Path,
        clock: Clock,
        gateway: Gateway,
        registry: Registry,
        switches: Switches,
        pools: Sequence[Pool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._gateway = gateway
        self._registry = registry
        self._switches = switches
        self._pools = pools

    async def text(self) -> bytes:
        """In the text format of Prometheus. A database that cannot be read leaves its gauges out, and no others."""
        try:
            rows = await asyncio.to_thread(read, self._database, _rows)
        except DatabaseError:
            rows = None
        gauges = [*self._of_the_process(), *self._of_engines(), *(self._of_rows(rows) if rows else ())]
        now = CollectorRegistry()
        now.register(_Gauges(gauges))
        return generate_latest(counters.REGISTRY) + generate_latest(now)

    def _of_rows(self, rows: _Rows) -> Iterable[Metric]:
        now = self._clock.now()
        jobs = {(state.value,): rows.jobs.get(state, 0) for state in _MOVING}
        yield _gauge("twodeck_jobs", "Jobs in each state that is not the last.", jobs, "state")
        waits = {(s.value,): max(0, now - rows.since.get(s, now)) / 1000 for s in _MOVING if s not in ENDED}
        yield _gauge("twodeck_job_oldest_seconds", "How long a job is in its state, at most.", waits, "state")
        queue = {(name.value,): rows.queue.get(name, 0) for name in self._registry.names}
        yield _gauge("twodeck_queue_jobs", "Jobs that wait for their turn.", queue, "engine")
        yield _gauge("twodeck_posts_waiting", "Messages that are to be sent or removed.", {(): rows.posts})

    def _of_engines(self) -> Iterable[Metric]:
        accounts = {e.name: e.account for e in self._registry.engines if e.account is not None}
        credits = {(name.value,): one.credits for name, one in accounts.items() if one.credits is not None}
        yield _gauge("twodeck_engine_credits", "Credits of an account, as last read.", credits, "engine")
        answers = {(name.value,): one.reached for name, one in accounts.items()}
        yield _gauge("twodeck_engine_answers", "Whether it answered the last question.", answers, "engine")
        takes = {(name.value,): self._switches.takes(name) for name in self._registry.names}
        yield _gauge("twodeck_engine_takes_jobs", "Whether it is switched on, and has credits.", takes, "engine")

    def _of_the_process(self) -> Iterable[Metric]:
        yield _gauge("twodeck_info", "The version that runs.", {(version("twodeck"),): 1}, "version")
        yield _gauge("twodeck_gateway_connected", "Whether Discord hears us.", {(): self._gateway.connected})
        children = [pid for pool in self._pools for pid in pool.pids]
        yield _gauge("twodeck_workers", "Audio workers that run now.", {(): len(children)})
        memory = sum(map(_resident_bytes, children))
        yield _gauge("twodeck_worker_memory_bytes", "Resident memory of the audio workers that run.", {(): memory})
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _PEAK_UNIT
        yield _gauge("twodeck_worker_peak_memory_bytes", "The most that one worker that ended had.", {(): peak})


class _Gauges(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _gauge(name: str, words: str, values: Mapping[tuple[str, ...], float], *labels: str) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _rows(tx: Tx) -> _Rows:
    """Both conditions are those of an index: nothing that ended is looked at."""
    open_jobs = tx.all(
        "SELECT state, engine, count(*) AS number, min(updated_at) AS since FROM jobs"
        " WHERE state NOT IN ('done', 'failed', 'cancelled') GROUP BY state, engine"
    )
    jobs, queue, since = Counter[str](), Counter[str](), dict[str, int]()
    for row in open_jobs:
        state = row["state"]
        jobs[state] += row["number"]
        since[state] = min(since.get(state, row["since"]), row["since"])
        if state == State.STAGED:
            queue[row["engine"]] += row["number"]
    posts = tx.one("SELECT count(*) AS number FROM posts WHERE state NOT IN ('sent', 'dead', 'removed')")
    return _Rows(jobs, since, queue, posts["number"] if posts else 0)


def _resident_bytes(pid: int) -> int:
    """0 for a process that just ended, and where there is no /proc."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
