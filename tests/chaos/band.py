"""The music stand-in with a memory: callbacks lost, doubled, late and out of order by chance, everything noted."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.playground.music import Music
from bot.playground.music_task import Task
from tests.chaos.history import History

_GIVE_UP = 300


@dataclass(frozen=True)
class Shape:
    """What happens to callbacks: shares of 1, and the longest delay in seconds (each copy has its own)."""

    lost: float = 0.0
    silent: float = 0.0  # tasks of which every callback is lost
    doubled: float = 0.0
    late: float = 0.0


class Band(Music):
    """Sends a callback that is not lost again until it is answered with 2xx, or the job is not known."""

    def __init__(self, history: History, chance: random.Random, shape: Shape) -> None:
        super().__init__(key=f"canary-key-{chance.getrandbits(64):x}")
        self._history = history
        self._chance = chance
        self.shape = shape
        self.credits = 1_000_000
        self.knobs.webhook_key = f"canary-webhook-{chance.getrandbits(64):x}"
        self._silent: dict[str, bool] = {}
        self._copies: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a task is being made, or a callback still on its way."""
        return any(not work.done() for work in self._work) or bool(self._copies)

    def forget(self, kept: int) -> None:
        """Let go of the oldest uploads, up to so many."""
        for name in list(self._files)[:-kept]:
            del self._files[name]

    async def close(self) -> None:
        for copy in self._copies:
            copy.cancel()
        await asyncio.gather(*self._copies, return_exceptions=True)
        await super().close()

    async def send(self, task: Task, stage: str) -> int:
        status = await super().send(task, stage)
        self._history.note("callback", job=job_of(task.body), stage=stage, status=status)
        return status

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        answer = await super()._create(request)
        if not any(task.body == body for task in self.tasks.values()):
            self._history.note("create", job=job_of(body), refused=True)
        return answer

    def _take(self, body: dict[str, Any], sources: list[str]) -> Task:
        self._history.note("create", job=job_of(body), refused=False)
        return super()._take(body, sources)

    async def _tell(self, task: Task, stage: str) -> None:
        chance = self._chance
        if self._silent.setdefault(task.id, chance.random() < self.shape.silent):
            return
        if chance.random() < self.shape.lost:
            return
        copies = chance.randint(2, 5) if chance.random() < self.shape.doubled else 1
        for _ in range(copies):
            copy = asyncio.create_task(self._deliver(task, stage, chance.uniform(0, self.shape.late)))
            self._copies.add(copy)
            copy.add_done_callback(self._copies.discard)

    async def _deliver(self, task: Task, stage: str, delay: float) -> None:
        await asyncio.sleep(delay)
        for attempt in range(_GIVE_UP):
            status = await self.send(task, stage)
            if 200 <= status < 300 or status == 404:
                return
            await asyncio.sleep(min(0.1 * 2**attempt, 1.0))


def job_of(body: dict[str, Any]) -> str:
    """The job that a create is for: the part of its callback address before the secret."""
    return str(body.get("callBackUrl", "")).split("/")[-2]
