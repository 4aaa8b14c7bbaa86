"""`twodeck playground`: the stand-in, the demo tracks and the bot, started together and ended together."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import aiohttp

from bot.playground.child import BotProcess
from bot.playground.music import Music
from bot.playground.music_forms import LEGACY, MODELESS, UNIFIED
from bot.playground.server import Standin

_DEMO_TRACKS = ("Night Drive.mp3", "Paper Lanterns.mp3")
_READY_SECONDS = 60.0
_DEMO_SECONDS = 180.0
_PAUSES = (1, 2, 4, 8, 15, 30)
_STEADY_SECONDS = 60.0


def main(*, port: int = 0, data_dir: Path | None = None, open_browser: bool = False, verbose: bool = False) -> int:
    """Run until Ctrl-C; the exit status of the command."""
    return asyncio.run(run(port, data_dir, open_browser=open_browser, verbose=verbose))


async def run(
    port: int = 0, data_dir: Path | None = None, *, open_browser: bool = False, verbose: bool = False
) -> int:
    """Start everything, print the page's address, keep the bot alive until a signal comes."""
    directory = data_dir or Path(os.environ.get("TWODECK_DATA_DIR") or "data") / "playground"
    directory = _prepared(directory)
    standin = Standin(port=port, demo=directory / "demo")
    try:
        await standin.start()
    except OSError as problem:
        await standin.close()
        _say(f"Port {port} cannot be used ({problem.strerror}). Choose another with --port, or leave it out.")
        return 1
    remember_commands(standin, directory / "commands.json")
    bot = BotProcess(standin, directory, verbose=verbose)
    music = Music(mix=lambda first, second: _mix(first, second, directory))
    await music.start()
    bot.settings = _engines(music, standin)
    standin.knobs.attach(bot)
    stopping = _stop_on_signals()
    try:
        return await _run(standin, bot, directory, stopping, open_browser=open_browser)
    finally:
        await bot.stop()
        await music.close()
        await standin.close()
        _forget_signals()


async def _run(
    standin: Standin, bot: BotProcess, directory: Path, stopping: asyncio.Event, *, open_browser: bool
) -> int:
    _say("Starting the Twodeck playground ...")
    tracks = asyncio.create_task(_make_demo_tracks(directory / "demo"))
    stop = asyncio.create_task(stopping.wait())
    try:
        await bot.start()
        ready = asyncio.create_task(_ready(standin, bot))
        await asyncio.wait((ready, stop), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await _cancel(ready)
            return 0
        if not ready.result():
            _say_why_not(bot)
            return 1
        await asyncio.wait((tracks, stop), return_when=asyncio.FIRST_COMPLETED)
        _say("Ready. Open this page in a browser; Ctrl-C ends it.")
        _say(f"{standin.url}/")
        if open_browser:
            await asyncio.to_thread(webbrowser.open, f"{standin.url}/")
        keeper = asyncio.create_task(keep_alive(standin, bot))
        await stop
        await _cancel(keeper)
        _say("Stopping.")
        return 0
    finally:
        await _cancel(tracks)
        await _cancel(stop)


async def _ready(standin: Standin, bot: BotProcess) -> bool:
    """True when the bot is there, its commands are there and the page answers; False when the bot gave up."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_READY_SECONDS):
            while not (standin.gateway.connected and standin.world.commands):
                if not bot.running:
                    return False
                await asyncio.sleep(0.05)
            async with aiohttp.ClientSession() as session, session.get(f"{standin.url}/") as page:
                return page.status == 200
    return False


async def keep_alive(standin: Standin, bot: BotProcess) -> None:
    """Start the bot again whenever it ends, with growing pauses, and say so on the page."""
    loop = asyncio.get_running_loop()
    failures, bot.kept = 0, True
    while True:
        started = loop.time()
        status = await bot.wait()
        failures = 0 if loop.time() - started > _STEADY_SECONDS else failures
        pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
        failures += 1
        standin.page.announce(f"The bot stopped (status {status}). It starts again in {pause} s.")
        _say(f"The bot stopped with status {status}; starting it again in {pause} s. Its log: {bot.log_file}")
        await asyncio.sleep(pause)
        await bot.start()
        standin.page.announce("")


def _engines(music: Music, standin: Standin) -> dict[str, str]:
    """Every hosted engine, each with a simulated account; asked every second, so that nobody waits for a poll."""
    hosts = (standin.url.removeprefix("http://"), music.host)
    return {
        **music.settings("kie", UNIFIED),
        **music.settings("sunoapi", MODELESS),
        **music.settings("apibox", LEGACY),
        "TWODECK_DOWNLOAD_HOSTS": ",".join(hosts),
        "TWODECK_LISTEN": "127.0.0.1:0",
        "TWODECK_POLL_SECONDS": "1",
    }


async def _mix(first: bytes, second: bytes, directory: Path) -> list[bytes]:
    """Two takes by the bot's own terminal mixer."""
    with tempfile.TemporaryDirectory(dir=directory) as name:
        folder = Path(name)
        sources = (folder / "a.audio", folder / "b.audio")
        for path, content in zip(sources, (first, second), strict=True):
            path.write_bytes(content)
        out = folder / "take.mp3"
        mixer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "mix", *map(str, sources), "-o", str(out), "--tracks", "2"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            process_group=0,
        )
        try:
            await asyncio.wait_for(mixer.wait(), _DEMO_SECONDS)
        except TimeoutError:
            return []
        finally:
            if mixer.returncode is None:
                mixer.kill()
                await mixer.wait()
        takes = (out, out.with_stem("take-2"))
        return [take.read_bytes() for take in takes] if mixer.returncode == 0 else []


async def _make_demo_tracks(directory: Path) -> None:
    """Let the recipe write the two tracks unless they are there; without them the page offers none."""
    if all((directory / name).is_file() for name in _DEMO_TRACKS):
        return
    maker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.playground.demo", str(directory)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
    )
    try:
        _, complaint = await asyncio.wait_for(maker.communicate(), _DEMO_SECONDS)
        if maker.returncode:
            last = complaint.decode("utf-8", "replace").strip().splitlines()[-1:]
            _say("The demo tracks could not be made: " + (last[0] if last else f"status {maker.returncode}"))
    except TimeoutError:
        _say("The demo tracks took too long; the page works with your own files.")
    finally:
        if maker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                maker.kill()
            await maker.wait()


def _prepared(directory: Path) -> Path:
    directory = directory.absolute()
    (directory / "demo").mkdir(parents=True, exist_ok=True)
    return directory


def remember_commands(standin: Standin, file: Path) -> None:
    """Discord keeps a bot's commands between runs, and so do we: a bot may sync only what changed."""
    with contextlib.suppress(OSError, ValueError):
        standin.world.commands = json.loads(file.read_text("utf-8"))

    def write(kind: str, _: Any) -> None:
        if kind == "commands":
            file.write_text(json.dumps(standin.world.commands, indent=1), "utf-8")

    standin.world.listen(write)


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def _forget_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _say_why_not(bot: BotProcess) -> None:
    _say("The bot did not start. The end of its log:")
    for line in bot.last_lines:
        _say(f"  {line}")
    _say(f"All of it: {bot.log_file}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
