"""What is done to the jobs of a member who asked to be forgotten: rows stay and say nothing of whose or what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from sqlite3 import Row
from typing import Any

from bot.database import Tx
from bot.decks.store import unload
from bot.files import store as files
from bot.jobs import inbox, store
from bot.jobs.job import ENDED, Move, State
from bot.posts import store as posts

_NO_TASK: Mapping[str, None] = {"task": None, "uploads": None, "callback_secret": None}
_NOT_HANDED_IN = (State.ACCEPTED, State.STAGED)


def forget_member(tx: Tx, guild: str, member: str, name: str, now: int) -> int:
    """Wipe the jobs of a member in a guild, who is `name` from now on; returns how many are still under way.

    Those are called off where that costs nothing. What a hosted engine may have taken goes on to be settled, and
    comes to nothing.
    """
    jobs = tx.all("SELECT id, state, request, error FROM jobs WHERE guild = ? AND member = ?", (guild, member))
    for job in jobs:
        _wipe(tx, job, name, now)
    tx.run("UPDATE jobs SET cancelled_by = ? WHERE guild = ? AND cancelled_by = ?", (name, guild, member))
    for row in tx.all("SELECT id, removed FROM jobs WHERE guild = ? AND removed IS NOT NULL", (guild,)):
        removal = json.loads(row["removed"])
        if removal["by"] == member:
            store.rewrite(tx, row["id"], {"removed": json.dumps({**removal, "by": name}, ensure_ascii=False)})
    return sum(State(row["state"]) not in ENDED for row in jobs)


def without_trace(move: Move) -> Move:
    """A step of a forgotten job: where it goes, and nothing else."""
    changes = {name: value for name, value in move.changes.items() if name != "report"}
    if changes.get("error"):
        changes["error"] = _code_only(changes["error"])
    if move.to in ENDED:
        changes |= _NO_TASK
    return replace(move, changes=changes, posts=(), sources=(), tracks=(), files=())


def clear(tx: Tx, job_id: str) -> None:
    """What a step, or a message that was on its way, left of a forgotten job; nothing of any other."""
    if not store.is_forgotten(tx, job_id):
        return
    posts.erase(tx, f"job:{job_id}")
    if store.has_ended(tx, job_id):
        inbox.empty(tx, job_id)


def _wipe(tx: Tx, row: Row, name: str, now: int) -> None:
    job_id, state = row["id"], State(row["state"])
    posts.erase(tx, f"job:{job_id}")
    files.release(tx, f"job:{job_id}", now)
    tx.run("UPDATE sources SET url = '', name = '', size = 0, hash = NULL WHERE job = ?", (job_id,))
    unload(tx, [r["hash"] for r in tx.all("DELETE FROM tracks WHERE job = ? RETURNING hash", (job_id,))])
    changes: dict[str, Any] = {
        "member": name,
        "interaction": f"{name}:{job_id}",
        "token": None,
        "request": _unnamed(row["request"]),
        "error": _code_only(row["error"]) if row["error"] else None,
        "removed": None,
        "report": None,
    }
    if state in ENDED:
        changes |= _NO_TASK
        inbox.empty(tx, job_id)
    else:
        changes["wake_at"] = 0
    if state in _NOT_HANDED_IN:  # a step under way loses its lease, and so cannot hand it in any more
        changes |= {"owner": None, "lease_until": None}
    store.rewrite(tx, job_id, changes)


def _unnamed(request: str) -> str:
    """A request with nothing of what its member wrote; the kind of it is still counted."""
    asked = json.loads(request)
    return json.dumps(
        {"engine": asked.get("engine"), "mode": asked["mode"], "model": asked["model"], "title": "", "unused": []}
    )


def _code_only(error: str) -> str:
    return json.dumps({"code": json.loads(error)["code"], "values": {}})
