"""What an operator may ask of the engines of a running bot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.request import EngineName

_LONGEST_REASON = 200


class EngineOrders:
    """Handlers by name, as the control socket takes them."""

    def __init__(self, registry: Registry, switches: Switches, wake: Callable[[], None]) -> None:
        self._registry = registry
        self._switches = switches
        self._wake = wake

    @property
    def handlers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]]:
        return {"engines": self._list, "engine-off": self._off, "engine-on": self._on}

    async def _list(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return {"ok": True, "engines": [self._shown(name) for name in self._registry.names]}

    async def _off(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return await self._turn(order, str(order.get("why", ""))[:_LONGEST_REASON])

    async def _on(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return await self._turn(order, None)

    async def _turn(self, order: Mapping[str, Any], off: str | None) -> dict[str, Any]:
        name = next((n for n in self._registry.names if n == order.get("engine")), None)
        if name is None:
            return {"ok": False, "why": f"Set up here: {', '.join(self._registry.names)}."}
        await self._switches.turn(name, off)
        self._wake()
        return {"ok": True, "engines": [self._shown(name)]}

    def _shown(self, name: EngineName) -> dict[str, Any]:
        return {"engine": name.value, "off": self._switches.off(name), "paused_until": self._switches.resting(name)}
