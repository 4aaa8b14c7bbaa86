"""What the job's life needs from an engine (values and one protocol)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from bot.errors import Refusal
from bot.request import EngineName, Limits, Mode, Operation


@dataclass(frozen=True)
class Capabilities:
    """What an engine offers. `models` may be empty: then there is nothing to choose."""

    models: tuple[str, ...]
    limits: Limits
    uses: frozenset[str]
    """Names of the options that are acted on."""
    default_model: str | None = None
    needs: frozenset[str] = frozenset()
    """Names of the texts that must be given (in custom mode, lyrics only of what is sung)."""
    lacks: frozenset[str] = frozenset()
    """Names of options that must be refused: dropped in silence, something else would be made."""
    source_seconds: int | None = None
    """The longest source, where that is shorter than ours."""
    credits: float = 0.0
    """What its provider charges the operator's account for one."""


@dataclass(frozen=True)
class Account:
    """An account as last read. `least` is what the cheapest operation takes; `credits` None before any answer."""

    least: float
    credits: float | None = None
    reached: bool = True
    """Whether the last question was answered."""

    @property
    def empty(self) -> bool:
        return self.credits is not None and self.credits < self.least


@dataclass(frozen=True)
class Order:
    """One piece to make. Sources are our own copies, as many as the operation takes, and so long in `seconds`;
    `attempt` counts from 1.

    `uploads` are what `prepare` returned, `secret` the last part of the address that a callback comes to, `links`
    where the member's own files lie.
    """

    job: str
    attempt: int
    operation: Operation
    sources: tuple[Path, ...]
    request: Mapping[str, Any]
    seed: int
    max_bytes: int
    seconds: tuple[float, ...] = ()
    uploads: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    links: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Likeness:
    """A track of which a persona is to be made, by the engine's own ids of task and audio."""

    task: str
    audio: str
    name: str
    description: str


class Ambiguous(Exception):  # noqa: N818 - what is known of an order
    """An order was handed in, and whether it was taken cannot be known. It must not be handed in again."""


class Later(Exception):  # noqa: N818 - an answer, not a fault
    """A definite "not now": nothing was taken or lost. Ask again after `seconds`, at most `tries` times in all.

    `refusal` is what the member is told when there is no time left for another try. With `pause` the account is out
    of credits, and the engine takes nothing from anybody for so long.
    """

    def __init__(self, refusal: Refusal, seconds: float, *, tries: int | None = None, pause: bool = False) -> None:
        self.refusal = refusal
        self.seconds = seconds
        self.tries = tries
        self.pause = pause
        super().__init__(f"{refusal.code} for {seconds} s")


class TaskState(StrEnum):
    """What an engine says of a task."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    REFUSED = "refused"
    GONE = "gone"  # nobody knows it: a repeatable engine lost it in a restart


@dataclass(frozen=True)
class TaskStatus:
    """State of a task; `stage` and `fraction` (0 to 1) while it runs, `refusal` when it ended in one.

    `unheard` is the engine's own word for a state that no document names.
    """

    state: TaskState
    stage: str = ""
    fraction: float = 0.0
    refusal: Refusal | None = None
    unheard: str = ""


@dataclass(frozen=True)
class FinishedTrack:
    """A track still in the engine's hands: files to be moved into our store; a `picture` may be drawn later."""

    number: int
    audio: Path
    picture: Path | None
    title: str
    seconds: float
    audio_id: str = ""
    """The engine's own id of it, where it has one."""


@dataclass(frozen=True)
class Finished:
    """Everything a finished task gives; `report` is documented in docs/engines.md."""

    tracks: tuple[FinishedTrack, ...]
    report: Mapping[str, Any]


class Engine(Protocol):
    """An engine makes music under task ids."""

    name: EngineName
    repeatable: bool
    """Whether a lost task may simply be made again (free, and without effect outside)."""
    cancellable: bool
    """Whether a running task can be stopped with `discard`, at no cost."""

    @property
    def account(self) -> Account | None:
        """As it was last read; None where nothing costs credits."""
        ...

    async def balance(self) -> Account | None:
        """Read the account anew."""
        ...

    @property
    def polls_per_second(self) -> float | None:
        """How often `status` of its tasks may be asked for in all; None where it costs nothing."""
        ...

    def capabilities(self, operation: Operation, mode: Mode, model: str | None = None) -> Capabilities | None:
        """What it offers for an operation; None when it does not do that at all."""
        ...

    def offers_persona(self, operation: Operation) -> bool:
        """Whether a persona can be made of a track that came of this operation."""
        ...

    async def make_persona(self, likeness: Likeness) -> str:
        """Its id. Raises `bot.errors.Refused` when it was certainly not made, and `Ambiguous`."""
        ...

    def free(self) -> int:
        """How many more tasks it takes right now."""
        ...

    def opens_in(self) -> float | None:
        """Seconds until it takes a task though none ends; None while it takes one, or where only an end helps."""
        ...

    async def prepare(self, order: Order) -> tuple[str, ...]:
        """Whatever is free and has to be there first, such as uploads; returns their addresses. Raises `Later`."""
        ...

    async def submit(self, order: Order) -> str:
        """Hand in an order; returns the task id.

        Raises `bot.errors.Refused` for a definite no, `Later` for a definite not now, and `Ambiguous`.
        """
        ...

    async def status(self, task: str) -> TaskStatus: ...

    def glance(self, task: str) -> TaskStatus:
        """The last known status, without asking anybody."""
        ...

    async def recognises(self, task: str, uploads: tuple[str, ...]) -> bool:
        """Whether `task` was made of `uploads`, by the engine's own word. Raises `Later`."""
        ...

    async def finished(self, task: str, max_bytes: int) -> Finished:
        """The result of a READY task, each track within `max_bytes` where that can be.

        Raises `Refused`, and `Later` while it cannot be fetched.
        """
        ...

    async def discard(self, task: str) -> None:
        """Forget a task, running or not, and everything it left."""
        ...
