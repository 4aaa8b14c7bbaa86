"""Reads the balance of every account again and again: an engine without credits rests until there are some."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from bot.alerts import Alerts
from bot.engines.port import Engine
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Cause
from bot.request import EngineName

log = logging.getLogger(__name__)
_LEAST_REST = 60.0


class Accounts:
    """One task; `seconds` lie between two looks, half of them while an account is empty. `wake` is for a top-up."""

    def __init__(
        self, registry: Registry, switches: Switches, alerts: Alerts, wake: Callable[[], None], *, seconds: float
    ) -> None:
        self._engines = [engine for engine in registry.engines if engine.account is not None]
        self._switches = switches
        self._alerts = alerts
        self._wake = wake
        self._seconds = seconds
        self._filled: set[EngineName] = set()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look; a second call changes nothing."""
        if self._task is None:
            self._stopping.clear()
            self._task = asyncio.create_task(self._rounds(), name="accounts")

    async def stop(self) -> None:
        """End now; a look has no effect outside that could be cut in two."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def look(self, engine: Engine) -> None:
        """Read one account. Empty: the engine rests, and the operators are told. Filled again: it goes on.

        An account with credits whose creates are refused all the same is left to the pause that a refusal brings.
        """
        account = await engine.balance()
        if account is None or not account.reached:
            return
        if account.empty:
            self._filled.discard(engine.name)
            await self._switches.pause(engine.name, max(_LEAST_REST, 2 * self._seconds))
            await self._alerts.alert(Cause.OUT_OF_CREDITS, engine.name, engine=engine.name.value)
        elif engine.name not in self._filled:
            await self._alerts.clear(Cause.OUT_OF_CREDITS, engine.name)
            if self._switches.resting(engine.name):
                await self._switches.resume(engine.name)
                self._wake()
            self._filled.add(engine.name)

    async def _rounds(self) -> None:
        while not self._stopping.is_set():
            await asyncio.gather(*(self._try_to_look(engine) for engine in self._engines))
            empty = any(engine.account is not None and engine.account.empty for engine in self._engines)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds / 2 if empty else self._seconds):
                    await self._stopping.wait()

    async def _try_to_look(self, engine: Engine) -> None:
        try:
            await self.look(engine)
        except Exception:
            log.exception("the balance of %s could not be looked at", engine.name)
