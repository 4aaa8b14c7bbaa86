"""The shape of one knob on the page: what it asks for, what it does, what it shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.playground.knobs import Knobs
from bot.playground.world import Channel, Json, Message, User, World


def number(name: str, label: str, default: float, least: float, most: float, unit: str = "") -> Json:
    return {
        "name": name,
        "label": label,
        "kind": "number",
        "default": default,
        "min": least,
        "max": most,
        "unit": unit,
    }


def choice(name: str, label: str, kind: str = "choice", /, **labels: str) -> Json:
    """The first of `labels` is the default."""
    choices = [{"value": value.strip("_"), "label": text} for value, text in labels.items()]
    return {"name": name, "label": label, "kind": kind, "default": choices[0]["value"], "choices": choices}


def place(kind: str, label: str) -> Json:
    return {"name": kind, "label": label, "kind": kind, "default": None}


@dataclass(frozen=True)
class Asked:
    """A POST, checked: what the knob's function may use."""

    knobs: Knobs
    world: World
    channel: Channel
    message: Message | None
    member: User
    values: Json

    @property
    def fault(self) -> Json:
        return {"count": int(self.values["count"]), "where": self.values["where"]}


Turn = Callable[[Asked], Awaitable[str | None] | str | None]


@dataclass(frozen=True)
class Knob:
    """One row of the table. `turn` may answer with a sentence of its own; `state` is "" when nothing is on."""

    id: str
    group: str
    label: str
    hint: str
    turn: Turn
    arguments: tuple[Json, ...] = ()
    state: Callable[[Knobs], str] = lambda _: ""
    end: Turn | None = None
    why_not: Callable[[Knobs], str] = lambda _: ""

    def to_json(self, knobs: Knobs) -> Json:
        state, why = self.state(knobs), self.why_not(knobs)
        return {
            "id": self.id,
            "group": self.group,
            "label": self.label,
            "hint": self.hint,
            "arguments": list(self.arguments),
            "active": bool(state),
            "value": state,
            "can_end": self.end is not None,
            "available": not why,
            "why": why,
        }
