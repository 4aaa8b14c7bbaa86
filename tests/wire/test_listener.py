"""The guard before every route of the public port: deadlines, bounds, caps by address, a log that stays short."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from bot.database import Database
from bot.web.connections import Limits
from bot.web.listener import Listener
from tests.wire.test_callback_faults import Trusting, opened
from tests.wire.test_callbacks import COMPLETE, SECRET

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = json.dumps(COMPLETE).encode()
PATH = f"/callbacks/kie/job1/{SECRET}"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GENEROUS = Limits(head_seconds=60, body_seconds=60)


class Caller:
    """A raw connection from one of this machine's addresses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, request: bytes = HEALTH) -> int | None:
        """The status of the answer; None when there is none."""
        try:
            self.writer.write(request)
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 30)
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            await self.reader.readexactly(int(length.split(b":")[1]))
        except (ConnectionError, asyncio.IncompleteReadError):
            return None
        return int(head.split()[1])

    async def is_closed(self) -> bool:
        """Wait for the end of it."""
        try:
            return await asyncio.wait_for(self.reader.read(), 30) == b""
        except ConnectionError:
            return True


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


@asynccontextmanager
async def caller(port: int, address: str = "127.0.0.1") -> AsyncGenerator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\n", b"\r\n\r\nGET /hea"])
async def test_a_head_that_does_not_come_is_not_waited_for(db: Database, sent: bytes) -> None:
    async with opened(db, limits=Limits(head_seconds=0.3)) as door, caller(door.listener.port) as slow:
        slow.writer.write(sent)
        assert await slow.is_closed()
        assert door.listener.tally.counts == {"slow head": 1}


async def test_the_second_head_has_its_deadline_too(db: Database) -> None:
    async with (
        opened(db, limits=Limits(head_seconds=2, idle_seconds=60)) as door,
        caller(door.listener.port) as slow,
    ):
        assert await slow.ask() == 200
        slow.writer.write(b"GET /")
        assert await slow.is_closed()
        assert door.listener.tally.counts == {"slow head": 1}


async def test_an_idle_connection_ends(db: Database) -> None:
    async with opened(db, limits=Limits(idle_seconds=0.3)) as door, caller(door.listener.port) as idle:
        assert await idle.ask() == 200
        assert await idle.is_closed()


async def test_a_head_without_end_is_not_kept(db: Database) -> None:
    async with opened(db, limits=GENEROUS) as door, caller(door.listener.port) as endless:
        endless.writer.write(b"\r\n\r\nGET /healthz HTTP/1.1\r\n")
        for number in range(40):
            endless.writer.write(f"X-{number}: {'x' * 1000}\r\n".encode())
        assert await endless.is_closed()
        assert door.listener.tally.counts == {"endless head": 1}


async def test_a_kept_connection_answers_again_and_a_long_body_is_no_head(db: Database) -> None:
    async with opened(db, kind=Trusting, limits=GENEROUS) as door, caller(door.listener.port) as kept:
        for _ in range(3):
            body = json.dumps({**COMPLETE, "fill": "x" * 60_000}).encode()
            assert await kept.ask(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body) == 200


async def test_one_address_gets_so_many_connections(db: Database) -> None:
    async with opened(db, limits=replace(GENEROUS, connections_of_one=2)) as door:
        port = door.listener.port
        async with caller(port, "127.0.0.2") as first, caller(port, "127.0.0.2") as second:
            assert [await one.ask() for one in (first, second)] == [200, 200]
            async with caller(port, "127.0.0.2") as third, caller(port, "127.0.0.3") as other:
                assert await third.ask() is None
                assert await other.ask() == 200
            assert door.listener.tally.counts == {"connections of one address": 1}
        await until(lambda: door.listener.connections == 0)
        async with caller(port, "127.0.0.2") as later:
            assert await later.ask() == 200


async def test_who_waits_without_a_request_makes_room(db: Database) -> None:
    async with opened(db, limits=replace(GENEROUS, connections=2, grace_seconds=0)) as door:
        port = door.listener.port
        async with caller(port) as oldest, caller(port) as slow:
            slow.writer.write(f"{HEAD}Content-Length: 100\r\n\r\n{{".encode())
            async with caller(port) as good, caller(port) as better:
                assert await good.ask() == 200
                assert await oldest.is_closed()
                assert await better.ask() == 200
                assert await slow.is_closed()
        assert door.listener.tally.counts == {"too many connections": 2, "cut off": 1}


