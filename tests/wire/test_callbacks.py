"""The door that providers knock at: what is stored, what is refused, and that an answer follows the commit."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.clock import Clock
from bot.database import Database, Tx
from bot.engines.hosted.engine import HostedEngine
from bot.engines.registry import Registry
from bot.jobs import inbox, store
from bot.jobs.job import Ask, Job, Source, State
from bot.jobs.steps import Steps
from bot.playground.music import Music
from bot.request import EngineName
from bot.settings import WebSettings
from bot.web import callbacks as module
from bot.web.callbacks import Callbacks, Knock
from bot.web.connections import Limits
from bot.web.health import Health
from bot.web.listener import Listener
from bot.web.signature import TOLERANCE_SECONDS
from tests.wire.test_hosted_engine import UPLOADS, engine_of, order

Outcome = TypeVar("Outcome")
QUICK = Limits(body_seconds=0.3)
KEY = "webhook-key"
SECRET = "a-secret-of-the-path-0123456789ab"
COMPLETE: dict[str, Any] = {"code": 200, "data": {"callbackType": "complete", "task_id": "task-1", "data": []}}


class Gate:
    """A database that can be held up, and made to fail."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.fails = 0

    async def work(self, unit: Callable[[Tx], Outcome]) -> Outcome:
        self.asked.set()
        await self.open.wait()
        if self.fails:
            self.fails -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return await self.db.work(unit)


class Door:
    """A running listener and a job of kie.ai that waits for a callback."""

    def __init__(
        self,
        db: Database,
        key: str,
        kind: type[Callbacks] = Callbacks,
        limits: Limits | None = None,
        proxies: str = "",
    ) -> None:
        keys = [SecretStr(one) for one in key.split()]
        self.gate = Gate(db)
        self.room = kind(self.gate, Clock(), keys)
        trusted = WebSettings.model_validate({"TWODECK_PROXIES": proxies}).trusted
        health = Health(cast("Database", self.gate))
        self.listener = Listener(self.room, health, proxies=trusted, limits=limits)
        self.db = db

    def url(self, job: str = "job1", secret: str = SECRET, engine: str = "kie") -> str:
        return f"http://127.0.0.1:{self.listener.port}/callbacks/{engine}/{job}/{secret}"

    async def post(self, url: str | None = None, body: Any = COMPLETE, **options: Any) -> int:
        if not options.get("data"):
            options["json"] = body
        async with aiohttp.ClientSession() as session, session.post(url or self.url(), **options) as answer:
            await answer.read()
            return answer.status

    async def woken(self) -> tuple[int, int]:
        """When the job is due, and how often it was written."""
        row = await self.db.work(lambda tx: tx.one("SELECT wake_at, rev FROM jobs"))
        assert row is not None
        return row["wake_at"], row["rev"]

    async def inbox(self) -> list[tuple[str, str]]:
        rows = await self.db.work(lambda tx: tx.all("SELECT stage, task FROM inbox ORDER BY stage"))
        return [(row["stage"], row["task"]) for row in rows]


def ask(engine: str = "kie") -> Ask:
    sources = (Source("a", "u", "a.mp3", 1), Source("b", "u", "b.mp3", 1))
    request: dict[str, Any] = {"title": "T", "mode": "simple", "prompt": "x", "instrumental": False, "unused": []}
    return Ask("i", "g", "c", "m", "en", engine, "mashup", request, 1, 1, sources)


async def write_job(db: Database, engine: str = "kie") -> None:
    def unit(tx: Tx) -> None:
        store.insert(tx, "job1", ask(engine), now=0, deadline=1 << 53)
        inbox.arm(tx, "job1", SECRET, UPLOADS)
        tx.run("UPDATE jobs SET state = 'submitting', marked_at = 0, wake_at = 5000")

    await db.work(unit)


