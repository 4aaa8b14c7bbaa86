"""One child as the parent sees it: its messages, its last words on stderr, and the moment it is gone."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]

LINE_BYTES = 8 << 20
TAIL_BYTES = 8 << 10


class Conversation(asyncio.SubprocessProtocol):
    """Reads newline-delimited JSON. Nothing that a child sends can raise here or grow without bound."""

    def __init__(self, progress: Progress | None) -> None:
        loop = asyncio.get_running_loop()
        self._progress = progress
        self._line = bytearray()
        self._tail = bytearray()
        self._transport: asyncio.SubprocessTransport | None = None
        self.last: dict[str, Any] | None = None
        """The final message, when one came."""
        self.spoken: asyncio.Future[None] = loop.create_future()
        """Done once nothing more will be heard: a final message, the end of stdout, or `hang_up`."""
        self.exited: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - asyncio's promise
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._tail += data
            del self._tail[:-TAIL_BYTES]
        elif not self.spoken.done():
            self._hear(data)

    def _hear(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._message(bytes(self._line) + line)
            self._line.clear()
            if self.spoken.done():
                return
        self._line += rest
        if len(self._line) > LINE_BYTES:
            self.hang_up()

    def _message(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"progress": [str(stage), float() | int() as fraction]}:
                self._report(stage, float(fraction))
            case {"result": dict()} | {"refusal": dict()} | {"fault": str()}:
                self.last = message
                self.hang_up()
            case _:
                self.hang_up()

    def _report(self, stage: str, fraction: float) -> None:
        if self._progress is None:
            return
        try:
            self._progress(stage, fraction)
        except Exception:
            log.exception("a progress callback failed")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self.hang_up()

    def process_exited(self) -> None:
        self.exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)

    def hang_up(self) -> None:
        """Hear nothing more. What came before stays."""
        if not self.spoken.done():
            self.spoken.set_result(None)

    @property
    def tail(self) -> str:
        """The end of stderr."""
        return self._tail.decode(errors="backslashreplace")

    @property
    def status(self) -> int | None:
        """Exit status, or minus the number of the signal; None while it lives."""
        return self._transport.get_returncode() if self._transport else None

    @property
    def pid(self) -> int | None:
        """None before it starts and once it is gone."""
        return self._transport.get_pid() if self._transport and self.status is None else None

    def kill(self) -> None:
        """SIGKILL for the child and all it started."""
        if self._transport is None:
            return
        try:
            os.killpg(self._transport.get_pid(), signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nobody left; Darwin says EPERM when only a zombie is

    async def end(self, grace_seconds: float) -> None:
        """Wait for the child's own exit within the grace, then kill and reap it; cannot be interrupted half-way."""
        if self._transport is None:
            return
        interrupted = False
        waits = [
            (self.exited, grace_seconds),
            (self.exited, None),
            (self.closed, grace_seconds),
            (self.closed, None),
        ]
        for number, (future, seconds) in enumerate(waits):
            if number == 1:
                self.kill()
            if number == 3:  # a stray grandchild may hold stderr open
                self._transport.close()
            interrupted |= await _outlast(future, seconds)
        if interrupted:
            raise asyncio.CancelledError


async def _outlast(future: asyncio.Future[None], seconds: float | None) -> bool:
    """Wait for `future` whatever happens to the caller; tells whether it was cancelled meanwhile."""
    cancelled = False
    while not future.done():
        try:
            done, _ = await asyncio.wait({future}, timeout=0 if cancelled and seconds is not None else seconds)
        except asyncio.CancelledError:
            cancelled = True
        else:
            if not done:
                break
    return cancelled
