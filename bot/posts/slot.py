"""Where the delivery is that is in force: the parts are there before any client is."""

from __future__ import annotations

from bot.posts.port import Delivery
from bot.posts.post import Post, Progress


class Slot:
    """The delivery in force: cogs attach one, a later client replaces it."""

    def __init__(self) -> None:
        self._delivery: Delivery | None = None

    def attach(self, delivery: Delivery) -> None:
        self._delivery = delivery

    def _now(self) -> Delivery:
        if self._delivery is None:
            raise RuntimeError("no delivery is attached yet")
        return self._delivery

    async def send(self, post: Post) -> str:
        return await self._now().send(post)

    async def find(self, post: Post) -> str | None:
        return await self._now().find(post)

    async def remove(self, post: Post) -> None:
        await self._now().remove(post)

    async def show(self, post: Post, progress: Progress) -> None:
        await self._now().show(post, progress)
