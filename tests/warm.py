"""Bots that begin warm: forked from a process that has imported what they need.

Only the start of an interpreter and its imports are saved, a second of processor time for each bot. What runs then
is what `python -m` would run: the same module with the same arguments, environment, pipes and exit.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.playground.child import BotProcess

_ROOT = Path(__file__).resolve().parents[1]
_LETTER = 1 << 17
_PR_SET_PDEATHSIG = 1
_NUMBER = struct.Struct("<i")


def possible() -> bool:
    """Whether a process may be watched by its descriptor here, and nobody measures what each line does."""
    return sys.platform == "linux" and "COVERAGE_PROCESS_CONFIG" not in os.environ


class WarmBot(BotProcess):
    """A bot out of the nursery."""

    async def _spawn(self) -> Any:
        return await _born(self.command, self.environment()) if possible() else await super()._spawn()


class _Born(asyncio.Protocol):
    """What a test sees of a forked bot: the part of `asyncio.subprocess.Process` that `BotProcess` uses."""

    def __init__(self, stdout: asyncio.StreamReader) -> None:
        self.stdout = stdout
        self.pid = 0
        self.returncode: int | None = None
        self._heard = b""
        self._way: asyncio.BaseTransport | None = None
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._way = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if len(self._heard) >= _NUMBER.size and not self.started.done():
            (self.pid,) = _NUMBER.unpack_from(self._heard)
            self.started.set_result(None)
        if len(self._heard) >= 2 * _NUMBER.size and self.returncode is None:
            (self.returncode,) = _NUMBER.unpack_from(self._heard, _NUMBER.size)
            self._ended.set_result(None)
            if self._way is not None:
                self._way.close()

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.started, self._ended):
            if not future.done():
                future.set_exception(RuntimeError("the nursery is gone"))

    async def wait(self) -> int:
        await asyncio.shield(self._ended)
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)


async def _born(command: Sequence[str], environment: Mapping[str, str]) -> _Born:
    loop = asyncio.get_running_loop()
    out, into = os.pipe()
    mine, its = socket.socketpair()
    letter = json.dumps({"command": list(command), "environment": dict(environment), "directory": str(Path.cwd())})
    with its:
        try:
            socket.send_fds(_nursery(), [letter.encode()], [into, its.fileno()])
        finally:
            os.close(into)
    stdout = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(out, "rb", 0))
    _, bot = await loop.create_unix_connection(lambda: _Born(stdout), sock=mine)
    await bot.started
    return bot


@functools.cache
def _nursery() -> socket.socket:
    """The way to this process's nursery, which ends when this process does."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LETTER)
    with its:
        command = (sys.executable, "-m", "tests.warm", str(its.fileno()))
        subprocess.run(command, cwd=_ROOT, pass_fds=(its.fileno(),), check=True)
    atexit.register(mine.close)
    return mine


def main(descriptor: int) -> int:
    """Bear bots until nobody is left to ask for them; as nobody's child, since tests count their own."""
    if os.fork():
        return 0
    for module in _needed():
        importlib.import_module(module)
    gc.freeze()
    parent = os.getpid()
    requests = socket.socket(fileno=descriptor)
    watched = selectors.DefaultSelector()
    watched.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            if key.fileobj is not requests:
                watched.unregister(key.fileobj)
                _bury(key.fd, *key.data)
                continue
            letter, descriptors, _, _ = socket.recv_fds(requests, _LETTER, 2)
            if not letter:
                return 0
            pid = os.fork()
            if pid == 0:
                return _live(parent, descriptors[0], **json.loads(letter))
            os.close(descriptors[0])
            told = socket.socket(fileno=descriptors[1])
            told.sendall(_NUMBER.pack(pid))
            watched.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, told))


def _needed() -> list[str]:
    """Whatever a bot imports until it is connected."""
    import cogs

    return ["bot.app", "bot.logs", *(f"cogs.{found.name}" for found in pkgutil.iter_modules(cogs.__path__))]


def _bury(descriptor: int, pid: int, told: socket.socket) -> None:
    """Tell how it ended."""
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    with told:
        told.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))


def _live(parent: int, out: int, command: Sequence[str], environment: Mapping[str, str], directory: str) -> int:
    """Become what `python -m COMMAND` is, and return its exit code."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, out, out)):
        os.dup2(descriptor, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.FileIO(number, "w", closefd=False)
        setattr(sys, name, io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True))
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    name, *arguments = command
    sys.argv = [name, *arguments]
    module = importlib.import_module("bot.__main__" if name == "bot" else name)
    code: int = module.main(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
