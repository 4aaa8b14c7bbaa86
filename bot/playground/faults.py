"""Faults that were asked for and wait to be met: the intake, the callbacks and the members' side use them up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

_CHANNEL, _TOKEN = r"/channels/\d+", r"/webhooks/\d+/[^/]+"
WHERE: Mapping[str, tuple[str, str, str]] = {
    "any": (r".*", r".*", "any request"),
    "create": (r"POST", _CHANNEL + r"/messages", "posting a message"),
    "edit": (r"PATCH", _CHANNEL + r"/messages/\d+", "editing a message"),
    "history": (r"GET", _CHANNEL + r"/messages", "reading a channel's history"),
    "callback": (r"POST", r"/interactions/\d+/[^/]+/callback", "the first answer"),
    "token": (r".*", _TOKEN + r".*", "later answers by token"),
}
"""Names for groups of requests: method, path below /api/v10, and what to call them."""


class Effect(StrEnum):
    """What happens to the request that meets the fault."""

    RATE_LIMIT = "429"
    SERVER_ERROR = "5xx"
    RESET = "reset"


@dataclass
class Fault:
    """Hits the next `left` requests of its group. `applied` means that the request was carried out all the same."""

    effect: Effect
    where: str = "any"
    left: int = 1
    applied: bool = False
    status: int = 500
    seconds: float = 1.0
    everywhere: bool = False  # a 429 of the global limit

    def meets(self, method: str, path: str) -> bool:
        return self.left > 0 and in_group(self.where, method, path)


class Reset(Exception):  # noqa: N818 - an event on the wire, no error of ours
    """The connection breaks instead of an answer."""


class Faults:
    """Everything that is to go wrong from now on; `on_change` is called when some of it was used up."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.waiting: dict[Effect, Fault] = {}
        self.slow_seconds = 0.0
        self.slow_where = "any"
        self.closed_channels: dict[int, int] = {}  # channel id -> error code
        self.late = 0
        self.voided = 0
        self.claim = 0  # bytes

    def ask(self, fault: Fault) -> None:
        """The newest wish for an effect replaces an older one."""
        if fault.where not in WHERE:
            raise KeyError(fault.where)
        self.waiting[fault.effect] = fault

    def left(self, effect: Effect) -> int:
        return self.waiting[effect].left if effect in self.waiting else 0

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, used up by it."""
        for fault in self.waiting.values():
            if fault.meets(method, path):
                fault.left -= 1
                self._on_change()
                return fault
        return None

    def delay(self, method: str, path: str) -> float:
        """Seconds by which this request is held up."""
        return self.slow_seconds if self.slow_seconds and in_group(self.slow_where, method, path) else 0.0

    def take_late(self) -> bool:
        """Whether the interaction that is being sent arrives with its time for an answer over."""
        return self._use("late")

    def take_voided(self) -> bool:
        """Whether the interaction that was just answered loses its token."""
        return self._use("voided")

    def take_claim(self) -> int:
        """The size that the file now being sent claims instead of its own; 0 for none."""
        taken, self.claim = self.claim, 0
        if taken:
            self._on_change()
        return taken

    def _use(self, name: str) -> bool:
        left = getattr(self, name)
        if left <= 0:
            return False
        setattr(self, name, left - 1)
        self._on_change()
        return True


def in_group(where: str, method: str, path: str) -> bool:
    """Whether a request belongs to a group of `WHERE`."""
    methods, paths, _ = WHERE[where]
    return bool(re.fullmatch(methods, method) and re.fullmatch(paths, path))
