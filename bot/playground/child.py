"""The bot as a child process: a small environment, its log in a file, stopped by its own handle."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from pathlib import Path

from bot.playground.server import Standin

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")
_STOP_SECONDS = 10.0
_CHUNK = 1 << 16


class BotProcess:
    """`python -m bot run`, pointed at the stand-in. `kept` says that somebody starts it again whenever it ends."""

    def __init__(self, standin: Standin, data_dir: Path, *, verbose: bool = False) -> None:
        self._standin = standin
        self._data_dir = data_dir
        self._verbose = verbose
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.settings: dict[str, str] = {}
        """Further settings of the bot, by environment name."""
        self.command = ["bot", "run"]
        """The module that is started, and its arguments."""
        self.log_file = data_dir / "bot.log"
        self.last_lines: deque[str] = deque(maxlen=20)
        self.kept = False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.running else None

    def environment(self) -> dict[str, str]:
        """Everything the bot is told."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return inherited | {
            "PYTHONUNBUFFERED": "1",
            "DISCORD_TOKEN": self._standin.world.token,
            "DISCORD_API_URL": self._standin.api_url,
            "DISCORD_GATEWAY_URL": self._standin.gateway_url,
            "TWODECK_DOWNLOAD_HOSTS": self._standin.url.removeprefix("http://"),
            "TWODECK_DATA_DIR": str(self._data_dir / "bot"),
            "TWODECK_EDIT_SECONDS": "1",
            "TWODECK_METRICS_LISTEN": "127.0.0.1:0",
            "TWODECK_LOGINS_DAY": "0",
            **self.settings,
        }

    async def start(self) -> None:
        bot_data = self._data_dir / "bot"
        bot_data.mkdir(parents=True, exist_ok=True)
        self._process = await self._spawn()
        self._reader = asyncio.create_task(self._read(self._process))

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.playground.keeper", str(os.getpid()), *self.command),
            env=self.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            process_group=0,  # a Ctrl-C in the terminal is ours to pass on
        )

    async def wait(self) -> int:
        """Wait for its end and return the exit status."""
        assert self._process is not None and self._reader is not None  # noqa: S101, PT018 - after start only
        status = await self._process.wait()
        await self._reader
        return status

    async def stop(self) -> None:
        """SIGTERM, ten seconds, SIGKILL."""
        if self._process is None or self._reader is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._reader

    async def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None and self._reader is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            await self._reader

    async def restart(self) -> None:
        """Kill it; start it again unless its keeper does."""
        await self.kill()
        if not self.kept:
            await self.start()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for in start
        rest = b""
        with self.log_file.open("ab") as log:
            while data := await process.stdout.read(_CHUNK):
                log.write(data)
                log.flush()
                *lines, rest = (rest + data).split(b"\n")  # a line may be longer than a reader of lines takes
                for line in lines:
                    text = line.decode("utf-8", "replace")
                    self.last_lines.append(text)
                    if self._verbose:
                        sys.stderr.write(text + "\n")
            if rest:
                self.last_lines.append(rest.decode("utf-8", "replace"))
