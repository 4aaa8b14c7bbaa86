"""Tries every way out of a worker's child, and tells which are shut."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from bot.errors import Code, Refused
from bot.worker import pool as workers
from bot.worker.pool import Limits, Pool
from tests.wire.probe_targets import WAYS

LIMITS = Limits(memory_bytes=512 << 20, cpu_seconds=60, file_bytes=1 << 20, open_files=32, wall_seconds=30.0)
SECRET = "token-of-the-bot"
OPEN = "open"
BARE = "tests.wire.bare_child"


async def ways_out(ways: Collection[str] = tuple(WAYS), *, child: str = workers.CHILD) -> dict[str, str]:
    """For each way `open`, or what shut it. `child` is the module that is started as a child."""
    with tempfile.TemporaryDirectory(prefix="cage-") as name:
        return await _tried(Path(name), ways, child)


async def _tried(folder: Path, ways: Collection[str], child: str) -> dict[str, str]:
    data, work = folder / "data", folder / "work"
    data.mkdir()
    work.mkdir()
    (data / "twodeck.db").write_text("rows")
    heard: list[object] = []

    def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer)
        writer.close()

    environment = {**os.environ, "DISCORD_TOKEN": SECRET}
    victim = subprocess.Popen(["/bin/sleep", "60"], env=environment)  # noqa: ASYNC220 - started at once
    pool, usual = Pool(2, allowed=("tests.wire.probe_targets",)), workers.CHILD
    workers.CHILD = child
    try:
        async with (
            await asyncio.start_server(hear, "127.0.0.1", 0) as server,
            await asyncio.start_unix_server(hear, data / "control"),
        ):
            arguments: dict[str, object] = {
                "database": str(data / "twodeck.db"),
                "control": str(data / "control"),
                "port": server.sockets[0].getsockname()[1],
                "victim": victim.pid,
                "secret": SECRET,
                "spin_seconds": 1.5,
            }
            with (data / "twodeck.db").open("rb") as file:
                os.set_inheritable(file.fileno(), True)
                found = await asyncio.gather(*(_try(pool, way, arguments, work) for way in ways))
            await asyncio.sleep(0)
    finally:
        workers.CHILD = usual
        await pool.close()
        victim.kill()
        victim.wait()
    told = dict(zip(ways, found, strict=True))
    return told if not heard or OPEN in told.values() else {**told, "connections heard": OPEN}


async def _try(pool: Pool, way: str, arguments: dict[str, object], folder: Path) -> str:
    target, limits = "tests.wire.probe_targets:attempt", replace(LIMITS, cpu_seconds=1)
    try:
        answer = await pool.run(target, {**arguments, "way": way}, directory=folder, limits=limits)
    except Refused as refused:
        return "killed" if refused.refusal.code is Code.WORKER_LIMIT else OPEN  # it ended as another program
    return str(answer["found"])
