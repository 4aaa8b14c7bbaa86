"""What came on a job's own callback address: hints, each stored once, that name a task to ask the engine about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from bot.database import Tx
from bot.jobs import store

RING_AGAIN_MS = 10_000
"""A hint that is there already wakes its job again after so long: who repeats it cannot keep the bot asking."""


@dataclass(frozen=True)
class Address:
    """Where callbacks of a job come to: its engine, and the secret of the path."""

    engine: str
    secret: str = field(repr=False)


def address_of(tx: Tx, job_id: str) -> Address | None:
    """The address of a job that was ever handed to an engine."""
    row = tx.one("SELECT engine, callback_secret FROM jobs WHERE id = ? AND callback_secret IS NOT NULL", (job_id,))
    return Address(row["engine"], row["callback_secret"]) if row else None


def put(tx: Tx, job_id: str, stage: str, task: str, now: int) -> None:
    """Keep the hint and wake the job, in one unit; the first task of a stage stays, `at` is when it rang last."""
    rings = tx.run(
        "INSERT INTO inbox (job, stage, task, at) VALUES (?, ?, ?, ?) ON CONFLICT (job, stage)"
        " DO UPDATE SET at = excluded.at WHERE excluded.at NOT BETWEEN at AND at + ?",
        (job_id, stage, task, now, RING_AGAIN_MS - 1),
    )
    if rings:
        store.ring(tx, job_id)


def empty(tx: Tx, job_id: str) -> None:
    """Forget the hints of a job."""
    tx.run("DELETE FROM inbox WHERE job = ?", (job_id,))


def tasks(tx: Tx, job_id: str) -> list[str]:
    """Every task that a hint named, in the order in which they rang last."""
    rows = tx.all("SELECT task FROM inbox WHERE job = ? ORDER BY at, stage", (job_id,))
    return list(dict.fromkeys(row["task"] for row in rows))


def ring(tx: Tx, job_id: str) -> None:
    """Wake a job that a hint came for already."""
    tx.run(
        "UPDATE jobs SET wake_at = 0, rev = rev + 1 WHERE id = ?1 AND EXISTS (SELECT 1 FROM inbox WHERE job = ?1)",
        (job_id,),
    )


def arm(tx: Tx, job_id: str, secret: str, uploads: tuple[str, ...]) -> None:
    """With the marker: where a callback may come to, and by which uploads its task is recognised."""
    tx.run("UPDATE jobs SET callback_secret = ?, uploads = ? WHERE id = ?", (secret, json.dumps(uploads), job_id))
