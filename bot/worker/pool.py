"""Runs a named function in a capped child process: one child per call, a fixed number at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from bot.errors import Code, Refusal, Refused, Value
from bot.worker.conversation import Conversation, Progress

log = logging.getLogger(__name__)

ALLOWED = ("bot.audio.", "bot.engines.local.", "bot.playground.demo")
"""Modules that may be named as a target; an entry that ends in a dot stands for everything below it."""

CHILD = "bot.worker.child"
_ROOT = Path(__file__).resolve().parents[2]
_GRACE_SECONDS = 1.0
_LIMIT_SIGNALS: dict[int, str] = {signal.SIGXCPU: "cpu", signal.SIGXFSZ: "file-size", signal.SIGKILL: "memory"}


@dataclass(frozen=True)
class Limits:
    """What one run may use. `wall_seconds` counts from the start of the child, not from the queue."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int
    wall_seconds: float


class Pool:
    """At most `workers` children at a time, first come first served."""

    def __init__(self, workers: int, *, allowed: Sequence[str] = ALLOWED) -> None:
        self._turn = asyncio.Semaphore(workers)
        self._allowed = tuple(allowed)
        self._talks: set[Conversation] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._startable = True

    @property
    def pids(self) -> tuple[int, ...]:
        """The children that run now."""
        return tuple(talk.pid for talk in self._talks if talk.pid is not None)

    @property
    def is_able(self) -> bool:
        """Whether it takes calls, as far as the last one shows."""
        return self._startable and not self._closed

    async def run(
        self,
        target: str,
        arguments: Mapping[str, Any],
        *,
        limits: Limits,
        directory: Path | None = None,
        reads: Sequence[Path] = (),
        programs: Sequence[Path] = (),
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Call `module:function(arguments, progress)` in a child whose working directory is `directory`.

        There alone it may write, or nowhere; of all other files it may open `reads`, and start `programs`, where
        the system can hold it to that (`bot.worker.protections`).
        Raises the target's own `Refused`, or WORKER_LIMIT(limit), WORKER_DIED, TOOK_TOO_LONG(seconds) and
        STOPPING once the pool closes. `progress(stage, fraction)` is called on the loop.
        """
        request = {
            "target": target,
            "arguments": dict(arguments),
            "directory": str(directory) if directory is not None else None,
            "reads": [str(path) for path in reads],
            "programs": [str(path) for path in programs],
            "limits": asdict(limits),
            "allowed": self._allowed,
        }
        async with self._turn:
            if self._closed:
                raise Refused(Code.STOPPING)
            talk = Conversation(progress)
            self._talks.add(talk)
            self._idle.clear()
            try:
                await self._converse(talk, json.dumps(request).encode() + b"\n", directory, limits)
            finally:
                self._talks.discard(talk)
                if not self._talks:
                    self._idle.set()
        return self._outcome(talk, target, limits)

    async def close(self) -> None:
        """Kill and reap every child; running and waiting calls end with STOPPING."""
        self._closed = True
        for talk in self._talks:
            talk.kill()
            talk.hang_up()
        await self._idle.wait()

    async def _converse(self, talk: Conversation, request: bytes, directory: Path | None, limits: Limits) -> None:
        """From the start of the child to its burial; on every way out nothing of it is left."""
        grace = 0.0
        try:
            try:
                transport = await _start(talk, directory)
            except OSError:
                self._startable = _is_missing(directory)
                raise
            self._startable = True
            stdin = transport.get_pipe_transport(0)
            assert isinstance(stdin, asyncio.WriteTransport)  # noqa: S101 - asked for a pipe
            stdin.write(request)
            done, _ = await asyncio.wait({talk.spoken}, timeout=limits.wall_seconds)
            if not done and not self._closed:
                raise Refused(Code.TOOK_TOO_LONG, seconds=limits.wall_seconds)
            grace = _GRACE_SECONDS
        finally:
            await talk.end(grace)

    def _outcome(self, talk: Conversation, target: str, limits: Limits) -> dict[str, Any]:
        match talk.last:
            case {"result": dict()}:
                return talk.last["result"]
            case {"refusal": dict()}:
                raise _refused(talk.last["refusal"])
            case {"fault": str(fault)}:
                log.error("target %s failed: %s\n%s", target, fault, talk.tail)
                raise Refused(Code.WORKER_DIED)
            case _:
                pass  # it ended without a word
        if self._closed:
            raise Refused(Code.STOPPING)
        if limit := _LIMIT_SIGNALS.get(-(talk.status or 0)):
            log.warning("target %s hit its %s limit (%s)", target, limit, limits)
            raise Refused(Code.WORKER_LIMIT, limit=limit)
        log.error("target %s died with status %s\n%s", target, talk.status, talk.tail)
        raise Refused(Code.WORKER_DIED)


def _is_missing(directory: Path | None) -> bool:
    """Then it is the caller's fault that no child could be started there."""
    return directory is not None and not directory.is_dir()


async def _start(talk: Conversation, directory: Path | None) -> asyncio.SubprocessTransport:
    """A fresh interpreter with an empty environment and its own session; `-P` keeps `directory` off its path."""
    transport, _ = await asyncio.get_running_loop().subprocess_exec(
        lambda: talk,
        *(sys.executable, "-P", "-s", "-X", "faulthandler", "-m", CHILD),
        env={"PYTHONPATH": str(_ROOT)},
        cwd=directory or "/",
        close_fds=True,
        start_new_session=True,
    )
    return transport


def _refused(data: dict[str, Any]) -> Refused:
    """A refusal as the child told it; a malformed one means that the child is not to be trusted."""
    try:
        refusal = Refusal.from_json(data)
    except (AssertionError, KeyError, TypeError, ValueError):
        return Refused(Code.WORKER_DIED)
    told = cast("Mapping[str, object]", refusal.values)
    values = {name: value for name, value in told.items() if isinstance(value, Value)}
    return Refused(refusal.code, **values)
