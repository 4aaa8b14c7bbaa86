"""The downloader against real local servers: what arrives, what is refused, and where no connection is made."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.errors import Code, Refused
from bot.files.address import Reach, is_public
from bot.files.download import Downloader

BODY = os.urandom(700_000)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
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
async def raw(answer: bytes, *, reset: bool = False) -> AsyncIterator[str]:
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
async def downloading(*hosts: str, **options: Any) -> AsyncIterator[Downloader]:
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


async def test_a_file_arrives_whole_with_its_hash(tmp_path):
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(body=BODY, headers={"Set-Cookie": "a=b"})

    async with served(handler) as host, downloading(host) as downloader:
        got = await downloader.fetch(f"http://{host}/file.mp3?ex=1&hm=abc", tmp_path / "file")
        await downloader.fetch(f"http://{host}/file.mp3", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (got.size, got.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert seen[0].query_string == "ex=1&hm=abc"
    assert seen[0].headers["Accept-Encoding"] == "identity"
    assert seen[0].headers["User-Agent"] == "Twodeck/test"
    assert "Cookie" not in seen[1].headers


async def test_many_downloads_at_once(tmp_path):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async with served(handler) as host, downloading(host) as downloader:
        fetches = [downloader.fetch(f"http://{host}/", tmp_path / str(number % 4)) for number in range(8)]
        assert {got.size for got in await asyncio.gather(*fetches)} == {len(BODY)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3"]


async def test_an_environment_proxy_is_not_used(tmp_path, monkeypatch):
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
async def test_a_definite_no_is_asked_once(tmp_path, status):
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status)

    assert await refused(handler, tmp_path) == failed("status", status)
    assert len(asked) == 1


async def test_a_passing_failure_is_tried_three_times(tmp_path):
    answers = [500, 429, 200, 503, 503, 503, 200]

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=answers.pop(0), body=b"abc")

    async with served(handler) as host, downloading(host) as downloader:
        assert (await downloader.fetch(f"http://{host}/", tmp_path / "file")).size == 3
        (tmp_path / "file").unlink()
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("status", 503)
    assert answers == [200]


async def test_an_announced_size_over_the_limit_is_not_read(tmp_path):
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(2 << 20)})
        await response.prepare(request)
        await asyncio.sleep(10)
        return response

    start = time.monotonic()
    assert await refused(handler, tmp_path) == (Code.FILE_TOO_LARGE, {"limit_mb": 1})
    assert time.monotonic() - start < 5


async def test_an_endless_body_is_cut_at_the_limit(tmp_path):
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
async def test_an_encoded_body_is_refused(tmp_path, encoding):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b abc", headers={"Content-Encoding": encoding})

    assert await refused(handler, tmp_path) == failed("encoded", 200)


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_body_is_refused(tmp_path, status):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status)

    expected = (Code.FILE_EMPTY, {}) if status == 200 else failed("status", 204)
    assert await refused(handler, tmp_path) == expected


async def test_a_partial_answer_is_not_a_file(tmp_path):
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
async def test_a_body_that_breaks_off_is_refused(tmp_path, answer, reset):
    async with raw(answer, reset=reset) as host, downloading(host) as downloader:
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("cut-short")
    assert list(tmp_path.iterdir()) == []


async def test_a_body_longer_than_announced_is_refused(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabcdefgh"
    async with raw(answer) as host, downloading(host) as downloader:
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("cut-short")
    assert list(tmp_path.iterdir()) == []


async def test_nobody_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    async with downloading(host) as downloader:
        assert await refusal(downloader.fetch(f"http://{host}/", tmp_path / "file")) == failed("unreachable")


async def test_a_trickle_meets_the_deadline(tmp_path):
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


async def test_pauses_count_towards_the_deadline(tmp_path):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500)

    assert await refused(handler, tmp_path, timeout_seconds=0.3, pauses=(60, 60)) == failed("too-slow")


async def test_cancelling_leaves_no_file(tmp_path, monkeypatch):
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
        assert len(list(tmp_path.iterdir())) == 1
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.01)
        assert not task.done()  # a thread still holds the file
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert list(tmp_path.iterdir()) == []


async def test_a_slow_disk_does_not_hold_the_loop(tmp_path, monkeypatch):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async with served(handler) as host, downloading(host) as downloader:
        monkeypatch.setattr("bot.files.partial.os.fsync", lambda descriptor: time.sleep(1.5))
        task = asyncio.create_task(downloader.fetch(f"http://{host}/", tmp_path / "file"))
        longest, last = 0.0, time.monotonic()
        while not task.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        await task
    assert longest < 1


async def test_redirects_are_followed_three_times(tmp_path):
    async def handler(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        return web.Response(status=302, headers={"Location": str(left - 1)}) if left else web.Response(body=b"end")

    async with served(handler) as host, downloading(host) as downloader:
        assert (await downloader.fetch(f"http://{host}/3", tmp_path / "file")).size == 3
        assert await refusal(downloader.fetch(f"http://{host}/4", tmp_path / "file")) == failed("redirects", 302)


@pytest.mark.parametrize("location", [None, "http://[", "/again"])
async def test_redirects_that_lead_nowhere(tmp_path, location):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": location} if location else {})

    assert await refused(handler, tmp_path) == failed("redirects", 301)


class Canary:
    """A listener that must not be reached."""

    def __init__(self) -> None:
        self.visits = 0
        self.host = ""

    async def handler(self, request: web.Request) -> web.Response:
        self.visits += 1
        return web.Response(body=b"secret")


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    canary = Canary()
    async with served(canary.handler) as canary.host:
        yield canary


async def naive(url: str, connector: aiohttp.TCPConnector | None = None) -> bytes:
    """The control: what an ordinary client does with the same link."""
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
        return await response.read()


async def test_a_redirect_does_not_widen_the_list(tmp_path, canary):
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://{canary.host}/secret"})

    assert await refused(handler, tmp_path) == (Code.HOST_NOT_ALLOWED, {"host": "127.0.0.1"})
    assert canary.visits == 0
    async with served(handler) as host:
        assert await naive(f"http://{host}/") == b"secret"
    assert canary.visits == 1


LITERALS = ["127.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "017700000001", "127.1", "①②⑦.0.0.1", "localhost"]


@pytest.mark.parametrize("literal", LITERALS)
async def test_loopback_in_every_spelling(tmp_path, canary, literal):
    """Not on the list, and even on the list not to be reached by a name that the system resolves to loopback."""
    port = canary.host.rpartition(":")[2]
    for hosts in (["cdn.discordapp.com"], [f"{literal}:{int(port) ^ 1}"]):
        async with downloading(*hosts) as downloader:
            for scheme in ("http", "https"):
                answer = await refusal(downloader.fetch(f"{scheme}://{literal}:{port}/", tmp_path / "file"))
                assert answer[0] == Code.HOST_NOT_ALLOWED
    assert canary.visits == 0
    if literal not in {"2130706433", "017700000001", "127.1"}:  # aiohttp itself says no to these
        assert await naive(f"http://{literal}:{port}/") == b"secret"


INNER = ["10.0.0.1", "169.254.169.254", "[fd00::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"]


@pytest.mark.parametrize("literal", INNER)
async def test_a_listed_private_address_stops_at_the_socket(tmp_path, literal):
    """An operator's entry opens a name, not the inner network: only loopback with its port is taken as written."""
    async with downloading(*INNER) as downloader:
        assert Reach(INNER).allows(URL(f"https://{literal}/"))
        answer = await refusal(downloader.fetch(f"https://{literal}/", tmp_path / "file"))
    assert answer[0] == Code.HOST_NOT_ALLOWED


