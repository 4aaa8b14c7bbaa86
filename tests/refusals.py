"""A Discord that refuses most channels, and everything that is written to it all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from bot.errors import Code
from bot.posts.breaker import Breaker
from bot.posts.port import Closed, Delivery, Postponed
from bot.posts.post import Post, PostState, Progress, Purpose

SECOND_PER_POST = 0.2


class Refusing:
    """Counts its refusals; `open_places` take everything."""

    def __init__(self, open_places: set[str]) -> None:
        self.open_places = open_places
        self.now = 0.0
        self.refused: list[float] = []
        self.sent: Counter[str] = Counter()

    async def send(self, post: Post) -> str:
        self._judge(post)
        self.sent[post.place] += 1
        return post.id

    async def find(self, post: Post) -> str | None:
        self._judge(post)
        return None

    async def remove(self, post: Post) -> None:
        self._judge(post)

    async def show(self, post: Post, progress: Progress) -> None:
        self._judge(post)

    def most_refused_in(self, seconds: float) -> int:
        """Within any span of so many seconds."""
        return max((sum(at - seconds < one <= at for one in self.refused) for at in self.refused), default=0)

    def _judge(self, post: Post) -> None:
        if post.place not in self.open_places:
            self.refused.append(self.now)
            raise Closed(Code.MISSING_PERMISSIONS, "50001 Missing Access")


def guarded(discord: Refusing) -> Delivery:
    """As the bot has it."""
    return Breaker(discord, lambda: discord.now)


def bare(discord: Refusing) -> Delivery:
    """Broken on purpose: every message is tried."""
    return discord


async def storm(discord: Refusing, places: list[str], posts: int, how: Callable[[Refusing], Delivery]) -> None:
    """So many messages, to one place after the other, five a second."""
    delivery = how(discord)
    for number in range(posts):
        discord.now += SECOND_PER_POST
        try:
            await delivery.send(a_post(f"p{number}", places[number % len(places)]))
        except (Closed, Postponed):
            continue


def a_post(name: str, place: str, purpose: Purpose = Purpose.RESULT) -> Post:
    return Post(name, f"job:{name}", purpose, place, {}, f"td{name}", PostState.SENDING, 0, 1, None, None)
