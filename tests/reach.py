"""Two hundred ways to write an address inside, fetched like a source, while every connection is written down."""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Collection, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from unittest import mock

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import TCPConnector
from yarl import URL

from bot.errors import Refused
from bot.files import download
from bot.files.address import ForbiddenAddressError, Reach, is_public
from tests.wire.downloads import downloading, served

HOSTS = (
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1",
    "0x7f.0.0.1", "017700000001", "0177.0.0.1", "0177.1", "0", "0.0.0.0", "000.0.0.0",
    "①②⑦.0.0.1", "127。0。0。1", "127．0．0．1", "１２７.0.0.1", "localhost", "LOCALHOST", "localhost.",
    "127.0.0.1.", "inner.test", "inner.test.", "xn--inner-test", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[2001::7f00:1]", "[fec0::1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
    "169.254.169.254", "0xa9fea9fe", "2852039166", "10.0.0.1", "172.16.0.1", "192.168.0.1",
    "100.64.0.1", "192.0.0.8", "224.0.0.1",
)  # fmt: skip
FORMS = ("http://{}:{}/a", "https://{}:{}/a", "http://cdn.test@{}:{}/a", "https://{}:{}/a?x=#@cdn.test")
WRITTEN_OUT = ("127.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "[::1]")
HOPS = 3
_Address = tuple[str, int]
_written: list[_Address] | None = None


@dataclass(frozen=True)
class Walk:
    """Fetches, how many of them brought a file, and to where connections led that may not be."""

    fetches: int
    brought: int
    inside: Sequence[_Address]


class Names(AbstractResolver):
    """Every name leads inside; one that changes its mind leads to `first` when it is asked first."""

    def __init__(self, *first: str) -> None:
        self._left = list(first)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self._left.pop() if self._left else "::1"
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        pass


class NamesOnly(Reach):
    """The broken part: addresses are judged where names are looked up, and nowhere else."""

    def allows(self, url: URL) -> bool:
        return True

    def connector(self, resolver: AbstractResolver | None = None) -> TCPConnector:
        return TCPConnector(resolver=_Judging(), use_dns_cache=False)


class _Judging(Names):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if not all(is_public(one["host"]) for one in found):
            raise ForbiddenAddressError("address is not allowed")
        return found


async def walk(hosts: Sequence[str] = HOSTS, *, guard: type[Reach] = Reach) -> Walk:
    """Fetch every form of every host, directly, behind one to three redirects, and as a name that changes its mind.

    Where an operator's list could name the host by mistake, direct fetches are made with such a list, too. The name
    that changes is listed, and so is its port on 127.0.0.1: nobody speaks TLS there, so it is looked up again.
    """
    brought: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="reach-") as name, _connections() as made:
        file = Path(name) / "file"
        async with (
            _listening("127.0.0.1", "::1") as inner,
            _listening("127.0.0.1", "::1") as turning,
            served(_maze) as start,
        ):
            with mock.patch.object(download, "Reach", guard):
                for host in hosts:
                    names = Names() if ".test" in host else None
                    for url in (form.format(host, inner) for form in FORMS):
                        for hops in range(HOPS + 1):
                            brought.append(await _brings(_behind(start, hops, url), file, [start], names))
                        if not _may_be_listed(host):
                            brought.append(await _brings(url, file, [f"{host}:{inner}"], names))
                        known = [f"cdn.test:{turning}", f"127.0.0.1:{turning}"]
                        turned = f"https://cdn.test:{turning}/a"
                        brought.append(await _brings(turned, file, known, Names("127.0.0.1")))
        own = {("127.0.0.1", turning), ("127.0.0.1", int(start.rpartition(":")[2]))}
    return Walk(len(brought), sum(brought), [address for address in made if address not in own])


async def _brings(url: str, file: Path, known: Collection[str], names: AbstractResolver | None) -> bool:
    async with downloading(*known, resolver=names, pauses=(0,), timeout_seconds=20.0) as downloader:
        try:
            await downloader.fetch(url, file)
        except Refused:
            return False
    return True


def _may_be_listed(host: str) -> bool:
    """Loopback is taken as written, with its port: an entry for it would be meant."""
    return URL(f"//{host}").raw_host in {"localhost", "127.0.0.1", "127.255.255.254", "::1"}


def _behind(start: str, hops: int, url: str) -> str:
    return str(URL(f"http://{start}/{hops}").with_query(to=url)) if hops else url


async def _maze(request: web.Request) -> web.Response:
    left = int(request.path.strip("/")) - 1
    further = request.query["to"]
    return web.Response(status=302, headers={"Location": _behind(request.host, left, further)})


@asynccontextmanager
async def _listening(*addresses: str, port: int = 0) -> AsyncGenerator[int]:
    """One port on several addresses, where a file is given to everybody."""

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        writer.close()

    first = await asyncio.start_server(give, addresses[0], port)
    port = first.sockets[0].getsockname()[1]
    others = [await asyncio.start_server(give, address, port) for address in addresses[1:]]
    try:
        yield port
    finally:
        for server in (first, *others):
            server.close()


@contextmanager
def _connections() -> Generator[list[_Address]]:
    """Every address that this process connects to, whoever asks."""
    global _written  # noqa: PLW0603 - an audit hook stays for ever
    if _written is None:
        sys.addaudithook(_write_down)
    _written = []
    yield _written


def _write_down(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _written is not None:
        match arguments[1]:
            case tuple():
                host, port, *_ = cast("tuple[str, int]", arguments[1])
                _written.append((host, port))
            case _:
                pass
