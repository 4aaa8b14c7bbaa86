"""What a dialect has to do: one create written, records read; and which module does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.engines.hosted.rules import Ending, Rules
from bot.engines.port import TaskStatus
from bot.errors import Code, Refusal
from bot.request import Mode, Operation

_REFUSALS = {
    Ending.FAILED: Code.ENGINE_FAILED,
    Ending.TEXT_REFUSED: Code.TEXT_REFUSED,
    Ending.CATALOGUE_MATCH: Code.CATALOGUE_MATCH,
}
Endings = Mapping[int, Ending]


@dataclass(frozen=True)
class Call:
    """One create: what was asked, by the rules of its operation.

    `callback` is None when nobody can reach us; `duration` is in seconds.
    """

    operation: Operation
    rules: Rules
    request: Mapping[str, Any]
    uploads: Sequence[str]
    callback: str | None
    duration: int | None = None

    @property
    def mode(self) -> Mode:
        return Mode(self.request["mode"])

    def values(self) -> dict[str, Any]:
        """Every option that is sent, by our name. What is not sung is never sent where it would be lyrics."""
        custom = self.mode is Mode.CUSTOM
        values = {name: self.request.get(name) for name in self.rules.fields(self.mode)}
        if "style" in values:
            values["style"] = values["style"] or self.rules.default_style
        if custom and self.request.get("instrumental") and "prompt" in values:
            values["prompt"] = values["style"] if self.rules.prompt_always else None
        if "custom_mode" in values:
            values["custom_mode"] = custom
        if "duration" in values:
            values["duration"] = self.duration
        return {name: value for name, value in values.items() if value is not None}


class Dialect(Protocol):
    """How one provider's requests and records are written; a module each."""

    RECORD: str
    """Path of the details endpoint."""
    STATES: frozenset[str]
    """Every documented state of a record."""
    DONE: frozenset[str]
    """Those in which all tracks are there, or should be."""

    def create(self, call: Call) -> tuple[str, dict[str, Any]]:
        """Path and JSON of a create."""
        ...

    def state_of(self, record: Any) -> str:
        """The record's own word for how the task stands."""
        ...

    def status_of(self, record: Any, endings: Endings) -> TaskStatus:
        """What a record says; anything unheard of means that the task still runs."""
        ...


def why(code: Any, endings: Endings) -> Refusal:
    """How a task failed, by its code; codes come as numbers and as text."""
    text = str(code or "").strip()
    return Refusal(_REFUSALS[endings.get(int(text), Ending.FAILED) if text.isdecimal() else Ending.FAILED])
