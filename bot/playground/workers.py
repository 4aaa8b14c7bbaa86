"""Holds up the processes that the bot started for audio work, as an overloaded machine would (Linux)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

POSSIBLE = sys.platform == "linux"
_PROC = Path("/proc")
_LOOK_SECONDS = 0.05


def below(pid: int) -> set[int]:
    """Every living descendant of a process."""
    parents = {int(entry.name): _parent(entry) for entry in _PROC.iterdir() if entry.name.isdigit()}
    found: set[int] = set()
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted} - found
        found |= wanted
    return found


class Hold:
    """Stops the descendants of a process, those that are born meanwhile too, and lets them go on at the end.

    It also ends with the process itself, whose successor starts unhindered.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._stopped: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        return self._task is not None and not self._task.done()

    async def start(self, pid: int, seconds: float) -> None:
        await self.end()
        self._task = asyncio.create_task(self._keep(pid, seconds), name="hold")
        self._task.add_done_callback(lambda _: self._on_end())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _keep(self, pid: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while _lives(pid):
                    self._stop(below(pid))
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            pass
        finally:
            for one in self._stopped:
                _send(one, signal.SIGCONT)
            self._stopped.clear()

    def _stop(self, found: set[int]) -> None:
        for one in found - self._stopped:
            _send(one, signal.SIGSTOP)
        self._stopped |= found


def _lives(pid: int) -> bool:
    return (_PROC / str(pid)).exists()


def _parent(entry: Path) -> int:
    """The parent's id; the name before it may hold anything, so it is cut off at its last bracket."""
    try:
        return int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
