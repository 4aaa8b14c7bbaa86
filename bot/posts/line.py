"""The life of a post: marker, send with its own nonce, look-up by its mark before any repeat."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import replace

from bot.clock import Clock
from bot.database import Database, Tx
from bot.logs import bind
from bot.metrics import counters
from bot.posts import store
from bot.posts.port import Closed, Delivery, Postponed
from bot.posts.post import Post, PostState

log = logging.getLogger(__name__)
LEASE_MS = 120_000
ATTEMPTS = 40
RECLAIM_MS = 1000


class PostLine:
    """Sends due posts; `on_end(tx, post)` runs in the unit that ends one, to wake its subject."""

    name = "posts"
    room = 8

    def __init__(self, db: Database, clock: Clock, delivery: Delivery, on_end: Callable[[Tx, Post], None]) -> None:
        self._db = db
        self._clock = clock
        self._delivery = delivery
        self._on_end = on_end

    def clear(self, tx: Tx) -> None:
        store.clear_leases(tx)

    def reclaim(self, tx: Tx, running: Collection[str]) -> None:
        store.reclaim(tx, running, self._clock.now() + RECLAIM_MS)

    def claim(self, tx: Tx, owner: str, room: int) -> list[Post]:
        now = self._clock.now()
        return store.claim(tx, owner=owner, now=now, lease_until=now + LEASE_MS, room=room)

    def next_wake(self, tx: Tx, since: int) -> int | None:
        return store.next_wake(tx, since)

    async def advance(self, post: Post, owner: str) -> None:
        """One step of one leased post; a network fault leaves it for a later look."""
        kind, _, name = post.subject.partition(":")
        bind(post=post.id, **({"job": name} if kind == "job" else {"subject": post.subject}))
        outcome = await self._try(post, owner)
        counters.DELIVERIES.labels(post.purpose, outcome).inc()

    async def _try(self, post: Post, owner: str) -> str:
        """What became of it, as a label."""
        try:
            if post.state is PostState.REMOVING:
                post = replace(post, attempts=post.attempts + 1)
                await self._delivery.remove(post)
                await self._end(post, owner, PostState.REMOVED)
                return "removed"
            message = await self._delivery.find(post) if post.marked_at is not None else None
            if message is None:
                post = replace(post, attempts=post.attempts + 1)
                message = await self._delivery.send(post)
            await self._end(post, owner, PostState.SENT, message_id=message)
            return "sent"
        except Closed as closed:
            await self._end(post, owner, _closed(post), error=str(closed))
            return "closed"
        except Postponed as postponed:
            log.info("post %s (%s of %s) has to wait: %s", post.id, post.purpose, post.subject, postponed)
            await self._later(post, owner)
            return "postponed"
        except Exception:
            log.exception("post %s (%s of %s) did not go out", post.id, post.purpose, post.subject)
            await self._later(post, owner)
            return "failed"

    async def _end(self, post: Post, owner: str, state: PostState, **changes: str) -> None:
        def unit(tx: Tx) -> None:
            if store.change(tx, post, owner, {"state": state, "owner": None, "lease_until": None, **changes}):
                self._on_end(tx, post)

        await self._db.work(unit)

    async def _later(self, post: Post, owner: str) -> None:
        if post.attempts >= ATTEMPTS:
            await self._end(post, owner, _closed(post), error="gave up")
            return
        wake_at = self._clock.now() + min(60_000, 1000 * 2 ** min(post.attempts, 6))
        changes = {"owner": None, "lease_until": None, "wake_at": wake_at, "attempts": post.attempts}
        await self._db.work(lambda tx: store.change(tx, post, owner, changes))


def _closed(post: Post) -> PostState:
    """Where a post ends whose channel is closed: what cannot be deleted there is out of our hands."""
    return PostState.REMOVED if post.state is PostState.REMOVING else PostState.DEAD
