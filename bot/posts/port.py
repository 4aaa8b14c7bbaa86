"""What `posts` needs from whoever can write to Discord; `cogs/delivery.py` implements it."""

from __future__ import annotations

from typing import Protocol

from bot.errors import Code
from bot.posts.post import Post, Progress


class Closed(Exception):  # noqa: N818 - a state of the channel, not a fault
    """The channel refuses for good: it is gone, or a permission is missing."""

    def __init__(self, code: Code, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code} {detail}".strip())


class Postponed(Exception):  # noqa: N818 - nothing is wrong, it is only too early
    """The same message will be taken a little later."""


class Delivery(Protocol):
    """Turns posts into messages. Every method may raise on a network fault; the caller asks again later.

    `Postponed` is such a fault that was to be expected.
    """

    async def send(self, post: Post) -> str:
        """Send with the post's own nonce; returns the message id. Raises `Closed`."""
        ...

    async def find(self, post: Post) -> str | None:
        """Look for the post's mark in the channel's history since `marked_at`; None when it is not there."""
        ...

    async def remove(self, post: Post) -> None:
        """Delete a sent message. Raises `Closed` when that is not possible, or it is gone already."""
        ...

    async def show(self, post: Post, progress: Progress) -> None:
        """Bring a sent card up to date; the last call wins. Raises `Closed` when the card is gone."""
        ...