@pytest_asyncio.fixture(params=[""])
async def door(db: Database, request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    await write_job(db)
    door = Door(db, request.param)
    await door.listener.start("127.0.0.1", 0)
    yield door
    await door.listener.stop()


async def test_a_callback_is_kept_and_wakes_the_job_in_one_unit(door: Door) -> None:
    assert await door.post() == 200
    assert await door.inbox() == [("complete", "task-1")]
    assert await door.woken() == (0, 1)


async def test_the_answer_follows_the_commit(door: Door) -> None:
    door.gate.open.clear()
    posting = asyncio.create_task(door.post())
    await asyncio.sleep(0.2)
    assert not posting.done()
    assert await door.inbox() == []
    door.gate.open.set()
    assert await posting == 200
    assert await door.inbox() != []


async def test_what_could_not_be_stored_is_asked_for_again(door: Door) -> None:
    door.gate.fails = 1
    assert await door.post() == 503
    assert await door.inbox() == []
    assert await door.post() == 200


async def test_a_database_that_hangs_is_not_waited_for(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.2)
    door.gate.open.clear()
    assert await door.post() == 503
    door.gate.open.set()


async def test_duplicates_and_any_order_are_harmless(door: Door) -> None:
    first = {"data": {"callbackType": "first", "task_id": "task-1"}}
    for body in (COMPLETE, first, COMPLETE, first):
        assert await door.post(body=body) == 200
    assert await door.inbox() == [("complete", "task-1"), ("first", "task-1")]
    assert await door.woken() == (0, 2)


@pytest.mark.parametrize(("later", "rings"), [(0, 1), (9_999, 1), (10_000, 2), (-1, 2)])
async def test_a_hint_that_comes_again_wakes_its_job_after_a_while(db: Database, later: int, rings: int) -> None:
    """Also where the clock was put back: better once too often than never."""
    await write_job(db)
    for task, at in (("task-1", 50_000), ("task-2", 50_000 + later)):
        await db.work(lambda tx, task=task, at=at: inbox.put(tx, "job1", "first", task, at))
    row = await db.work(lambda tx: tx.one("SELECT rev, wake_at FROM jobs"))
    assert row is not None
    assert tuple(row) == (rings, 0)
    assert await db.work(lambda tx: inbox.tasks(tx, "job1")) == ["task-1"]


async def test_unknown_job_wrong_secret_and_other_engine_look_the_same(door: Door) -> None:
    for url in (
        door.url("nobody"),
        door.url(secret="wrong"),
        door.url(secret="é" * 40),
        door.url(engine="sunoapi"),
    ):
        assert await door.post(url) == 404
    assert await door.inbox() == []
    assert await door.woken() == (5000, 0)


@pytest.mark.parametrize(
    "body",
    [[], "x", 1, None, {}, {"data": None}, {"data": {"task_id": 5}}, {"data": {"task_id": ""}},
     {"data": {"task_id": "t" * 201}}, {"data": [1]}, {"taskId": ""}],
)  # fmt: skip
async def test_what_is_no_callback_is_refused(door: Door, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    assert await door.post(data=json.dumps(body), headers=headers) == 400
    assert await door.inbox() == []


async def test_the_longest_name_of_a_task_is_kept(door: Door) -> None:
    assert await door.post(body={"taskId": "t" * 200}) == 200
    assert await door.inbox() == [("other", "t" * 200)]


async def test_oversize_encoded_and_other_types_are_refused(door: Door) -> None:
    kind = {"Content-Type": "application/json"}
    big = json.dumps({**COMPLETE, "fill": "x" * Limits.body_bytes})

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 8192):
            yield big[start : start + 8192].encode()

    assert await door.post(data=big, headers=kind) == 413
    assert await door.post(data=chunks(), headers=kind) == 413
    assert await door.post(data=b"\x1f\x8b", headers={**kind, "Content-Encoding": "gzip"}) == 415
    assert await door.post(data=json.dumps(COMPLETE), headers={"Content-Type": "text/plain"}) == 415
    assert await door.inbox() == []


async def test_a_slow_body_is_given_up(db: Database) -> None:
    door = Door(db, "", limits=QUICK)
    await door.listener.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.listener.port)
    head = f"POST /callbacks/kie/job1/{SECRET} HTTP/1.1\r\nHost: x\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
    started = time.monotonic()
    status = await reader.readline()
    assert b" 408 " in status
    assert time.monotonic() - started < 10
    writer.close()
    await writer.wait_closed()
    await door.listener.stop()


async def test_health(door: Door) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{door.listener.port}/healthz"
        async with session.get(url) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        door.gate.fails = 1
        async with session.get(url) as answer:
            assert answer.status == 503


async def test_no_secret_reaches_the_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door.gate.fails = 1
    for _ in range(2):
        await door.post()
    await door.post(data="{", headers={"Content-Type": "application/json"})
    reader, writer = await asyncio.open_connection("127.0.0.1", door.listener.port)
    writer.write(f"POST /callbacks/kie/job1/{SECRET} HTTP/9\r\n\r\n".encode())
    await reader.read(1000)
    writer.close()
    await writer.wait_closed()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("bot", "aiohttp"))]
    assert ours
    assert not [line for line in ours if SECRET in line]


