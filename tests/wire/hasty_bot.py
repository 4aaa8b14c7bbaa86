"""A bot that answers a callback before it is stored: what the look for lost ones has to find out."""

from __future__ import annotations

import asyncio

import bot.parts
from benchmarks.parked import serve
from bot.web.callbacks import Callbacks, Hint, Knock, Signed

_storing = set[asyncio.Task[None]]()


class Hasty(Callbacks):
    async def _keep(self, knock: Knock, hint: Hint, signed: Signed) -> None:
        storing = asyncio.create_task(super()._keep(knock, hint, signed))
        _storing.add(storing)
        storing.add_done_callback(_forget)


def _forget(storing: asyncio.Task[None]) -> None:
    _storing.discard(storing)
    if not storing.cancelled():
        storing.exception()


if __name__ == "__main__":
    bot.parts.Callbacks = Hasty
    asyncio.run(serve())
