"""What all tests share: a migrated database, a look for leaks, the referee of what is said on the wire."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.database import Database
from tests import music_documents, referee
from tests.openapi import VARIABLE

MEMORY = Path("/dev/shm")
ROOM = 4 << 30


@pytest_asyncio.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "twodeck.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """A thread that outlives its test fails it; tasks and connections fail by pytest's warnings-as-errors."""
    before = set(threading.enumerate())
    yield
    if "page" in request.keywords:  # the browser driver keeps its own threads for the module
        return
    left = [
        t
        for t in set(threading.enumerate()) - before
        if t.is_alive() and not t.name.startswith(("asyncio_", "asyncio-waitpid", "playground-files"))
    ]
    for thread in left:
        thread.join(timeout=10)
    assert not [t.name for t in left if t.is_alive()]


@pytest_asyncio.fixture(autouse=True)
async def _no_leaked_tasks() -> AsyncIterator[None]:
    """A task that outlives its test fails it, unless it ends within ten seconds (closing connections)."""
    before = asyncio.all_tasks()
    yield
    left = [t for t in asyncio.all_tasks() - before if t is not asyncio.current_task()]
    if left:
        _, left = await asyncio.wait(left, timeout=10)
    assert not left, [t.get_name() for t in left]


def _work_in_memory() -> None:
    """Where there is room for it: most of what these tests wait for is a disk that syncs."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def pytest_configure() -> None:
    os.environ.setdefault("TWODECK_METRICS_LISTEN", "127.0.0.1:0")  # bots side by side cannot share a port
    _work_in_memory()
    try:
        referee.on_duty = referee.appointed()
    except FileNotFoundError as missing:
        raise pytest.UsageError(f"{VARIABLE} names a file that is not there: {missing.filename}") from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test during which something went over the wire that Discord would not say or take fails."""
    result = yield
    _judge(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """The same for what is said while a bot shuts down."""
    result = yield
    _judge(item)
    return result


def _judge(item: pytest.Item) -> None:
    if referee.on_duty is not None:
        referee.on_duty.judge(bot_may_err="refused_on_purpose" in item.keywords)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its counts to the process that writes the summary."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None and referee.on_duty is not None:
        output["openapi"] = referee.on_duty.checked


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for name, count in getattr(node, "workeroutput", {}).get("openapi", {}).items():
        if referee.on_duty is not None:
            referee.on_duty.checked[name] += count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(referee.summary())
    terminalreporter.write_line(music_documents.summary())