def headers(task: str = "task-1", at: int | None = None, key: str = KEY) -> dict[str, str]:
    """As kie.ai documents it."""
    moment = str(int(time.time()) if at is None else at)
    digest = hmac.new(key.encode(), f"{task}.{moment}".encode(), hashlib.sha256).digest()
    return {"X-Webhook-Timestamp": moment, "X-Webhook-Signature": base64.b64encode(digest).decode()}


@pytest.mark.parametrize("door", [KEY], indirect=True)
async def test_signatures(door: Door) -> None:
    now = int(time.time())
    for wrong in (
        {},
        headers(key="other"),
        headers("task-2"),
        headers(at=now - 400),
        headers(at=now + 400),
        {**headers(), "X-Webhook-Timestamp": "soon"},
        {**headers(), "X-Webhook-Timestamp": "٣"},
    ):
        safe = {name: value for name, value in wrong.items() if value.isascii()}
        assert await door.post(headers=safe) == 401
    assert await door.inbox() == []
    good = headers()
    assert await door.post(headers=good) == 200
    await door.db.work(lambda tx: tx.run("UPDATE inbox SET at = at - 60000"))
    assert await door.post(headers=good) == 200
    assert await door.woken() == (0, 1), "a replayed signature has no effect, also a minute later"
    assert await door.post(headers=headers(at=now - 60)) == 200
    assert await door.woken() == (0, 2), "another one has"


@pytest.mark.parametrize("door", [f"{KEY} former-key"], indirect=True)
async def test_two_keys_are_good_while_one_is_replaced(door: Door) -> None:
    for number, key in enumerate((KEY, "former-key")):
        body = {"data": {"callbackType": ["first", "complete"][number], "task_id": "task-1"}}
        assert await door.post(body=body, headers=headers(key=key)) == 200
    assert await door.post(headers=headers(key=f"{KEY} former-key")) == 401
    assert await door.post(headers=headers(key="")) == 401
    assert len(await door.inbox()) == 2


@pytest.mark.parametrize("door", [KEY], indirect=True)
async def test_a_signed_callback_that_was_not_stored_may_come_again(door: Door) -> None:
    door.gate.fails = 1
    good = headers()
    assert await door.post(headers=good) == 503
    assert await door.post(headers=good) == 200
    assert await door.inbox() == [("complete", "task-1")]


@pytest.mark.parametrize("door", [KEY], indirect=True)
async def test_a_signature_is_remembered_for_twice_the_time_in_which_it_is_fresh(door: Door) -> None:
    now, good, replays = int(time.time()), headers(), door.room._replays
    assert await door.post(headers=good) == 200
    replays.remember("another", "complete", now + 2 * TOLERANCE_SECONDS - 60)
    assert replays.seen(good["X-Webhook-Signature"], "complete")
    replays.remember("a third", "complete", now + 2 * TOLERANCE_SECONDS + 60)
    assert not replays.seen(good["X-Webhook-Signature"], "complete")


def test_what_is_told_of_a_knock_has_no_secret() -> None:
    assert SECRET not in repr(Knock("kie", "job1", SECRET))


class Trusting(HostedEngine):
    """The broken variant: believes whatever a callback names."""

    async def recognises(self, task: str, uploads: tuple[str, ...]) -> bool:
        return True


async def waiting_job(db: Database) -> Job:
    job = await db.work(lambda tx: store.get(tx, "job1"))
    assert job is not None
    return job


@pytest.mark.parametrize("variant", [HostedEngine, Trusting])
async def test_a_right_secret_with_a_foreign_task_moves_nothing(
    db: Database, tmp_path: Path, variant: type[HostedEngine]
) -> None:
    await write_job(db, "sunoapi")
    music = Music()
    await music.start()
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path, public_url="") as engine:
        engine.__class__ = variant
        foreign = await engine.submit(order(engine, {"prompt": "x"}))
        music.tasks[foreign].body["uploadUrlList"] = ["https://elsewhere.example/1", "https://elsewhere.example/2"]
        await db.work(lambda tx: inbox.put(tx, "job1", "complete", foreign, 1))
        steps = Steps(db, Clock(), Registry([engine]), *[None] * 5)  # pyright: ignore[reportArgumentType]
        step = await steps.submitting(await waiting_job(db), "owner")
        believed = getattr(step, "to", None) is State.SUBMITTED
        own = await engine.submit(order(engine, {"prompt": "x"}))
        await db.work(lambda tx: inbox.put(tx, "job1", "first", own, 2))
        step = await steps.submitting(await waiting_job(db), "owner")
        assert getattr(step, "to", None) is State.SUBMITTED
    await music.close()
    assert believed is (variant is Trusting), "the check has to turn red for the variant that trusts bodies"
