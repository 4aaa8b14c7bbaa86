"""Asks Discord no more for what it keeps refusing: 10,000 refused requests in ten minutes ban the whole address."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.errors import Code
from bot.posts.port import Closed, Delivery, Postponed
from bot.posts.post import Post, Progress, Purpose

T = TypeVar("T")
REFUSALS = 3
"""After so many in a row a place counts as closed."""
SECONDS = 600.0
"""For so long, and the refusals of so long are counted together."""
MOST = 60
"""With so many in all, only places that took something are asked; the others wait."""

_KNOWN = 10_000
_OF_PLACE = frozenset({Code.CHANNEL_GONE, Code.MISSING_PERMISSIONS, Code.DIRECT_CLOSED, Code.THREAD_LOCKED})
_OPEN = (0, 0.0, Closed(Code.CHANNEL_GONE))


class Breaker:
    """A delivery around another one; `monotonic` is in seconds."""

    def __init__(self, delivery: Delivery, monotonic: Callable[[], float]) -> None:
        self._delivery = delivery
        self._monotonic = monotonic
        self._closed: dict[str, tuple[int, float, Closed]] = {}
        self._good: dict[str, None] = {}
        self._refusals: deque[float] = deque()

    async def send(self, post: Post) -> str:
        return await self._ask(post, lambda: self._delivery.send(post), sends=post.purpose is not Purpose.PICTURE)

    async def find(self, post: Post) -> str | None:
        return await self._ask(post, lambda: self._delivery.find(post))

    async def remove(self, post: Post) -> None:
        await self._ask(post, lambda: self._delivery.remove(post))

    async def show(self, post: Post, progress: Progress) -> None:
        await self._ask(post, lambda: self._delivery.show(post, progress))

    async def _ask(self, post: Post, call: Callable[[], Awaitable[T]], *, sends: bool = False) -> T:
        self._check(post.place, again=sends and post.purpose is Purpose.CARD)
        try:
            answer = await call()
        except Closed as closed:
            self._refused(post.place, closed, sends=sends)
            raise
        if sends:
            self._took(post.place)
        return answer

    def _check(self, place: str, *, again: bool) -> None:
        """Raises what the place said last, or `Postponed`.

        `again`: a card, which follows a look at the permissions at once, so that a place that was mended is open.
        """
        now = self._monotonic()
        while self._refusals and self._refusals[0] <= now - SECONDS:
            self._refusals.popleft()
        count, at, closed = self._closed.get(place, _OPEN)
        if count and at <= now - SECONDS:
            del self._closed[place]
        elif count >= REFUSALS and not again:
            raise Closed(closed.code, f"{closed.detail} (not asked again)")
        if len(self._refusals) >= MOST and place not in self._good:
            raise Postponed("too much was refused in the last ten minutes")

    def _refused(self, place: str, closed: Closed, *, sends: bool) -> None:
        """A message that is gone says nothing of its channel."""
        now = self._monotonic()
        self._refusals.append(now)
        if closed.code in _OF_PLACE and (sends or closed.code is not Code.CHANNEL_GONE):
            self._good.pop(place, None)
            self._closed[place] = (self._closed.get(place, _OPEN)[0] + 1, now, closed)

    def _took(self, place: str) -> None:
        self._closed.pop(place, None)
        self._good.pop(place, None)
        self._good[place] = None
        if len(self._good) > _KNOWN:
            del self._good[next(iter(self._good))]
