"""A job, its states and the arrows between them (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.errors import Refusal
from bot.guilds.former import is_former
from bot.posts.post import NewPost
from bot.request import EngineName, Operation


class State(StrEnum):
    """Where a job is. Names in -ING are committed markers of an effect outside: never repeated blindly."""

    ACCEPTED = "accepted"  # promised to the member; sources not here yet
    STAGED = "staged"  # sources are ours and good; waits for its turn
    SUBMITTING = "submitting"  # an engine may or may not have it
    SUBMITTED = "submitted"  # an engine has it, under a task id
    READY = "ready"  # the engine is finished
    DOWNLOADED = "downloaded"  # the results are in our own store
    POSTING = "posting"  # the result message may or may not be out
    DONE = "done"
    NOTIFYING = "notifying"  # there will be no result; the member is being told
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # ended without proof either way; a late proof is delivered free


ARROWS: Mapping[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.STAGED, State.NOTIFYING}),
    State.STAGED: frozenset({State.SUBMITTING, State.NOTIFYING}),
    State.SUBMITTING: frozenset({State.SUBMITTED, State.STAGED, State.NOTIFYING}),
    State.SUBMITTED: frozenset({State.READY, State.STAGED, State.NOTIFYING}),
    State.READY: frozenset({State.DOWNLOADED, State.NOTIFYING}),
    State.DOWNLOADED: frozenset({State.POSTING}),
    State.POSTING: frozenset({State.DONE}),
    State.NOTIFYING: frozenset({State.FAILED, State.CANCELLED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.SUBMITTED}),
    State.DONE: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}


class Effect(StrEnum):
    """What an arrow does to the job's reservations, in the same unit."""

    SETTLE = "settle"  # they count as used
    RELEASE = "release"  # they are given back


EFFECTS: Mapping[tuple[State, State], Effect] = {
    (State.ACCEPTED, State.NOTIFYING): Effect.RELEASE,
    (State.STAGED, State.NOTIFYING): Effect.RELEASE,
    (State.SUBMITTING, State.NOTIFYING): Effect.RELEASE,
    (State.SUBMITTED, State.NOTIFYING): Effect.RELEASE,
    (State.READY, State.NOTIFYING): Effect.RELEASE,
    (State.POSTING, State.DONE): Effect.SETTLE,
}
"""Other arrows have none. A late proof (unknown -> submitted) is delivered free: its reservations are closed."""

CANCELLABLE = frozenset({State.ACCEPTED, State.STAGED, State.SUBMITTING, State.SUBMITTED})
"""Until here a job can be stopped; later its result is there and comes out."""
ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.UNKNOWN})

_MINUTE = 60_000
DEADLINES: Mapping[State, int] = {
    State.ACCEPTED: 30 * _MINUTE,
    State.STAGED: 6 * 60 * _MINUTE,
    State.SUBMITTING: 20 * _MINUTE,
    State.SUBMITTED: 60 * _MINUTE,
    State.READY: 30 * _MINUTE,
    State.DOWNLOADED: 30 * _MINUTE,
    State.POSTING: 24 * 60 * _MINUTE,
    State.NOTIFYING: 24 * 60 * _MINUTE,
}
"""How long a job may stay in a state, in milliseconds, before it is ended in the open."""


@dataclass(frozen=True)
class Source:
    """One file a member gave. `hash` and `seconds` are known once it is staged; `url` is "" where it was before."""

    side: str
    url: str
    name: str
    size: int
    hash: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Track:
    """One finished track in our own store; `hash` and `picture` name files, of which the second may come later."""

    number: int
    hash: str
    picture: str
    title: str
    seconds: float
    audio: str | None = None
    """The engine's own id of it, by which a persona is made."""


@dataclass(frozen=True)
class Ask:
    """What `accept` is handed: who asked what, where. `request` is the JSON of a `bot.request` value."""

    interaction: str
    guild: str
    channel: str
    member: str
    locale: str
    engine: str
    operation: str
    request: Mapping[str, Any]
    seed: int
    max_bytes: int
    sources: tuple[Source, ...]
    private: bool = False
    """Only the member sees the card and the result."""
    token: str = field(default="", repr=False)
    """Of the interaction, for the answer that only the member sees; not kept longer than it lives."""
    again_of: str | None = None
    """The failed job that this one asks for again, of the same copies of its sources."""
    roles: frozenset[str] = frozenset()
    """The member's, for the gate; they are not kept."""
    parent: str = ""
    """The channel of a thread, for the gate; it is not kept."""


@dataclass(frozen=True)
class Removal:
    """Who deleted a finished result, and why."""

    by: str
    reason: str


@dataclass(frozen=True)
class Job:
    """One row of `jobs` with its sources and tracks. Times are UTC milliseconds."""

    id: str
    ask: Ask
    state: State
    rev: int
    owner: str | None
    deadline: int
    attempts: int
    marked_at: int | None
    task: str | None
    error: Refusal | None
    cancelled_by: str | None
    report: Mapping[str, Any] | None
    tracks: tuple[Track, ...]
    created_at: int
    updated_at: int
    uploads: tuple[str, ...] = ()
    removed: Removal | None = None
    how: str | None = None
    """By which way the result went out; `kept`: by none, so that it waits for `/jobs get`."""

    @property
    def stoppable(self) -> bool:
        """Whether a Cancel still works: what a hosted engine may have taken is paid for, and comes out."""
        taken = self.state in (State.SUBMITTING, State.SUBMITTED) and self.ask.engine != EngineName.LOCAL
        return self.state in CANCELLABLE and not taken and not self.forgotten

    @property
    def comparable(self) -> bool:
        """Whether a comparison of its sources is offered: a hosted engine tells nothing of the kind, ours does."""
        hosted = self.ask.engine != EngineName.LOCAL and self.ask.operation == Operation.MASHUP
        staged = all(source.hash is not None for source in self.ask.sources)
        return hosted and staged and self.is_open and not self.forgotten

    @property
    def forgotten(self) -> bool:
        """Whether its member asked to be forgotten: it is ended, and nobody is told."""
        return is_former(self.ask.member)

    @property
    def is_open(self) -> bool:
        return self.state not in ENDED

    @property
    def subject(self) -> str:
        """How posts and file references name this job."""
        return f"job:{self.id}"

    @property
    def title(self) -> str:
        return str(self.ask.request["title"])


@dataclass(frozen=True)
class Move:
    """A step forward along one arrow: new columns and the messages that appear because of it."""

    to: State
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    posts: tuple[NewPost, ...] = ()
    sources: tuple[Source, ...] = ()
    tracks: tuple[Track, ...] = ()
    files: tuple[tuple[str, int, str], ...] = ()  # hash, bytes, kind: kept for the job
    wake_at: int | None = None  # default: at once


@dataclass(frozen=True)
class Sleep:
    """Stay in this state, ask for messages, and look again at `wake_at`, unless somebody rang meanwhile."""

    wake_at: int
    posts: tuple[NewPost, ...] = ()


Step = Move | Sleep


class IllegalMove(Exception):  # noqa: N818 - a broken rule of the table above
    """A handler asked for an arrow that does not exist."""


def check_arrow(origin: State, target: State) -> None:
    """Raises `IllegalMove` unless the table has the arrow."""
    if target not in ARROWS[origin]:
        raise IllegalMove(f"{origin} -> {target}")
