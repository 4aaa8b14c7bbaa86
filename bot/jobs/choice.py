"""Which engine, mode and model a wish leads to: what engines here offer, what the guild chose, what was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.engines.port import Capabilities
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Code, Refused
from bot.guilds.guild import GuildSettings
from bot.request import EngineName, Mode, Operation, engine_named, mode_of


class Choice:
    """Reads the engines as they stand at this moment."""

    def __init__(self, registry: Registry, switches: Switches) -> None:
        self._registry = registry
        self._switches = switches

    @property
    def engines(self) -> tuple[EngineName, ...]:
        """Engines that are set up here and on, the default first; all of them when every one is off."""
        names = self._registry.names
        return tuple(name for name in names if self._switches.off(name) is None) or names

    def models(self, operation: Operation, engine: str | None) -> tuple[str, ...]:
        """Models of the engine named; empty for one that does not do this here."""
        name = next((name for name in self.able(operation) if name == engine), None)
        return self.capabilities(name, operation, Mode.CUSTOM).models if name else ()

    def able(self, operation: Operation) -> tuple[EngineName, ...]:
        """Engines that do this here, the bot's default first."""
        return tuple(n for n in self.engines if self._registry.get(n).capabilities(operation, Mode.CUSTOM))

    def ranked(self, operation: Operation, chosen: GuildSettings) -> list[EngineName]:
        """Engines that do this here: those with credits first, of them the guild's default, then what it allows."""
        able, resting = self.able(operation), self._switches.resting
        return sorted(able, key=lambda name: (resting(name) > 0, _rank(name, chosen)))

    def every_model(self) -> tuple[str, ...]:
        """The models of all engines here, each once."""
        pairs = ((operation, engine) for engine in self.engines for operation in Operation)
        return tuple(dict.fromkeys(model for pair in pairs for model in self.models(*pair)))

    def engine(self, operation: Operation, typed: str | None, chosen: GuildSettings) -> EngineName:
        """As asked, or else the guild's default, or the first allowed that can do it. Raises `Refused`."""
        able = self.ranked(operation, chosen)
        if not typed and not able:
            raise Refused(Code.OPERATION_NOT_OFFERED, operation=operation.value)
        engine = engine_named(typed, able[0] if able else self.engines[0])
        self._registry.get(engine)
        if (why := self._switches.off(engine)) is not None:
            raise Refused(Code.ENGINE_OFF, engine=engine.value, why=why, ready=", ".join(self.engines))
        if self._switches.resting(engine):
            raise Refused.of(self._switches.without_credits(engine, able))
        return engine

    def mode(self, engine: EngineName, operation: Operation, given: Mapping[str, Any]) -> Mode:
        """As asked, or whatever mode the engine has where nothing was said of it. Raises `Refused`."""
        mode = mode_of(operation, given)
        if self._registry.get(engine).capabilities(operation, mode) is not None:
            return mode
        self.capabilities(engine, operation, Mode.CUSTOM)  # else it does not do this at all
        if given.get("mode") in (None, Mode.AUTO) and not given.get("prompt"):
            return Mode.CUSTOM
        able = self._with(operation, mode, lambda offered: "prompt" in offered.uses)
        raise Refused(Code.MODE_NOT_OFFERED, engine=engine.value, mode=mode.value, ready=able)

    def check_options(
        self, engine: EngineName, operation: Operation, mode: Mode, offered: Capabilities, given: Mapping[str, Any]
    ) -> None:
        """What would change the piece and is unknown to the engine is refused, not dropped. Raises `Refused`."""
        for name in sorted(offered.lacks):
            if given.get(name):
                able = self._with(operation, mode, lambda other, name=name: name in other.uses)
                raise Refused(Code.OPTION_NOT_OFFERED, engine=engine.value, field=name, ready=able)

    def _with(self, operation: Operation, mode: Mode, fits: Callable[[Capabilities], bool]) -> str:
        """Engines here whose offer fits, as text."""
        found = ((name, self._registry.get(name).capabilities(operation, mode)) for name in self.engines)
        return ", ".join(name for name, offered in found if offered is not None and fits(offered)) or "-"

    def capabilities(
        self, engine: EngineName, operation: Operation, mode: Mode, model: str | None = None
    ) -> Capabilities:
        found = self._registry.get(engine).capabilities(operation, mode, model)
        if found is None:
            ready = ", ".join(self.able(operation)) or "-"
            raise Refused(Code.ENGINE_CANNOT, engine=engine.value, operation=operation.value, ready=ready)
        return found


def _rank(engine: EngineName, chosen: GuildSettings) -> int:
    """The lower, the sooner it is taken when nobody names one."""
    if not is_allowed(engine, chosen):
        return 2
    return 0 if engine == chosen.default_engine else 1


def is_allowed(engine: EngineName, chosen: GuildSettings) -> bool:
    return not chosen.engines or engine in chosen.engines


def default_model(offered: Capabilities, chosen: GuildSettings) -> str | None:
    """The engine's own, or else the first that the guild allows."""
    if not chosen.models or offered.default_model in chosen.models:
        return offered.default_model
    return next((model for model in offered.models if model in chosen.models), offered.default_model)
