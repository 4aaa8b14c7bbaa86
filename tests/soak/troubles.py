"""One request in a hundred goes wrong, at both stand-ins; callbacks get lost, and the gateway is cut off."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import web

from bot.playground.intake import Call
from bot.playground.music_faults import Spoilt
from tests.chaos.band import Shape
from tests.chaos.stage import Stage

SHARE = 0.01
SHAPE = Shape(lost=SHARE, silent=SHARE, doubled=SHARE, late=0.5)
_PROVIDER = (Spoilt.SERVER_ERROR, Spoilt.RESET, Spoilt.HTML, Spoilt.SLOW)
_SLOW_SECONDS = 35.0
"""Longer than the bot waits for an answer."""
_LOOK_SECONDS = 1.0
_CUT_SECONDS = 240.0


class Troubles:
    """`begin` arms them, `end` disarms them; `done` counts them by name."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._tasks: list[asyncio.Task[None]] = []
        self._on = False
        self.done: Counter[str] = Counter()
        stage.band.knobs.spoilt_seconds = _SLOW_SECONDS
        stage.play.standin.watch(self._after)

    def begin(self) -> None:
        self._on = True
        self._tasks += [
            asyncio.create_task(self._at_the_provider(), name="troubles:provider"),
            asyncio.create_task(self._at_the_gateway(), name="troubles:gateway"),
        ]

    async def end(self) -> None:
        self._on = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._stage.band.knobs.spoilt.clear()
        await self._stage.play.knobs.calm()

    def _after(self, _: Call, __: web.StreamResponse) -> None:
        """After one request of a hundred the next one of the bot to Discord goes wrong."""
        chance, knobs = self._stage.chance, self._stage.play.knobs
        if not self._on or chance.random() >= SHARE:
            return
        applied = chance.random() < 0.5
        match chance.choice(("5xx", "reset", "429", "void token")):
            case "5xx":
                knobs.server_error(applied=applied, status=chance.choice((500, 502, 503)))
            case "reset":
                knobs.reset(applied=applied)
            case "429":
                knobs.rate_limit(seconds=0.5)
            case _:
                knobs.void_next_tokens()
        self.done["at Discord"] += 1

    async def _at_the_provider(self) -> None:
        """In one second of a hundred everything in one phase goes wrong there."""
        chance, spoilt = self._stage.chance, self._stage.band.knobs.spoilt
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            spoilt.clear()
            if chance.random() < SHARE:
                spoilt[chance.choice(("upload", "create", "record", "file", "credit"))] = chance.choice(_PROVIDER)
                self.done["at the provider"] += 1

    async def _at_the_gateway(self) -> None:
        chance, knobs = self._stage.chance, self._stage.play.knobs
        while True:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * _CUT_SECONDS)
            await chance.choice((knobs.drop_gateway, knobs.ask_to_reconnect))()
            self.done["at the gateway"] += 1
