"""Quarantine after a restore from a backup: what was open then may have ended since, so nothing is made again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping

from bot.database import Tx
from bot.errors import Code, Refusal
from bot.guilds.store import wants_direct
from bot.jobs import messages, store
from bot.jobs.job import DEADLINES, Job, State
from bot.posts import store as posts
from bot.quotas import ledger

_UNDELIVERED = frozenset({State.ACCEPTED, State.STAGED, State.SUBMITTING, State.SUBMITTED, State.READY})


def quarantine(tx: Tx, *, now: int, new_id: Callable[[], str]) -> Mapping[str, int]:
    """End or finish every open job in one unit; returns counts by what was done.

    The member of an undelivered job is told to ask again, without charge. Every message that is not known to be out
    is looked up in its channel before it is sent, and commands are synced again.
    """
    counts: Counter[str] = Counter()
    for job in store.open_jobs(tx):
        if job.state in _UNDELIVERED:
            _explain(tx, job, now, new_id())
            counts["released"] += 1
        elif job.state is State.DOWNLOADED:
            _deliver(tx, job, now, new_id())
            counts["delivered"] += 1
        else:
            counts["looked up"] += 1
    counts["messages"] = posts.doubt(tx)
    tx.run("DELETE FROM command_syncs")
    return counts


def _explain(tx: Tx, job: Job, now: int, post_id: str) -> None:
    """To `notifying`, unless a result or an explanation is in the channel already."""
    refusal = Refusal(Code.RESTORED)
    posts.add(tx, job.subject, messages.notices(job, refusal)[0], post_id=post_id, now=job.created_at)
    ledger.release(tx, job.id, now)
    _place(tx, job, State.NOTIFYING, now)
    tx.run("UPDATE jobs SET error = ? WHERE id = ?", (json.dumps(refusal.to_json()), job.id))


def _deliver(tx: Tx, job: Job, now: int, post_id: str) -> None:
    """To `posting`: the result is in our store, and maybe in the channel."""
    way = messages.results(job, direct=wants_direct(tx, job.ask.member))[0]
    posts.add(tx, job.subject, way, post_id=post_id, now=job.created_at)
    _place(tx, job, State.POSTING, now)


def _place(tx: Tx, job: Job, state: State, now: int) -> None:
    tx.run(
        "UPDATE jobs SET state = ?, owner = NULL, lease_until = NULL, wake_at = ?, deadline = ?, updated_at = ?,"
        " rev = rev + 1 WHERE id = ?",
        (state, now, now + DEADLINES[state], now, job.id),
    )
