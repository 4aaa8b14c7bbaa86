"""A bot that believes every callback: what the look for effects has to find out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import bot.app
from benchmarks.parked import serve
from bot.web.callbacks import Callbacks, Hint


class OpenDoor(Callbacks):
    async def _check_address(self, engine: str, job: str, secret: str) -> None: ...

    def _check_signature(self, engine: str, hint: Hint, headers: Mapping[str, Any]) -> None: ...


if __name__ == "__main__":
    bot.app.Callbacks = OpenDoor
    asyncio.run(serve())
