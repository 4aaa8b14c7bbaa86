"""What Discord keeps refusing is not asked for again and again; what it takes goes on."""

from __future__ import annotations

import pytest

from bot.errors import Code
from bot.posts.breaker import SECONDS, Breaker
from bot.posts.port import Closed, Postponed
from bot.posts.post import Purpose
from tests.refusals import Refusing, a_post, bare, guarded, storm

DEAD = [f"dead-{number}" for number in range(150)]


async def test_a_storm_of_refusals_stays_far_below_the_ban() -> None:
    discord = Refusing({"live"})
    await storm(discord, ["live", *DEAD], 9_000, guarded)
    assert discord.most_refused_in(SECONDS) <= 100
    assert discord.sent["live"] == len(range(0, 9_000, 151))


async def test_without_the_breaker_the_storm_is_found_out() -> None:
    discord = Refusing({"live"})
    await storm(discord, ["live", *DEAD], 3_000, bare)
    assert discord.most_refused_in(SECONDS) > 1_000


async def test_a_closed_place_is_asked_three_times_and_again_after_ten_minutes() -> None:
    discord = Refusing(set())
    delivery = Breaker(discord, lambda: discord.now)
    for _ in range(9):
        with pytest.raises(Closed) as closed:
            await delivery.send(a_post("p", "room"))
        assert closed.value.code is Code.MISSING_PERMISSIONS
    assert len(discord.refused) == 3
    discord.now = SECONDS + 1
    discord.open_places.add("room")
    assert await delivery.send(a_post("p", "room")) == "p"
    assert await delivery.find(a_post("p", "room")) is None


async def test_a_card_opens_a_place_that_was_mended() -> None:
    """Whoever gave the permission back need not wait: a command there was accepted, so its card is tried."""
    discord = Refusing(set())
    delivery = Breaker(discord, lambda: discord.now)
    for _ in range(4):
        with pytest.raises(Closed):
            await delivery.send(a_post("p", "room"))
    discord.open_places.add("room")
    with pytest.raises(Closed):
        await delivery.send(a_post("q", "room"))
    assert await delivery.send(a_post("card", "room", Purpose.CARD)) == "card"
    assert await delivery.send(a_post("q", "room")) == "q"


async def test_messages_that_were_deleted_do_not_close_their_channel() -> None:
    class Emptied(Refusing):
        async def remove(self, post: object) -> None:
            raise Closed(Code.CHANNEL_GONE, "10008 Unknown Message")

    discord = Emptied({"room"})
    delivery = Breaker(discord, lambda: discord.now)
    for number in range(9):
        with pytest.raises(Closed):
            await delivery.remove(a_post(f"p{number}", "room"))
        assert await delivery.send(a_post(f"q{number}", "room"))


async def test_after_many_refusals_places_that_nobody_knows_wait() -> None:
    discord = Refusing({"known", "new"})
    delivery = Breaker(discord, lambda: discord.now)
    await delivery.send(a_post("first", "known"))
    await storm_into(delivery)
    with pytest.raises(Postponed):
        await delivery.send(a_post("p", "new"))
    assert await delivery.send(a_post("p", "known", Purpose.CARD)) == "p"
    discord.now = SECONDS + 1
    assert await delivery.send(a_post("p", "new")) == "p"


async def storm_into(delivery: Breaker) -> None:
    for place in DEAD:
        with pytest.raises((Closed, Postponed)):
            await delivery.send(a_post("p", place))
