"""The downloader against real local servers: what arrives, and what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.errors import Code
from tests.wire.downloads import downloading, failed, names, raw, refusal, refused, served

BODY = os.urandom(700_000)


async def test_a_file_arrives_whole_with_its_hash(tmp_path: Path) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(body=BODY, headers={"Set-Cookie": "a=b"})

    async with served(handler) as host, downloading(host) as downloader:
        got = await downloader.fetch(f"http://{host}/file.mp3?ex=1&hm=abc", tmp_path / "file")
        await downloader.fetch(f"http://{host}/file.mp3", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY
    assert names(tmp_path) == ["file"]
    assert (got.size, got.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert seen[0].query_string == "ex=1&hm=abc"
    assert seen[0].headers["Accept-Encoding"] == "identity"
    assert seen[0].headers["User-Agent"] == "Twodeck/test"
    assert "Cookie" not in seen[1].headers


async def test_many_downloads_at_once(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async with served(handler) as host, downloading(host) as downloader:
        fetches = [downloader.fetch(f"http://{host}/", tmp_path / str(number % 4)) for number in range(8)]
        assert {got.size for got in await asyncio.gather(*fetches)} == {len(BODY)}
    assert names(tmp_path) == ["0", "1", "2", "3"]


async def test_an_environment_proxy_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"direct")

    async def proxy(request: web.Request) -> web.Response:
        return web.Response(body=b"by proxy")

    async with served(handler) as host, served(proxy) as other, downloading(host) as downloader:
        monkeypatch.setenv("HTTP_PROXY", f"http://{other}")
        monkeypatch.setenv("http_proxy", f"http://{other}")
        await downloader.fetch(f"http://{host}/", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"direct"


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_definite_no_is_asked_once(tmp_path: Path, status: int) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status)

    assert await refused(handler, tmp_path) == failed("status", status)
    assert len(asked) == 1


async def test_a_passing_failure_is_tried_three_times(tmp_path: Path) -> None:
    answers = [500, 429, 200, 503, 503, 503, 200]

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=answers.pop(0), body=b"abc")

    async with served(handler) as host, downloading(host) as downloader:
        assert (await downloader.fetch(f"http://{host}/", tmp_path / "file")).size == 3
        (tmp_path / "file").unlink()
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("status", 503)
    assert answers == [200]


async def test_an_announced_size_over_the_limit_is_not_read(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(2 << 20)})
        await response.prepare(request)
        await asyncio.sleep(10)
        return response

    start = time.monotonic()
    assert await refused(handler, tmp_path) == (Code.FILE_TOO_LARGE, {"limit_mb": 1})
    assert time.monotonic() - start < 5


async def test_an_endless_body_is_cut_at_the_limit(tmp_path: Path) -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 100 << 20:
            await response.write(bytes(1 << 16))
            sent += 1 << 16
        return response

    assert await refused(handler, tmp_path) == (Code.FILE_TOO_LARGE, {"limit_mb": 1})
    assert sent < 20 << 20


@pytest.mark.parametrize("encoding", ["gzip", "br", "x-unknown"])
async def test_an_encoded_body_is_refused(tmp_path: Path, encoding: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b abc", headers={"Content-Encoding": encoding})

    assert await refused(handler, tmp_path) == failed("encoded", 200)


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_body_is_refused(tmp_path: Path, status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status)

    expected: tuple[Code, dict[str, Any]] = (Code.FILE_EMPTY, {}) if status == 200 else failed("status", 204)
    assert await refused(handler, tmp_path) == expected


async def test_a_partial_answer_is_not_a_file(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=206, body=b"abc")

    assert await refused(handler, tmp_path) == failed("status", 206)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    ],
    ids=["length", "chunked"],
)
async def test_a_body_that_breaks_off_is_refused(tmp_path: Path, answer: bytes, reset: bool) -> None:
    async with raw(answer, reset=reset) as host, downloading(host) as downloader:
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("cut-short")
    assert names(tmp_path) == []


async def test_a_body_longer_than_announced_is_refused(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabcdefgh"
    async with raw(answer) as host, downloading(host) as downloader:
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("cut-short")
    assert names(tmp_path) == []


async def test_nobody_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    async with downloading(host) as downloader:
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("unreachable")


async def test_a_trickle_meets_the_deadline(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x" * 10_000)
            await asyncio.sleep(0.05)
        return response

    start = time.monotonic()
    assert await refused(handler, tmp_path, timeout_seconds=0.4) == failed("too-slow")
    assert time.monotonic() - start < 4


async def test_pauses_count_towards_the_deadline(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500)

    assert await refused(handler, tmp_path, timeout_seconds=0.3, pauses=(60, 60)) == failed("too-slow")


async def test_cancelling_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, release = threading.Event(), threading.Event()
    real = os.write

    def slow(descriptor: int, data: bytes) -> int:
        if len(data) > 1000:
            writing.set()
            release.wait(5)
        return real(descriptor, data)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async with served(handler) as host, downloading(host) as downloader:
        monkeypatch.setattr("bot.files.partial.os.write", slow)
        task = asyncio.create_task(downloader.fetch(f"http://{host}/", tmp_path / "file"))
        await asyncio.to_thread(writing.wait)
        assert len(names(tmp_path)) == 1
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.01)
        assert not task.done()  # a thread still holds the file
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert names(tmp_path) == []


async def test_a_slow_disk_does_not_hold_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=BODY)

    def slow(_: int) -> None:
        time.sleep(1.5)

    async with served(handler) as host, downloading(host) as downloader:
        monkeypatch.setattr("bot.files.partial.os.fsync", slow)
        task = asyncio.create_task(downloader.fetch(f"http://{host}/", tmp_path / "file"))
        longest, last = 0.0, time.monotonic()
        while not task.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        await task
    assert longest < 1
