"""Probes of the way of callbacks: checked like a callback, without an effect on any job, and soon over."""

from __future__ import annotations

from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.clock import Clock
from bot.database import Database
from bot.jobs import inbox
from bot.web.callbacks import Callbacks
from bot.web.listener import Listener
from bot.web.probes import Probes
from bot.web.signature import sign
from tests.wire.test_callbacks import COMPLETE, KEY, write_job


async def rows(db: Database) -> list[Any]:
    """Everything that a callback of a job changes."""
    found = [await db.work(lambda tx, table=table: tx.all(f"SELECT * FROM {table}")) for table in ("jobs", "inbox")]
    return [tuple(row) for table in found for row in table]


class Everywhere(Probes):
    """Broken: the secret of a probe opens every address."""

    def address_of(self, job: str) -> inbox.Address | None:
        return next((probe.address for probe in self._open.values()), None)

    def arrive(self, job: str) -> None:
        pass


async def forge(probes: Probes, db: Database) -> tuple[list[int], int, bool]:
    """Statuses of callbacks with another key, secret, engine and job; that of a good one, and whether it came."""
    listener = Listener(Callbacks(db, Clock(), [SecretStr(KEY)], probes))
    await listener.start("127.0.0.1", 0)
    job, secret = probes.make()
    at = str(Clock().now() // 1000)

    async def post(path: str, key: str = KEY) -> int:
        headers = {"X-Webhook-Timestamp": at, "X-Webhook-Signature": sign(key, "task-1", at)}
        url = f"http://127.0.0.1:{listener.port}/callbacks/{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=COMPLETE, headers=headers) as answer,
        ):
            return answer.status

    try:
        forged = [
            await post(f"kie/{job}/{secret}", "another-key"),
            await post(f"kie/{job}/{secret}x"),
            await post(f"sunoapi/{job}/{secret}"),
            await post(f"kie/job1/{secret}"),
        ]
        assert not probes.arrived(job)
        return forged, await post(f"kie/{job}/{secret}"), probes.arrived(job)
    finally:
        await listener.stop()


async def test_a_probe_is_checked_like_a_callback_and_opens_no_job(db: Database) -> None:
    await write_job(db)
    before = await rows(db)
    assert await forge(Probes(Clock()), db) == ([401, 404, 404, 404], 200, True)
    assert await rows(db) == before
    broken, _, _ = await forge(Everywhere(Clock()), db)
    assert broken == [401, 404, 404, 200]


def test_probes_end_and_are_few() -> None:
    class Later(Clock):
        seconds = 0.0

        def monotonic(self) -> float:
            return self.seconds

    clock = Later()
    probes = Probes(clock)
    made = [probes.make()[0] for _ in range(20)]
    assert [probes.address_of(job) is not None for job in made] == [False] * 4 + [True] * 16
    clock.seconds = 61.0
    assert [probes.address_of(job) for job in made] == [None] * 20
