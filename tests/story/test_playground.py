"""`twodeck playground` from outside: it starts with one address, and says plainly why when it cannot."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest

from bot.playground import workers
from bot.playground.child import BotProcess
from bot.playground.launcher import keep_alive, remember_commands
from bot.playground.server import Standin
from tests.playground import Playground

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def with_demo(tmp_path: Path, short_songs: tuple[Path, Path]) -> Path:
    """Where a playground finds its demo tracks made already."""
    folder = tmp_path / "playground" / "demo"
    folder.mkdir(parents=True)
    for song, name in zip(short_songs, ("Night Drive.mp3", "Paper Lanterns.mp3"), strict=True):
        shutil.copyfile(song, folder / name)
    return tmp_path


async def start(directory: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "playground", *arguments),
        env={**os.environ, "TWODECK_DATA_DIR": str(directory)},
        stdout=asyncio.subprocess.PIPE,
    )


async def test_it_prints_one_address_and_ends_on_a_signal(tmp_path: Path, with_demo: Path) -> None:
    """`test_page_mashup.py` begins with nothing, and uses the demo tracks that are made then."""
    playground = await start(with_demo)
    assert playground.stdout is not None
    said = ""
    while "http" not in said:
        line = await asyncio.wait_for(playground.stdout.readline(), 90)
        assert line, said
        said += line.decode()
    playground.send_signal(signal.SIGINT)
    rest, _ = await asyncio.wait_for(playground.communicate(), 20)
    assert playground.returncode == 0
    assert re.findall(r"^http\S+$", said + rest.decode(), re.MULTILINE) == [said.split("\n")[-2]]
    assert "Traceback" not in (tmp_path / "playground" / "bot.log").read_text()
    assert json.loads((tmp_path / "playground" / "commands.json").read_text())


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        playground = await start(tmp_path, "--port", str(port))
        said, _ = await asyncio.wait_for(playground.communicate(), 30)
    assert playground.returncode == 1
    assert f"Port {port} cannot be used" in said.decode()


async def test_a_bot_that_cannot_start_is_quoted(with_demo: Path) -> None:
    (with_demo / "playground" / "bot" / "twodeck.db").mkdir(parents=True)
    playground = await start(with_demo)
    said, _ = await asyncio.wait_for(playground.communicate(), 60)
    assert playground.returncode == 1
    assert "The bot did not start. The end of its log:" in said.decode()
    assert "http" not in said.decode()


async def test_a_bot_that_dies_is_started_again_and_the_page_is_told(tmp_path: Path) -> None:
    async with Playground(tmp_path) as play:
        bot = await play.start_bot()
        notices: list[str] = []
        play.world.listen(lambda kind, _: notices.append(play.standin.page.notice) if kind == "bot" else None)
        keeper = asyncio.create_task(keep_alive(play.standin, bot))
        before = play.standin.gateway.identified

        await bot.kill()

        await play.wait_for(lambda: play.standin.gateway.identified > before, 20)
        assert any("starts again in 1 s" in notice for notice in notices)
        await play.wait_for(lambda: play.standin.page.notice == "")
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux ends a child with its parent")
async def test_a_killed_playground_takes_its_bot_along(with_demo: Path) -> None:
    playground = await start(with_demo)
    assert playground.stdout is not None
    while not (line := await asyncio.wait_for(playground.stdout.readline(), 90)).startswith(b"http"):
        assert line
    family = workers.below(playground.pid)
    assert family
    playground.kill()
    async with asyncio.timeout(10):
        while any(alive(pid) for pid in family):  # noqa: ASYNC110 - other processes ring no bell
            await asyncio.sleep(0.05)
        await playground.communicate()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_commands_are_remembered_between_runs(tmp_path: Path) -> None:
    file = tmp_path / "commands.json"
    first, second = Standin(), Standin()
    remember_commands(first, file)
    first.world.commands = [{"id": "1", "name": "mashup"}]
    first.world.tell("commands")
    remember_commands(second, file)
    assert second.world.commands == first.world.commands
    await first.close()
    await second.close()


def test_the_bot_is_told_only_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_API_KEY", "secret")
    standin = Standin()
    told = BotProcess(standin, tmp_path).environment()
    standin.files.close()
    assert "KIE_API_KEY" not in told
    assert told["DISCORD_TOKEN"] == standin.world.token


async def test_a_line_of_any_length_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A debug line with all commands in all languages is longer than a reader of lines takes."""
    (tmp_path / "talker.py").write_text("print('x' * 300_000)\nprint('y' * 300_000)\nprint('end', end='')")
    standin = Standin()
    bot = BotProcess(standin, tmp_path)
    monkeypatch.setattr(bot, "command", ["talker"])
    monkeypatch.setattr(bot, "environment", lambda: {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"})
    await bot.start()
    async with asyncio.timeout(60):
        assert await bot.wait() == 0
    standin.files.close()
    assert [len(line) for line in bot.last_lines] == [300_000, 300_000, 3]
    assert bot.log_file.stat().st_size == 600_005
