"""Contests after a restore from a backup: ballots and entries may be missing, so people decide how it goes on."""

from __future__ import annotations

from collections.abc import Callable

from bot.contests import news, store
from bot.contests.contest import Phase
from bot.database import Tx
from bot.posts.post import Purpose


def halt(tx: Tx, *, now: int, new_id: Callable[[], str]) -> int:
    """Pause every contest under way, and say so where it was announced; returns how many."""
    halted = [contest for contest in store.running(tx) if not contest.paused]
    for contest in halted:
        store.change(tx, contest.id, {"paused_at": now})
        store.ring(tx, contest.id)
        if contest.phase is not Phase.DRAFT:
            paused = store.get(tx, contest.id) or contest
            news.tell(tx, paused, Purpose.CONTEST_NEWS, "paused", new_id, now)
    return len(halted)
