"""The bot as a whole, and the loop that keeps it up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

import aiohttp
import discord

from bot.client import TwodeckBot
from bot.clock import Clock
from bot.logins import Logins, TooManyLoginsError
from bot.parts import Parts
from bot.settings import Settings

log = logging.getLogger(__name__)
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 30 * 60.0
_STEADY_SECONDS = 30 * 60.0


def create_bot(settings: Settings) -> TwodeckBot:
    """The bot, ready to `start(token)`; it opens its parts when it starts and closes them when it is closed."""
    return TwodeckBot(settings.discord, Parts(settings))


async def run(settings: Settings, *, after_restore: bool = False) -> None:
    """Keep a bot running until SIGTERM or SIGINT. Raises `discord.LoginFailure`, `DatabaseError`, `SettingsError`.

    The parts stay open; the client, which works once, is rebuilt after a pause that grows from 5 s to 30 min, so
    that a crash loop stays far below Discord's limit of identifies.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    parts = Parts(settings, after_restore=after_restore)
    try:
        services = await parts.open()
        await _keep_up(settings, parts, services.logins, stop)
    finally:
        await parts.close()


async def _keep_up(settings: Settings, parts: Parts, logins: Logins, stop: asyncio.Event) -> None:
    pause = _FIRST_PAUSE
    clock = Clock()
    while not stop.is_set():
        await _wait_for_turn(logins, stop)
        if stop.is_set():
            return
        started = clock.monotonic()
        try:
            await _run_client(settings, parts, stop)
        except discord.LoginFailure:
            raise
        except (discord.DiscordException, aiohttp.ClientError, OSError, AttributeError):
            # AttributeError: discord.py dies with one when the gateway is down at the first connect (its #10520).
            log.exception("the connection to Discord ended")
        except TooManyLoginsError as error:
            log.warning("the connection to Discord ended: %s", error)
        if stop.is_set():
            return
        if clock.monotonic() - started > _STEADY_SECONDS:
            pause = _FIRST_PAUSE
        log.warning("connecting again in %.0f s", pause)
        await _rest(stop, pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _wait_for_turn(logins: Logins, stop: asyncio.Event) -> None:
    """Until the budget of logins has room for this one, or the bot is to stop."""
    while not stop.is_set() and (seconds := await logins.take()) > 0:
        log.warning("too many logins (TWODECK_LOGINS_DAY): the next one follows in %.0f s", seconds)
        await _rest(stop, seconds)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _run_client(settings: Settings, parts: Parts, stop: asyncio.Event) -> None:
    """One client from login to its end, or to the wish to stop."""
    bot = TwodeckBot(settings.discord, parts, owns_parts=False)
    running = asyncio.create_task(bot.start(settings.discord.token.get_secret_value()), name="client")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await parts.close()
    finally:
        stopping.cancel()
        await bot.close()
        results = await asyncio.gather(running, stopping, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]
