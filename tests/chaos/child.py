"""The bot as `twodeck run` starts it, with failpoints armed, a part of it broken, or its power cut prepared."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp

from bot import __main__ as command_line
from bot import failpoints
from bot.clock import Clock
from tests.chaos import broken, nursery, power

ACTIONS = ("raise", "timeout", "cancel", "kill")
Armed = Callable[[str], None]


class Strike:
    """Does one thing at the nth time that a point is reached, and says so in `notes` before."""

    def __init__(self, text: str, notes: Path) -> None:
        """`NAME:before:NTH:ACTION`, or `:after`."""
        self.name, nth, self.action = text.rsplit(":", 2)
        self._nth = int(nth)
        self._notes = notes
        self._count = 0
        self._lock = threading.Lock()
        if self.action not in ACTIONS:
            raise ValueError(f"no such action: {self.action}")

    def __call__(self, name: str) -> None:
        if name != self.name:
            return
        with self._lock:
            self._count += 1
            if self._count != self._nth:
                return
        self._act()

    def _act(self) -> None:
        task = _current_task() if self.action == "cancel" else None
        if self.action == "cancel" and task is None:
            self._note("not applicable")
            return
        self._note("struck")
        if task is not None:
            task.cancel()
        elif self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            raise fault(self.name, self.action)

    def _note(self, what: str) -> None:
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(f"{what} {self.name} {self.action}\n")


class Trace:
    """Writes down every point that is reached."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, name: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(name + "\n")


class Clockmaker:
    """Puts the bot's clock back by so many seconds as soon as its first job is with an engine."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._back = 0
        right = Clock.now
        clockmaker = self

        def now(self: Clock) -> int:
            return right(self) - clockmaker._back

        Clock.now = now

    def __call__(self, name: str) -> None:
        if name == "commit bot.jobs.steps.Steps.staged:after":
            self._back = 1000 * self._seconds


def fault(name: str, action: str) -> Exception:
    """The error that really comes from such a place: of the database, of the network, of the disk."""
    kind = name.partition(" ")[0]
    if kind == "commit":
        return sqlite3.OperationalError("disk I/O error" if action == "raise" else "database is locked")
    if action == "timeout":
        return TimeoutError("struck")
    return OSError("struck") if kind == "file" else aiohttp.ClientOSError("struck")


def _current_task() -> asyncio.Task[object] | None:
    """The task that runs here; None in a thread without a loop."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _reach(armed: Sequence[Armed], name: str) -> None:
    for one in armed:
        one(name)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos.child")
    parser.add_argument("--notes", type=Path, default=Path("strikes.txt"))
    parser.add_argument("--strike", action="append", default=[], metavar="NAME:before|after:NTH:ACTION")
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--broken", choices=sorted(broken.VARIANTS))
    parser.add_argument("--power", type=Path, help="folder that keeps what has been synced")
    parser.add_argument("--nursery", type=Path, help="socket from which audio children come warm")
    parser.add_argument("--clock-back", type=int, metavar="SECONDS", help="put the clock back under way")
    parser.add_argument("--after-restore", action="store_true")
    options = parser.parse_args(arguments)
    armed: list[Armed] = [Strike(text, options.notes) for text in options.strike]
    armed += [Trace(options.trace)] if options.trace else []
    armed += [Clockmaker(options.clock_back)] if options.clock_back else []
    failpoints.arm(lambda name: _reach(armed, name))
    if options.power:
        power.keep_synced(options.power)
    if options.nursery:
        nursery.use(options.nursery)
    if options.broken:
        broken.VARIANTS[options.broken]()
    return command_line.main(["run", *(["--after-restore"] if options.after_restore else [])])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
