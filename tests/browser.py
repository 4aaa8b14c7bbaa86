"""A real browser on the playground page, for the page tests, the pictures and the page's benchmark."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
]
START_SECONDS = 240  # as long as the playground itself waits for the bot and its tracks
expect.set_options(timeout=20_000)  # milliseconds; a busy machine is slow, not wrong
MIX_MILLISECONDS = 120_000


class NoBrowserError(Exception):
    """Nothing here can show the page."""


def _executable() -> str:
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise NoBrowserError("no browser found; install one, for example: apt-get install chromium")
    return found


@contextlib.asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_executable(), args=_ARGUMENTS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def playground(directory: Path, **settings: str) -> AsyncGenerator[str]:
    """`twodeck playground` as its users start it; gives the address, which is the one line that is one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "playground"),
        env={**os.environ, **settings, "TWODECK_DATA_DIR": str(directory)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield await asyncio.wait_for(_printed_address(process), START_SECONDS)
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0


async def _printed_address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    said: list[str] = []
    while line := (await process.stdout.readline()).decode():
        said.append(line)
        if re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", line):
            return line.strip()
    raise AssertionError("the playground ended:\n" + "".join(said))
