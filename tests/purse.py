"""The bot's real parts without Discord, and a provider that charges what it likes: how much is spent, how long."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.parked import Mute
from bot import parts
from bot.client import Services
from bot.engines.port import Engine
from bot.engines.spending import Spending
from bot.errors import Refused
from bot.jobs.service import Offer, Place
from bot.playground.music import Music
from bot.playground.music_faults import Spoilt
from bot.playground.music_task import Task
from bot.request import Operation
from bot.settings import load
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import ROOMY

PRICE = 12
UPLOAD_SECONDS = 1.0


class Greedy(Music):
    """Takes `times` the price of every create."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.credits = self.before = 100_000
        self._times = times
        self.knobs.stage_seconds = 600

    @property
    def lost(self) -> int:
        """Credits that are gone."""
        return self.before - self.credits

    def _take(self, body: dict[str, Any], sources: list[str]) -> Task:
        task = super()._take(body, sources)
        self.credits -= task.price * (self._times - 1)
        return task


class Trusting(Spending):
    """Broken on purpose: no last word before an order."""

    async def allows(self, engine: Engine, price: float) -> bool:
        return True


@asynccontextmanager
async def house(folder: Path, music: Music, spending: type[Spending], cap: int) -> AsyncGenerator[Services]:
    """The parts with one hosted engine whose credits have a cap."""
    song = write_mp3(folder / "song.mp3", stereo(Song(seconds=6)))
    await music.start()
    music._files["song"] = song.read_bytes()
    settings = {
        **ROOMY,
        **music.settings("kie"),
        "DISCORD_TOKEN": "none",
        "KIE_CREDITS_DAY": str(cap),
        "TWODECK_DATA_DIR": str(folder / "data"),
        "TWODECK_DOWNLOAD_HOSTS": music.host,
        "TWODECK_LISTEN": "127.0.0.1:0",
    }
    with patch.dict(os.environ, settings), patch.object(parts, "Spending", spending):
        opened = parts.Parts(load())
        services = await opened.open()
    services.delivery.attach(Mute())
    opened.start()
    try:
        yield services
    finally:
        await opened.close()
        await music.close()


async def ask(services: Services, music: Music, number: int) -> str:
    """One job of a member of their own: `accepted`, or why not."""
    place = Place(f"i{number}", f"guild-{number % 5}", "1", f"member-{number}", "en-US", 1 << 23)
    offers = Offer(f"{music.url}/files/song", "a.mp3", 1000), Offer(f"{music.url}/files/song", "b.mp3", 1000)
    try:
        await services.jobs.ask(
            Operation.MASHUP, place, offers, {"engine": "kie", "prompt": "rain", "style": "dub"}
        )
    except Refused as refused:
        return refused.refusal.code.value
    return "accepted"


async def spend(folder: Path, jobs: int, cap: int, *, times: int, spending: type[Spending] = Spending) -> Greedy:
    """Ask for so many jobs, wait until nothing more is handed in, and give back the provider."""
    music = Greedy(times)
    async with house(folder, music, spending, cap) as services:
        for number in range(jobs):
            await ask(services, music, number)
        await _rest(services)
    return music


async def _rest(services: Services) -> None:
    """Until no job is on its way to the engine, or can be."""
    way = "SELECT 1 FROM jobs WHERE state IN ('accepted', 'submitting') OR (state = 'staged' AND owner IS NOT NULL)"
    waiting = " OR (state = 'staged' AND NOT EXISTS (SELECT 1 FROM engines WHERE off IS NOT NULL))"
    await _until(services, f"SELECT 1 WHERE NOT EXISTS ({way}{waiting})")


async def _until(services: Services, sql: str) -> None:
    """Until there is such a row."""
    async with asyncio.timeout(120):
        while not await services.db.work(lambda tx: tx.all(sql)):  # noqa: ASYNC110 - the rows tell nobody
            await asyncio.sleep(0.05)


async def pull_the_plug(folder: Path, jobs: int, spending: type[Spending] = Spending) -> int:
    """Switch the engine off while sources are being uploaded; how many creates came after that."""
    music = Greedy(1)
    music.knobs.spoilt["upload"] = Spoilt.SLOW
    music.knobs.spoilt_seconds = UPLOAD_SECONDS
    async with house(folder, music, spending, 100_000) as services:
        for number in range(jobs):
            await ask(services, music, number)
        await _until(services, "SELECT 1 FROM jobs WHERE state = 'staged' AND owner IS NOT NULL")
        await services.engines.turn("kie", "stop")
        before = len(music.creates)
        await _rest(services)
        return len(music.creates) - before
