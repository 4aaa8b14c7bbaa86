"""Rate limits of the stand-in: buckets, the global one, their headers, and how discord.py lives with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest
import pytest_asyncio

from bot.playground.clock import Clock
from bot.playground.errors import RateLimited
from bot.playground.limits import DISCORD, OFF, Limits
from tests.playground import Playground
from tests.wire.standin_bot import SmallBot

MESSAGES = "/channels/1/messages"


@pytest_asyncio.fixture
async def play() -> AsyncIterator[Playground]:
    async with Playground(limits=DISCORD) as playground:
        yield playground


def used_up(limits: Limits, method: str, path: str) -> int:
    """How many requests pass before one is refused."""
    for count in range(10_000):
        try:
            limits.spend(method, path)
        except RateLimited:
            return count
    return 10_000


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", MESSAGES, 5),
        ("PATCH", f"{MESSAGES}/2", 5),
        ("POST", "/webhooks/1/token", 5),
        ("POST", "/channels/1/threads", 50),
        ("GET", "/users/@me", 50),
    ],
)
def test_each_route_has_its_bucket(method: str, path: str, most: int) -> None:
    assert used_up(Limits(Clock()), method, path) == most


def test_buckets_are_for_one_place_and_one_while() -> None:
    clock = Clock()
    limits = Limits(clock)
    assert used_up(limits, "POST", MESSAGES) == 5
    limits.spend("POST", "/channels/2/messages")
    clock.advance(5.1)
    assert used_up(limits, "POST", MESSAGES) == 5


def test_the_global_limit_counts_everything_but_interactions() -> None:
    limits = Limits(Clock())
    for number in range(60):
        limits.spend("POST", f"/interactions/{number}/token/callback") if number < 50 else None
        limits.spend("POST", f"/webhooks/1/token{number}")
    for number in range(50):
        limits.spend("POST", f"/channels/{number}/messages")
    with pytest.raises(RateLimited) as refused:
        limits.spend("POST", "/channels/99/messages")
    assert refused.value.body["global"] is True
    assert refused.value.headers["X-RateLimit-Global"] == "true"


def test_limits_can_be_switched_off() -> None:
    assert used_up(Limits(Clock(), OFF), "POST", MESSAGES) == 10_000


async def test_who_ignores_the_headers_is_told_to_wait(play: Playground) -> None:
    headers = {"Authorization": f"Bot {play.world.token}"}
    address = f"{play.standin.api_url}/channels/{play.world.channel('lounge').id}/messages"
    async with aiohttp.ClientSession(headers=headers) as session:
        left: list[str] = []
        for number in range(5):
            async with session.post(address, json={"content": str(number)}) as posted:
                assert posted.status == 200
                left.append(posted.headers["X-RateLimit-Remaining"])
        async with session.post(address, json={"content": "one too many"}) as refused:
            body = await refused.json()
    assert left == ["4", "3", "2", "1", "0"]
    assert refused.status == 429
    assert refused.headers["Via"]
    assert float(refused.headers["Retry-After"]) >= body["retry_after"] > 4
    assert body["global"] is False
    assert len(play.messages("lounge")) == 5


async def test_discord_py_obeys_the_headers_before_a_429_happens(play: Playground) -> None:
    bot = SmallBot()
    await play.connect(bot)
    channel = bot.get_channel(play.world.channel("lounge").id)
    assert isinstance(channel, discord.TextChannel)
    play.knobs.limits.spend("POST", f"/channels/{channel.id}/messages")
    started = time.monotonic()
    await channel.send("the first tells what is left")
    sends = asyncio.gather(*(channel.send(str(number)) for number in range(4)))
    await asyncio.sleep(0.3)
    assert len(play.messages("lounge")) == 4
    await sends
    assert time.monotonic() - started > 4
    assert 429 not in [call.status for call in play.history]
