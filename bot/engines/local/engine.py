"""The embedded engine behind the port: a directory per attempt, and a manifest that says it is done."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bot.engines.local.plan import wishes_of
from bot.engines.local.studio import Studio
from bot.engines.port import Account, Capabilities, Finished, FinishedTrack, Likeness, Order, TaskState, TaskStatus
from bot.errors import Code, Refusal, Refused
from bot.failpoints import around
from bot.request import EngineName, Limits, Mode, Operation

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"
TRACKS = 2
_CAPABILITIES = Capabilities(
    models=(),
    limits=Limits(prompt=5000, style=1000, title=100),
    uses=frozenset({"title", "audio_weight", "style_weight", "weirdness", "instrumental"}),
    lacks=frozenset({"persona"}),
)


class LocalEngine:
    """Makes `workers` mashups at a time; `on_change(job)` rings at progress, `on_end(job)` at the end."""

    name = EngineName.LOCAL
    repeatable = True
    cancellable = True
    polls_per_second = None
    account = None

    def __init__(
        self,
        studio: Studio,
        folder: Path,
        *,
        workers: int,
        on_change: Callable[[str], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._studio = studio
        self._folder = folder
        self._workers = workers
        self._on_change = on_change
        self._on_end = on_end
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, tuple[str, float]] = {}
        self._refusals: dict[str, Refusal] = {}

    def capabilities(self, operation: Operation, mode: Mode, model: str | None = None) -> Capabilities | None:
        return _CAPABILITIES if operation is Operation.MASHUP else None

    async def balance(self) -> Account | None:
        return None

    def offers_persona(self, operation: Operation) -> bool:
        return False

    async def make_persona(self, likeness: Likeness) -> str:
        raise Refused(Code.PERSONA_NOT_OFFERED, engine=self.name.value, ready="-")

    def free(self) -> int:
        return max(0, self._workers - len(self._tasks))

    def opens_in(self) -> float | None:
        return None

    async def prepare(self, order: Order) -> tuple[str, ...]:
        return ()

    async def submit(self, order: Order) -> str:
        task = f"{order.job}-{order.attempt}"
        directory = self._folder / task
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self._progress[task] = ("decode", 0.0)
        self._refusals.pop(task, None)
        self._tasks[task] = asyncio.create_task(self._make(task, order, directory), name=f"local:{task}")
        return task

    async def status(self, task: str) -> TaskStatus:
        return self.glance(task)

    async def recognises(self, task: str, uploads: tuple[str, ...]) -> bool:
        return (self._folder / task).is_dir()

    def glance(self, task: str) -> TaskStatus:
        if (self._folder / task / MANIFEST).is_file():
            return TaskStatus(TaskState.READY, fraction=1.0)
        if task in self._refusals:
            return TaskStatus(TaskState.REFUSED, refusal=self._refusals[task])
        if task in self._tasks:
            stage, fraction = self._progress[task]
            return TaskStatus(TaskState.RUNNING, stage=stage, fraction=fraction)
        return TaskStatus(TaskState.GONE)

    async def finished(self, task: str, max_bytes: int) -> Finished:
        directory = self._folder / task
        report: Mapping[str, Any] = json.loads((directory / MANIFEST).read_text("utf-8"))
        tracks = tuple(
            FinishedTrack(
                number=number,
                audio=directory / track["file"],
                picture=directory / track["waveform"],
                title=str(report["title"]),
                seconds=float(track["seconds"]),
            )
            for number, track in enumerate(report["tracks"], start=1)
        )
        return Finished(tracks, report)

    async def discard(self, task: str) -> None:
        running = self._tasks.get(task)
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        self._refusals.pop(task, None)
        await asyncio.to_thread(shutil.rmtree, self._folder / task, ignore_errors=True)

    async def close(self) -> None:
        """Stop every task; their jobs will find them gone and ask again."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _make(self, task: str, order: Order, directory: Path) -> None:
        def progress(stage: str, fraction: float) -> None:
            self._progress[task] = (stage, fraction)
            self._on_change(order.job)

        try:
            first, second = order.sources
            report = await self._studio.mix(
                (first, second),
                directory,
                title=str(order.request["title"]),
                seed=order.seed,
                tracks=TRACKS,
                wishes=wishes_of(order.request),
                max_bytes=order.max_bytes,
                progress=progress,
            )
            draft = directory / f"{MANIFEST}.part"
            draft.write_text(json.dumps(report, ensure_ascii=False), "utf-8")
            with around("file manifest"):
                draft.replace(directory / MANIFEST)
        except Refused as refused:
            self._refusals[task] = refused.refusal
        except Exception:
            log.exception("local task %s failed", task)
            self._refusals[task] = Refusal(Code.ENGINE_FAILED)
        finally:
            self._tasks.pop(task, None)
            self._progress.pop(task, None)
        self._on_end(order.job)