async def test_who_is_being_answered_is_not_sent_away(db: Database) -> None:
    async with opened(db, limits=replace(GENEROUS, connections=1)) as door:
        door.gate.open.clear()
        async with caller(door.listener.port) as waiting:
            asking = asyncio.create_task(waiting.ask())
            await door.gate.asked.wait()
            async with caller(door.listener.port) as late:
                assert await late.ask() is None
            door.gate.open.set()
            assert await asking == 200


async def test_requests_of_one_address_have_a_pace(db: Database) -> None:
    limits = replace(GENEROUS, requests_per_second=0.001, requests_at_once=3)
    async with opened(db, limits=limits) as door:
        port = door.listener.port
        async with caller(port, "127.0.0.2") as many, caller(port, "127.0.0.3") as few:
            assert [await many.ask() for _ in range(5)] == [200, 200, 200, 429, None]
            assert await few.ask() == 200
        assert door.listener.tally.counts == {"too many requests": 1}


@pytest.mark.parametrize("proxies", ["127.0.0.0/8", ""])
async def test_behind_a_proxy_its_word_tells_who_asks(db: Database, proxies: str) -> None:
    limits = replace(GENEROUS, connections_of_one=2, requests_per_second=0.001, requests_at_once=2)

    async def ask(forwarded: str) -> int | None:
        line = f"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {forwarded}\r\n\r\n"
        async with caller(door.listener.port) as proxy:
            return await proxy.ask(line.encode())

    async with opened(db, limits=limits, proxies=proxies) as door:
        said = [await ask(who) for who in ("9.9.9.9", "8.8.8.8, 9.9.9.9", "1.1.1.1,9.9.9.9, 127.0.0.1", "8.8.8.8")]
        assert said == ([200, 200, 429, 200] if proxies else [200, 200, 429, 429])


async def test_pipelined_requests_end_with_the_first_that_is_too_many(db: Database) -> None:
    limits = replace(GENEROUS, requests_per_second=0.001, requests_at_once=20)
    async with opened(db, limits=limits) as door, caller(door.listener.port) as eager:
        eager.writer.write(HEALTH * 500)
        answers = await asyncio.wait_for(eager.reader.read(), 30)
        assert answers.count(b"HTTP/1.1 200") == 20
        assert answers.count(b"HTTP/1.1 429") == 1


async def test_who_does_not_read_answers_is_left(db: Database) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * (8 << 20))

    class Room:
        def routes(self) -> list[web.RouteDef]:
            return [web.get("/", answer)]

    listener = Listener(Room(), limits=replace(GENEROUS, stall_seconds=0.3))
    await listener.start("127.0.0.1", 0)
    async with caller(listener.port) as deaf:
        deaf.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: listener.tally.counts["unread answer"] == 1)
    await listener.stop()


async def test_bodies_that_break_off_cost_hardly_a_line(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(db) as door:
        for number in range(100):
            async with caller(door.listener.port) as gone:
                broken = (
                    b"Transfer-Encoding: chunked\r\n\r\n5\r\nab" if number % 2 else b"Content-Length: 50\r\n\r\n{"
                )
                gone.writer.write(HEAD.encode() + broken)
                if number % 3 == 0:
                    await asyncio.sleep(0.005)
                if number % 5 == 0:
                    gone.writer.transport.abort()
        await until(lambda: door.listener.tally.counts["cut off"] >= 50)
    lines = [record for record in caplog.records if record.name.startswith(("bot", "aiohttp", "asyncio"))]
    assert len("\n".join(map(logging.Formatter().format, lines)).splitlines()) <= 10
    assert not [record for record in lines if record.exc_info]


async def test_faults_of_ours_are_told_once_a_minute_without_the_path(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        raise RuntimeError("a fault")

    class Room:
        def routes(self) -> list[web.RouteDef]:
            return [web.get("/{secret}", fail)]

    listener = Listener(Room())
    await listener.start("127.0.0.1", 0)
    async with caller(listener.port) as one:
        for _ in range(20):
            assert await one.ask(f"GET /{SECRET} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == 500
    await listener.stop()
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert "19 x fault" in caplog.text
    assert SECRET not in caplog.text


async def test_it_listens_where_it_was_told_and_nowhere_else(db: Database) -> None:
    async with opened(db) as door:
        async with caller(door.listener.port) as here:
            assert await here.ask() == 200
        for other in ("127.0.0.2", "::1"):
            with pytest.raises(OSError, match=r"refused|assign|Connect call"):
                await asyncio.open_connection(other, door.listener.port)
