"""A stand-in without a bot, a small discord.py bot that is connected to it, and a proxy before a listener."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest_asyncio

from tests.playground import Playground
from tests.wire.reverse_proxy import Proxy
from tests.wire.standin_bot import SmallBot


@pytest_asyncio.fixture
async def play() -> AsyncIterator[Playground]:
    async with Playground() as playground:
        yield playground


@pytest_asyncio.fixture
async def bot(play: Playground) -> SmallBot:
    client = SmallBot()
    await play.connect(client)
    return client


@pytest_asyncio.fixture
async def lounge(play: Playground, bot: SmallBot) -> discord.TextChannel:
    channel = bot.get_channel(play.world.channel("lounge").id)
    assert isinstance(channel, discord.TextChannel)
    return channel


@pytest_asyncio.fixture
async def proxy(unused_tcp_port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(unused_tcp_port)
    await proxy.start()
    yield proxy
    await proxy.close()
