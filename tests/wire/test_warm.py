"""A process out of the nursery is what `python -m` would have made of it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.child import BotProcess
from bot.playground.server import Standin
from tests.playground import Playground
from tests.warm import WarmBot, possible

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not possible(), reason="a nursery needs Linux")
either = pytest.mark.parametrize("kind", [BotProcess, WarmBot])


@pytest_asyncio.fixture
async def standin(tmp_path: Path) -> AsyncIterator[Standin]:
    async with Playground(tmp_path) as play:
        yield play.standin


async def started(kind: type[BotProcess], standin: Standin, folder: Path, *arguments: str) -> BotProcess:
    bot = kind(standin, folder)
    bot.settings = {"PYTHONPATH": str(ROOT), "TWODECK_TRIED": "\u00e9"}
    bot.command = ["tests.wire.warm_targets", *arguments]
    await bot.start()
    return bot


async def said(bot: BotProcess) -> str:
    async with asyncio.timeout(20):
        while not (bot.last_lines and bot.last_lines[-1].startswith("{")):  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.01)
    return bot.last_lines[-1]


@either
async def test_it_has_its_arguments_and_settings_and_no_files_but_three(
    kind: type[BotProcess], standin: Standin, tmp_path: Path
) -> None:
    bot = await started(kind, standin, tmp_path, "wait")
    seen = json.loads(await said(bot))
    wanted = {n: v for n, v in bot.environment().items() if n.startswith(("TWODECK_", "DISCORD_"))}
    assert seen == {"arguments": ["wait"], "environment": wanted, "directory": str(Path.cwd()), "files": [0, 1, 2]}
    assert bot.pid is not None
    assert os.getpgid(bot.pid) == bot.pid
    await bot.kill()
    assert (await bot.wait(), bot.running, bot.pid) == (-signal.SIGKILL, False, None)


@either
@pytest.mark.parametrize(("end", "status"), [("0", 0), ("3", 3), ("raise", 1)])
async def test_it_ends_as_it_would(
    kind: type[BotProcess], end: str, status: int, standin: Standin, tmp_path: Path
) -> None:
    bot = await started(kind, standin, tmp_path, end)
    assert await bot.wait() == status
    assert "an error" in bot.last_lines
    assert ("RuntimeError: on purpose" in bot.last_lines) == (end == "raise")


_STORY = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.playground import Playground
from tests.wire.test_warm import WarmBot, said, started

async def main():
    async with Playground(Path(sys.argv[1])) as play:
        bot = await started(WarmBot, play.standin, Path(sys.argv[1]), "wait")
        await said(bot)
        print(bot.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_it_does_not_outlive_tests_that_are_killed(tmp_path: Path) -> None:
    told = subprocess.run(
        (sys.executable, "-c", _STORY, str(tmp_path)), cwd=ROOT, stdout=subprocess.PIPE, timeout=60, check=False
    )
    descriptor = _watched(int(told.stdout))
    if descriptor is not None:
        os.close(descriptor)
        pytest.fail("it is still there")


def _watched(pid: int) -> int | None:
    """A descriptor of a process that is there for another ten seconds, or None."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if poll.poll(10_000):
        os.close(descriptor)
        return None
    return descriptor
