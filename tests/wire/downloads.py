"""Small hosts for the downloader's tests, and how its refusals are read."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.errors import Code, Refused
from bot.files.download import Downloader

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncGenerator[str]:
    """A server on loopback; yields `127.0.0.1:PORT`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(answer: bytes, *, reset: bool = False) -> AsyncGenerator[str]:
    """A server that says exactly `answer` and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if reset:
            await asyncio.sleep(0.05)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def downloading(*hosts: str, **options: Any) -> AsyncGenerator[Downloader]:
    settings: dict[str, Any] = {
        "max_bytes": 1 << 20,
        "timeout_seconds": 5.0,
        "user_agent": "Twodeck/test",
        "pauses": (0, 0),
    }
    downloader = Downloader(hosts, **settings | options)
    try:
        yield downloader
    finally:
        await downloader.close()


async def refusal(running: Awaitable[object]) -> tuple[Code, dict[str, Any]]:
    with pytest.raises(Refused) as caught:
        await running
    assert caught.value.__cause__ is None
    return caught.value.refusal.code, dict(caught.value.refusal.values)


async def refused(handler: Handler, folder: Path, **options: Any) -> tuple[Code, dict[str, Any]]:
    """What fetching from `handler` is refused with; nothing may stay in `folder`."""
    async with served(handler) as host, downloading(host, **options) as downloader:
        answer = await refusal(downloader.fetch(f"http://{host}/file.mp3", folder / "file"))
    assert os.listdir(folder) == []  # noqa: PTH208
    return answer


def failed(reason: str, status: int = 0) -> tuple[Code, dict[str, Any]]:
    return Code.DOWNLOAD_FAILED, {
        "status": status,
        "reason": reason,
        "detail": f"HTTP {status}" if reason == "status" else reason.replace("-", " "),
    }


def names(folder: Path) -> list[str]:
    """Of the files in it."""
    return sorted(path.name for path in folder.iterdir())
