"""Where the downloader makes no connection: redirects, addresses inside, names that change their mind."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.errors import Code
from bot.files.address import Reach, is_public
from tests import reach
from tests.wire.downloads import downloading, failed, refusal, refused, served


async def test_redirects_are_followed_three_times(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        return web.Response(status=302, headers={"Location": str(left - 1)}) if left else web.Response(body=b"end")

    async with served(handler) as host, downloading(host) as downloader:
        assert (await downloader.fetch(f"http://{host}/3", tmp_path / "file")).size == 3
        assert await refusal(downloader.fetch(f"http://{host}/4", tmp_path / "file")) == failed("redirects", 302)


@pytest.mark.parametrize("location", [None, "http://[", "/again"])
async def test_redirects_that_lead_nowhere(tmp_path: Path, location: str | None) -> None:
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


async def test_a_redirect_does_not_widen_the_list(tmp_path: Path, canary: Canary) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://{canary.host}/secret"})

    assert await refused(handler, tmp_path) == (Code.HOST_NOT_ALLOWED, {"host": "127.0.0.1"})
    assert canary.visits == 0
    async with served(handler) as host:
        assert await naive(f"http://{host}/") == b"secret"
    assert canary.visits == 1


LITERALS = ["127.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "017700000001", "127.1", "①②⑦.0.0.1", "localhost"]


@pytest.mark.parametrize("literal", LITERALS)
async def test_loopback_in_every_spelling(tmp_path: Path, canary: Canary, literal: str) -> None:
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
async def test_a_listed_private_address_stops_at_the_socket(tmp_path: Path, literal: str) -> None:
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


async def test_a_listed_name_that_leads_inside_is_refused(tmp_path: Path, canary: Canary) -> None:
    port = canary.host.rpartition(":")[2]
    async with downloading(f"cdn.test:{port}", resolver=Names("127.0.0.1")) as downloader:
        answer = await refusal(downloader.fetch(f"https://cdn.test:{port}/", tmp_path / "file"))
    assert answer == (Code.HOST_NOT_ALLOWED, {"host": "cdn.test"})
    assert canary.visits == 0
    connector = aiohttp.TCPConnector(resolver=Names("127.0.0.1"))
    assert await naive(f"http://cdn.test:{port}/", connector) == b"secret"


async def test_a_name_that_changes_its_mind_is_judged_at_each_socket(tmp_path: Path) -> None:
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
async def test_links_that_only_look_right(tmp_path: Path, url: str) -> None:
    names = Names("127.0.0.1")
    async with downloading("cdn.discordapp.com", resolver=names) as downloader:
        assert (await refusal(downloader.fetch(url, tmp_path / "file")))[0] == Code.HOST_NOT_ALLOWED
    assert names.asked == 0  # it was the list that said no, before any look-up


def test_entries_are_compared_exactly() -> None:
    reach = Reach(["cdn.discordapp.com", "Music.test:8443", "127.0.0.1:5000", "[::1]:5000", "localhost:5001"])
    allowed = "https://CDN.discordapp.com/x https://music.test:8443 http://127.0.0.1:5000 https://127.0.0.1:5000 \
        http://[::1]:5000 http://localhost:5001"
    denied = "https://music.test http://music.test:8443 http://127.0.0.1 http://127.0.0.1:5001 \
        http://127.0.0.2:5000 http://localhost:5000"
    assert [url for url in allowed.split() if not reach.allows(URL(url))] == []
    assert [url for url in denied.split() if reach.allows(URL(url))] == []


def test_only_ordinary_addresses_are_public() -> None:
    public = "1.1.1.1 162.159.128.233 2606:4700::1111"
    inner = """0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 192.0.0.1 192.0.2.1
        192.88.99.1 192.168.1.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:1.1.1.1
        ::ffff:127.0.0.1 64:ff9b::1.1.1.1 64:ff9b:1::1 2001::1 2001:db8::1 2002:7f00:1:: fc00::1 fe80::1 fe80::1%1
        fec0::1 ff02::1 localhost"""
    assert [address for address in public.split() if not is_public(address)] == []
    assert [address for address in inner.split() if is_public(address)] == []


async def test_signed_links_stay_out_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500)

    async with served(handler) as host, downloading(host, timeout_seconds=1.0, pauses=(0, 30)) as downloader:
        await refusal(downloader.fetch(f"http://{host}/attachments/1/song.mp3?hm=signature", tmp_path / "file"))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bot.")]
    assert len(ours) == 3
    assert all("song.mp3" in line for line in ours)
    assert not any("signature" in line or "attachments" in line for line in ours)


async def test_no_form_of_an_address_is_connected_to() -> None:
    """A few of the hosts; `python -m tests.scorecard S9` takes all."""
    walked = await reach.walk(reach.HOSTS[::5])
    assert walked.fetches > 200
    assert (walked.brought, walked.inside) == (0, [])


async def test_a_guard_that_names_alone_pass_is_found_out() -> None:
    walked = await reach.walk(reach.WRITTEN_OUT[1:2], guard=reach.NamesOnly)
    assert walked.brought
    assert walked.inside
