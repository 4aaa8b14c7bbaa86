"""Which engines are set up here, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.engines.port import Engine
from bot.errors import Code, Refused
from bot.request import EngineName


class Registry:
    """The engines of this bot by name; the first is the default. `unready` says what others still need."""

    def __init__(self, engines: Iterable[Engine], unready: Mapping[EngineName, str] | None = None) -> None:
        self.unready: Mapping[EngineName, str] = unready or {}
        self._engines: Mapping[EngineName, Engine] = {engine.name: engine for engine in engines}

    @property
    def names(self) -> tuple[EngineName, ...]:
        """Configured engines, the default first."""
        return tuple(self._engines)

    @property
    def engines(self) -> tuple[Engine, ...]:
        return tuple(self._engines.values())

    def get(self, name: EngineName) -> Engine:
        """Raises `Refused` when the engine is not set up here, or not wholly."""
        if name not in self._engines:
            ready = ", ".join(self._engines)
            if name in self.unready:
                raise Refused(Code.ENGINE_NEEDS, engine=name.value, needs=self.unready[name], ready=ready)
            raise Refused(Code.ENGINE_NOT_READY, engine=name.value, ready=ready)
        return self._engines[name]


def turn(waiting: Sequence[tuple[str, str]], free: int, last_guild: str | None) -> list[str]:
    """The next `free` jobs of `waiting`, given as (job, guild) oldest first.

    Round robin between guilds, starting after the guild served last; the oldest job first within a guild. The whole
    order (with `free` large) is also the queue that members are shown.
    """
    queues: dict[str, list[str]] = {}
    for job, guild in waiting:
        queues.setdefault(guild, []).append(job)
    guilds = sorted(queues)
    if last_guild is not None:
        guilds = [g for g in guilds if g > last_guild] + [g for g in guilds if g <= last_guild]
    order: list[str] = []
    while queues and len(order) < free:
        for guild in guilds:
            if queue := queues.get(guild):
                order.append(queue.pop(0))
            else:
                queues.pop(guild, None)
    return order[:free]
