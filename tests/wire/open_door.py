"""A bot that believes every callback: what the look for effects has to find out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import bot.parts
from benchmarks.parked import serve
from bot.database import Tx
from bot.web.callbacks import Callbacks, Hint, Knock, Signed


class OpenDoor(Callbacks):
    def _check(self, tx: Tx, knock: Knock, signed: Signed) -> None: ...

    def _signed(self, engine: str, hint: Hint, headers: Mapping[str, str]) -> Signed:
        return Signed(True)


if __name__ == "__main__":
    bot.parts.Callbacks = OpenDoor
    asyncio.run(serve())
