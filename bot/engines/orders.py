"""What members may know of the engines of a running bot, and what its operator may ask of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.engines.port import Capabilities
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Code, Refused
from bot.request import EngineName, Mode, Operation

_LONGEST_REASON = 200


@dataclass(frozen=True)
class EngineState:
    """One engine as it stands. `off` is the operator's reason, `paused_until` UTC milliseconds or 0.

    `needs` names the settings without which it is not ready; then it offers nothing.
    """

    name: EngineName
    off: str | None
    paused_until: int
    offers: Mapping[Operation, Capabilities]
    """What it does, in custom mode with its default model."""
    needs: str = ""


class EngineOrders:
    """For commands by method, for the control socket by `handlers`."""

    def __init__(self, registry: Registry, switches: Switches, wake: Callable[[], None]) -> None:
        self._registry = registry
        self._switches = switches
        self._wake = wake

    @property
    def handlers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]]:
        return {"engines": self._list, "engine-off": self._off, "engine-on": self._on}

    def states(self) -> tuple[EngineState, ...]:
        """Every engine that is set up here, the default first, then those that still need a setting."""
        waiting = (EngineState(name, None, 0, {}, needs) for name, needs in self._registry.unready.items())
        return (*(self._state(name) for name in self._registry.names), *waiting)

    async def turn(self, typed: str, off: str | None) -> EngineState:
        """Switch an engine off for a reason, or on. Raises `Refused` for one that is not set up here."""
        name = next((name for name in self._registry.names if name == typed.strip().lower()), None)
        if name is None:
            raise Refused(Code.UNKNOWN_CHOICE, field="engine", value=typed, choices=", ".join(self._registry.names))
        await self._switches.turn(name, off if off is None else off[:_LONGEST_REASON])
        self._wake()
        return self._state(name)

    async def _list(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return {"ok": True, "engines": [_shown(state) for state in self.states()]}

    async def _off(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return await self._ordered(order, str(order.get("why", "")))

    async def _on(self, order: Mapping[str, Any]) -> dict[str, Any]:
        return await self._ordered(order, None)

    async def _ordered(self, order: Mapping[str, Any], off: str | None) -> dict[str, Any]:
        try:
            return {"ok": True, "engines": [_shown(await self.turn(str(order.get("engine")), off))]}
        except Refused:
            return {"ok": False, "why": f"Set up here: {', '.join(self._registry.names)}."}

    def _state(self, name: EngineName) -> EngineState:
        engine = self._registry.get(name)
        offers = {operation: engine.capabilities(operation, Mode.CUSTOM) for operation in Operation}
        return EngineState(
            name,
            off=self._switches.off(name),
            paused_until=self._switches.resting(name),
            offers={operation: found for operation, found in offers.items() if found},
        )


def _shown(state: EngineState) -> dict[str, Any]:
    return {
        "engine": state.name.value,
        "off": state.off,
        "paused_until": state.paused_until,
        "needs": state.needs,
    }
