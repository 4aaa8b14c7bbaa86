"""`python -m tests.checks.saving MODULE [ARGUMENT ...]`: runs a module whose branches are counted.

When SIGUSR1 comes it saves the count and dies; what is killed without warning saves nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import runpy
import signal
import sys
from typing import Any

from bot.playground.child import BotProcess

_NAME = "COVERAGE_PROCESS_CONFIG"
_SECONDS = 20.0


def counted() -> dict[str, str]:
    """What has a process count the branches that it takes, where that is asked for (`make coverage`)."""
    return {_NAME: os.environ[_NAME]} if _NAME in os.environ else {}


class CountedBot(BotProcess):
    """A bot that saves its count before it is killed."""

    async def start(self) -> None:
        if self.command[0] != __name__:
            self.command = [__name__, *self.command]
        await super().start()

    async def kill(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGUSR1)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), _SECONDS)
        await super().kill()


def _save_and_die(*_: Any) -> None:
    from coverage import Coverage

    if (measured := Coverage.current()) is not None:
        measured.save()
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGUSR1, _save_and_die)
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
