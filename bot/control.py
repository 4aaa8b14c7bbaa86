"""The way from the command line into a running bot: a socket in the data folder that only its owner may open."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
SOCKET = "control.sock"
_LONGEST = 64 << 10
_SECONDS = 5.0
Order = Mapping[str, Any]
Answer = dict[str, Any]
Orders = Mapping[str, Callable[[Order], Awaitable[Answer]]]


class NoBotError(Exception):
    """Nobody answers at the socket."""


class Control:
    """One order per connection: a line of JSON with `do` comes in, a line with `ok` goes out."""

    def __init__(self, folder: Path, orders: Orders) -> None:
        self._path = folder / SOCKET
        self._orders = orders
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; the single-instance lock says that a socket found here is a dead one."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)  # nobody else may open it, not even for a moment
        try:
            listening.bind(str(self._path))
        except OSError as problem:
            listening.close()
            log.error("no control socket at %s (%s): `twodeck engine` cannot reach this bot", self._path, problem)
            return
        finally:
            os.umask(mask)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=_LONGEST)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._answer(await reader.readline())
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError) as problem:
            log.warning("an order came to nothing: %s", type(problem).__name__)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, line: bytes) -> Answer:
        try:
            order = json.loads(line)
            handler = self._orders[order["do"]]
        except (ValueError, TypeError, KeyError):
            return {"ok": False, "why": "This bot does not know that order; it may be of another version."}
        try:
            return await handler(order)
        except Exception:
            log.exception("an order failed")
            return {"ok": False, "why": "The bot could not do it; its log says why."}


def ask(folder: Path, order: Order) -> Answer:
    """Hand an order to the bot that runs with this data folder. Raises `NoBotError`."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_SECONDS)
            line.connect(str(folder / SOCKET))
            line.sendall(json.dumps(order).encode() + b"\n")
            with line.makefile("rb") as answer:
                return json.loads(answer.readline(_LONGEST))
    except (OSError, ValueError):
        raise NoBotError(f"No bot that runs with {folder} answers. `twodeck run` starts one.") from None