class Names(AbstractResolver):
    """Answers with the next of the given addresses, and with the last one for ever."""

    def __init__(self, *addresses: str) -> None:
        self._left = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        address = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
        ]

    async def close(self) -> None:
        pass


async def test_a_listed_name_that_leads_inside_is_refused(tmp_path, canary):
    port = canary.host.rpartition(":")[2]
    async with downloading(f"cdn.test:{port}", resolver=Names("127.0.0.1")) as downloader:
        answer = await refusal(downloader.fetch(f"https://cdn.test:{port}/", tmp_path / "file"))
    assert answer == (Code.HOST_NOT_ALLOWED, {"host": "cdn.test"})
    assert canary.visits == 0
    connector = aiohttp.TCPConnector(resolver=Names("127.0.0.1"))
    assert await naive(f"http://cdn.test:{port}/", connector) == b"secret"


async def test_a_name_that_changes_its_mind_is_judged_at_each_socket(tmp_path):
    """First an address that may be reached (and breaks the handshake), at the next try one that may not."""
    visits: dict[str, int] = {"open": 0, "inner": 0}

    def visitor(name: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            visits[name] += 1
            writer.close()

        return visit

    inner = await asyncio.start_server(visitor("inner"), "::1", 0)
    port = inner.sockets[0].getsockname()[1]
    opened = await asyncio.start_server(visitor("open"), "127.0.0.1", port)
    async with inner, opened:
        names = Names("127.0.0.1", "::1")
        async with downloading(f"cdn.test:{port}", f"127.0.0.1:{port}", resolver=names) as downloader:
            answer = await refusal(downloader.fetch(f"https://cdn.test:{port}/", tmp_path / "file"))
        assert answer[0] == Code.HOST_NOT_ALLOWED
        assert names.asked == 2
        await asyncio.sleep(0.05)
        assert visits == {"open": 1, "inner": 0}
        connector = aiohttp.TCPConnector(resolver=Names("::1"))
        with pytest.raises(aiohttp.ClientError):
            await naive(f"http://cdn.test:{port}/", connector)
        assert visits["inner"] > 0


@pytest.mark.parametrize(
    "url",
    [
        "ftp://cdn.discordapp.com/x",
        "file:///etc/passwd",
        "http://cdn.discordapp.com/x",
        "https://cdn.discordapp.com:8443/x",
        "https://user:password@cdn.discordapp.com/x",
        "https://cdn.discordapp.com@evil.test/x",
        "https://cdn.discordapp.com.evil.test/x",
        "https://xcdn.discordapp.com/x",
        "https://cdn.discordapp.com./x",
        "https://cdn.discordapp.com\\@evil.test/x",
        "https://cdn.discordapp.com:99999/x",
        "//cdn.discordapp.com/x",
        "cdn.discordapp.com",
        "https://",
        "",
    ],
)
async def test_links_that_only_look_right(tmp_path, url):
    names = Names("127.0.0.1")
    async with downloading("cdn.discordapp.com", resolver=names) as downloader:
        assert (await refusal(downloader.fetch(url, tmp_path / "file")))[0] == Code.HOST_NOT_ALLOWED
    assert names.asked == 0  # it was the list that said no, before any look-up


def test_entries_are_compared_exactly():
    reach = Reach(["cdn.discordapp.com", "Music.test:8443", "127.0.0.1:5000", "[::1]:5000", "localhost:5001"])
    allowed = "https://CDN.discordapp.com/x https://music.test:8443 http://127.0.0.1:5000 https://127.0.0.1:5000 \
        http://[::1]:5000 http://localhost:5001"
    denied = "https://music.test http://music.test:8443 http://127.0.0.1 http://127.0.0.1:5001 \
        http://127.0.0.2:5000 http://localhost:5000"
    assert [url for url in allowed.split() if not reach.allows(URL(url))] == []
    assert [url for url in denied.split() if reach.allows(URL(url))] == []


def test_only_ordinary_addresses_are_public():
    public = "1.1.1.1 162.159.128.233 2606:4700::1111"
    inner = """0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 192.0.0.1 192.0.2.1
        192.88.99.1 192.168.1.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:1.1.1.1
        ::ffff:127.0.0.1 64:ff9b::1.1.1.1 64:ff9b:1::1 2001::1 2001:db8::1 2002:7f00:1:: fc00::1 fe80::1 fe80::1%1
        fec0::1 ff02::1 localhost"""
    assert [address for address in public.split() if not is_public(address)] == []
    assert [address for address in inner.split() if is_public(address)] == []


async def test_signed_links_stay_out_of_the_log(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500)

    async with served(handler) as host, downloading(host, timeout_seconds=1.0, pauses=(0, 30)) as downloader:
        await refusal(downloader.fetch(f"http://{host}/attachments/1/song.mp3?hm=signature", tmp_path / "file"))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bot.")]
    assert len(ours) == 3
    assert all("song.mp3" in line for line in ours)
    assert not any("signature" in line or "attachments" in line for line in ours)
