"""Requests that nobody should send, made by chance, by raw sockets to a listener in a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import random
import re
import select
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.database import Database
from bot.web.callbacks import Callbacks
from bot.web.connections import Limits
from tests.wire.test_callback_faults import KEY, SECRET, TASK, opened
from tests.wire.test_callbacks import headers

_AT_ONCE = 16
_PATIENCE = 0.5
_ANSWER = re.compile(rb"HTTP/1\.[01] ([2-9]\d\d) ")
_PATHS = (
    f"/callbacks/kie/job1/{SECRET}",
    f"/callbacks/sunoapi/job1/{SECRET}",
    f"/callbacks/kie/nobody/{SECRET}",
    "/callbacks/kie/job1/",
    "/healthz",
    "*",
    "http://[::1",
)
_NAMES = (
    "Content-Type",
    "Content-Encoding",
    "Transfer-Encoding",
    "Content-Length",
    "Expect",
    "Connection",
    "Upgrade",
    *("X-Webhook-Signature", "X-Webhook-Timestamp", "X-Forwarded-For", "Host", "Cookie", "Range"),
)
_VALUES = (
    "application/json",
    "gzip",
    "chunked",
    "100-continue",
    "-1",
    "keep-alive, upgrade",
    "websocket",
    "9" * 30,
)
_WORDS = (
    TASK,
    "complete",
    "error",
    "taskId",
    "task_id",
    "callbackType",
    "data",
    "code",
    "NaN",
    "",
    "\ud800",
    "\x00",
)
_SIGNS = '\x00\t\r\n "%/\\{}[]:,;=aZ09\x7f\x80\u00e9\u00b2\u0663\u202e\ud800\udcff\uffff\U0001f3b5'
_TWICE = b'{"data": 1, "data": {"task_id": "a", "task_id": "task-1"}}'


@dataclass(frozen=True)
class Request:
    """One request as bytes; `cut` of them are sent, and then no more."""

    bytes: bytes
    cut: int


@dataclass
class Outcome:
    """Answers by status, 0 for none, and what the listener or its loop had to say of faults."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    faults: list[str] = field(default_factory=list[str])

    @property
    def answers_of_5xx(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)


def throw(count: int, kind: type[Callbacks] = Callbacks, seed: int = 1) -> Outcome:
    """`count` of them, at a listener with these callbacks."""
    outcome, chance = Outcome(), random.Random(seed)
    with _listening(kind, outcome) as port, ThreadPoolExecutor(_AT_ONCE) as senders:
        made = (_request(chance) for _ in range(count))
        outcome.statuses.update(senders.map(functools.partial(_send, port), made))
    return outcome


def _request(chance: random.Random) -> Request:
    """A request with some of it odd, or bytes that are none."""
    body = _body(chance)
    if chance.random() < 0.1:
        return Request(chance.randbytes(chance.randint(1, 300)) + b"\r\n\r\n" + body, 1 << 30)
    path = _PATHS[0] if chance.random() < 0.7 else chance.choice([*_PATHS, f"/callbacks/kie/{_text(chance)}"])
    method = "POST" if chance.random() < 0.9 else chance.choice(["GET", "PUT", "OPTIONS", "CONNECT", "PRI", "\x00"])
    fields: dict[str, str] = {"Host": "x", "Content-Type": "application/json", "Content-Length": str(len(body))}
    fields |= headers(TASK, key=KEY)
    if chance.random() < 0.5:
        for name in chance.choices(_NAMES, k=chance.randint(1, 3)):
            fields[name] = chance.choice([*_VALUES, _text(chance)])
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    whole = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body
    return Request(whole, chance.randint(0, len(whole)) if chance.random() < 0.2 else len(whole))


def _body(chance: random.Random) -> bytes:
    """A callback with a part that is odd, or something else."""
    kind = chance.random()
    if kind < 0.1:
        return chance.randbytes(chance.randint(0, 400))
    if kind < 0.2:
        return b"[" * chance.randint(1, 30_000)
    if kind < 0.3:
        return b'{"data": {"task_id": ' + b"9" * chance.randint(1, 60_000) + b"}}"
    if kind < 0.35:
        return _TWICE
    task = TASK if chance.random() < 0.5 else _value(chance)
    more = {_text(chance): _value(chance) for _ in range(chance.randint(0, 2))}
    callback = {"code": 200, "data": {**more, "task_id": task, "callbackType": _value(chance)}}
    return json.dumps(callback if chance.random() < 0.7 else _value(chance)).encode()


def _value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randint(0, 7 if depth < 4 else 5)
    if kind == 6:
        return [_value(chance, depth + 1) for _ in range(chance.randint(0, 4))]
    if kind == 7:
        return {chance.choice(_WORDS): _value(chance, depth + 1) for _ in range(chance.randint(0, 4))}
    odd = (None, True, chance.getrandbits(70) - (1 << 69), chance.choice([1e400, -0.0, float("nan")]))
    return [*odd, chance.choice(_WORDS), _text(chance)][kind]


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(_SIGNS, k=chance.randint(0, 20)))


def _send(port: int, request: Request) -> int:
    """Send it by a connection of its own; the status of the answer, 0 for none.

    It is ended where it was cut, or where it says that more of it comes than does.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 30) as way:
        try:
            way.sendall(request.bytes[: request.cut])
            if request.cut < len(request.bytes) or not select.select([way], [], [], _PATIENCE)[0]:
                way.shutdown(socket.SHUT_WR)
            while not (found := _ANSWER.search(answer)) and (more := way.recv(1 << 16)):
                answer += more
        except ConnectionError:
            return 0
    return int(found[1]) if found else 0


class _Faults(logging.Handler):
    """What is logged as an error, by whomever."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        self._faults.append(f"{record.name}: {record.getMessage()}")


@contextmanager
def _listening(kind: type[Callbacks], outcome: Outcome) -> Generator[int]:
    """The port of a listener in another thread."""
    loop, ready, handler = asyncio.new_event_loop(), threading.Event(), _Faults(outcome.faults)
    ended, ports = asyncio.Event(), list[int]()
    logging.getLogger().addHandler(handler)

    async def serve() -> None:
        loop.set_exception_handler(lambda _, context: outcome.faults.append(str(context.get("exception"))))
        with tempfile.TemporaryDirectory() as folder:
            db = Database(Path(folder) / "twodeck.db")
            await db.open()
            async with opened(db, kind, Limits(head_seconds=1, body_seconds=1), "127.0.0.0/8") as door:
                ports.append(door.listener.port)
                ready.set()
                await ended.wait()
                outcome.faults += ["a fault"] * door.listener.tally.counts["fault"]
            await db.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="listener")
    thread.start()
    try:
        assert ready.wait(30)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
        logging.getLogger().removeHandler(handler)


class Brittle(Callbacks):
    """The broken variant: takes it for granted that a body is a callback."""

    async def _receive(self, request: Any) -> Any:
        json.loads(await request.read())["data"]["task_id"].encode()
        return await super()._receive(request)
