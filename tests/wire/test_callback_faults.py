"""Everything that may come to a callback's address instead of a callback: answered below 500, without an effect."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.database import Database, Tx
from bot.jobs import inbox, store
from bot.web import callbacks
from bot.web.callbacks import Callbacks
from bot.web.connections import Limits
from tests.wire.canaries import CANARIES, told
from tests.wire.test_callbacks import COMPLETE, QUICK, UPLOADS, Door, ask, headers

SECRET, KEY, FORMER = (CANARIES[name] for name in ("callback secret", "webhook key", "former webhook key"))
TASK = "task-1"
ELSEWHERE = "http://169.254.169.254/latest/meta-data"
FOREIGN = {"code": 200, "data": {**COMPLETE["data"], "data": [{"audio_url": ELSEWHERE, "image_url": ELSEWHERE}]}}
EXTRA = {**COMPLETE, "__new": {"deep": [1]}, "data": {**COMPLETE["data"], "state": "done", "url": ELSEWHERE}}
JSON = {"Content-Type": "application/json"}


def text(body: Any) -> bytes:
    return json.dumps(body).encode()


def packed(**of: Any) -> dict[str, Any]:
    """A request as it should be, but for what is given."""
    return {"method": "POST", "body": text(COMPLETE), "headers": {**JSON, **headers(key=KEY)}, **of}


def head(**more: str) -> dict[str, str]:
    return {**JSON, **headers(key=KEY), **more}


def cells() -> dict[str, tuple[dict[str, Any], int | None, bool]]:
    """By name: request, status (None: no answer), whether it may wake its own job. Signed just now."""
    return {
        "as it should be": (packed(), 200, True),
        "signed with the former key": (packed(headers={**JSON, **headers(key=FORMER)}), 200, True),
        "wrong key": (packed(headers={**JSON, **headers(key="another")}), 401, False),
        "no signature": (packed(headers=JSON), 401, False),
        "signature of another task": (packed(headers={**JSON, **headers("task-2", key=KEY)}), 401, False),
        "stale": (packed(headers={**JSON, **headers(at=1_000_000_000, key=KEY)}), 401, False),
        "timestamp of another type": (packed(headers=head(**{"X-Webhook-Timestamp": "1e9"})), 401, False),
        "signature that is no text": (packed(headers=head(**{"X-Webhook-Signature": "\udcff\udc80"})), 401, False),
        "endless signature": (packed(headers=head(**{"X-Webhook-Signature": "A" * 7000})), 401, False),
        "wrong secret": (packed(path="/callbacks/kie/job1/another"), 404, False),
        "unknown job": (packed(path=f"/callbacks/kie/nobody/{SECRET}"), 404, False),
        "another engine": (packed(path=f"/callbacks/sunoapi/job1/{SECRET}"), 404, False),
        "no such engine": (packed(path=f"/callbacks/%00/job1/{SECRET}"), 404, False),
        "a path that climbs": (packed(path=f"/callbacks/kie/../job1/{SECRET}"), 404, False),
        "another method": (packed(method="GET"), 405, False),
        "garbage": (packed(body=bytes(range(256))), 400, False),
        "null": (packed(body=b"null"), 400, False),
        "empty": (packed(body=b""), 400, False),
        "deep": (packed(body=b"[" * 30_000), 400, False),
        "endless number": (packed(body=b'{"data": {"task_id": ' + b"9" * 20_000 + b"}}"), 400, False),
        "wrong types": (packed(body=text({"data": {"task_id": [TASK], "callbackType": {}}})), 400, False),
        "stage of another type": (packed(body=text({"data": {"task_id": TASK, "callbackType": 7}})), 200, True),
        "lone surrogate": (packed(body=b'{"data": {"task_id": "\\ud800"}}'), 400, False),
        "extra fields": (packed(body=text(EXTRA)), 200, True),
        "links with other hosts": (packed(body=text(FOREIGN)), 200, True),
        "stage that nobody knows": (packed(body=text({"data": {"task_id": TASK, "callbackType": "x"}})), 200, True),
        "huge": (packed(body=text({**COMPLETE, "fill": "x" * Limits.body_bytes})), 413, False),
        "HTML": (packed(body=b"<html>", headers=head(**{"Content-Type": "text/html"})), 415, False),
        "compressed": (packed(headers=head(**{"Content-Encoding": "gzip"})), 415, False),
        "slow": (packed(claims=4000), 408, False),
        "half-closed": (packed(claims=4000, closes=True), None, False),
        "no HTTP": (packed(raw=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 400, False),
        "endless header": (packed(headers=head(**{"X-Long": "x" * 20_000})), 400, False),
    }  # fmt: skip


async def write_job(db: Database) -> None:
    def unit(tx: Tx) -> None:
        store.insert(tx, "job1", ask(), now=0, deadline=1 << 53)
        inbox.arm(tx, "job1", SECRET, UPLOADS)
        tx.run("UPDATE jobs SET state = 'submitted', task = ?, marked_at = 0, wake_at = 5000", (TASK,))

    await db.work(unit)


@asynccontextmanager
async def opened(
    db: Database, kind: type[Callbacks] = Callbacks, limits: Limits | None = None, proxies: str = ""
) -> AsyncGenerator[Door]:
    await write_job(db)
    door = Door(db, f"{KEY} {FORMER}", kind, limits, proxies)
    await door.listener.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        await door.listener.stop()


async def say(door: Door, request: dict[str, Any]) -> int | None:
    """Send the bytes, whatever they are; the status of the answer."""
    path = request.get("path", f"/callbacks/kie/job1/{SECRET}")
    length = request.get("claims", len(request["body"]))
    lines = [f"{request['method']} {path} HTTP/1.1", "Host: bot.example", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in request["headers"].items()]
    reader, writer = await asyncio.open_connection("127.0.0.1", door.listener.port)
    try:
        writer.write(
            request.get("raw") or "\r\n".join([*lines, "", ""]).encode(errors="surrogateescape") + request["body"]
        )
        if request.get("closes"):
            writer.write_eof()
        answer = await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()
    return int(answer.split()[1]) if answer else None


async def effects(door: Door) -> list[str]:
    """What has changed, in a word each. Waking a job is one: the bot then asks the provider."""
    job = await door.db.work(lambda tx: tx.one("SELECT * FROM jobs"))
    hints = await door.db.work(lambda tx: tx.all("SELECT * FROM inbox"))
    assert job is not None
    found = ["moved"] if (job["state"], job["task"], job["error"]) != ("submitted", TASK, None) else []
    found += ["foreign task"] if any(hint["task"] != TASK for hint in hints) else []
    return found + (["woken"] if job["rev"] or job["wake_at"] != 5000 or hints else [])


@pytest.mark.parametrize("name", cells())
async def test_every_fault_of_a_callback(db: Database, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    request, status, wakes = cells()[name]
    async with opened(db, limits=QUICK if name == "slow" else None) as door:
        assert await say(door, request) == status
        assert await effects(door) == (["woken"] if wakes else [])
    assert told(caplog.records) == []


class Trusting(Callbacks):
    """The broken variant: whoever knocks is let in."""

    def _check(self, tx: Any, knock: Any, signed: Any) -> None: ...

    def _signed(self, engine: str, hint: Any, headers: Any) -> callbacks.Signed:
        return callbacks.Signed(True)


async def test_the_look_for_effects_turns_red_for_a_door_without_a_lock(db: Database) -> None:
    async with opened(db, Trusting) as door:
        for name in ("wrong key", "wrong secret"):
            assert await say(door, cells()[name][0]) == 200
        assert await effects(door) == ["woken"]
