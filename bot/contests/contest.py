"""A contest, its phases and the arrows between them, its entries and ballots (pure)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bot.errors import Code, Refused
from bot.request import EngineName

PAGE = 25
"""As many entries as one of Discord's selects can hold."""
TITLE, TEXT, PRIZE = 80, 1000, 300
"""The longest title, theme and prize."""
FEWEST = 2
"""Entries without which there is nothing to vote on."""
RANGES: Mapping[str, tuple[int, int]] = {"units": (0, 1000), "entries": (1, 5), "winners": (1, 10)}
"""The least and the largest number that a rule takes."""


class Phase(StrEnum):
    """Where a contest is."""

    DRAFT = "draft"  # announced to nobody
    OPEN = "open"  # takes entries until its deadline
    VOTING = "voting"  # the masked entries are out; takes ballots until its end
    CLOSED = "closed"  # the result is out
    CANCELLED = "cancelled"
    ARCHIVED = "archived"  # the copies of its entries are gone, and the names of its voters


ARROWS: Mapping[Phase, frozenset[Phase]] = {
    Phase.DRAFT: frozenset({Phase.OPEN, Phase.CANCELLED}),
    Phase.OPEN: frozenset({Phase.VOTING, Phase.CANCELLED}),
    Phase.VOTING: frozenset({Phase.CLOSED, Phase.CANCELLED}),
    Phase.CLOSED: frozenset({Phase.ARCHIVED}),
    Phase.CANCELLED: frozenset({Phase.ARCHIVED}),
    Phase.ARCHIVED: frozenset(),
}
PUBLISHED = frozenset({Phase.CLOSED, Phase.ARCHIVED})
"""Masks are off, and ballots are public by their numbers."""
RUNNING = frozenset({Phase.DRAFT, Phase.OPEN, Phase.VOTING})

_EVERYTHING = frozenset(
    {"title", "theme", "prize", "channel", "gallery", "opens_at", "closes_at", "ends_at", "engines", "units"}
    | {"entries", "enter_role", "vote_role", "masking", "winners", "mention_role"}
)
EDITABLE: Mapping[Phase, frozenset[str]] = {
    Phase.DRAFT: _EVERYTHING,
    Phase.OPEN: frozenset(
        {"theme", "prize", "channel", "gallery", "closes_at", "ends_at", "units", "entries", "mention_role"}
    ),
    Phase.VOTING: frozenset({"channel", "gallery", "ends_at", "mention_role"}),
    Phase.CLOSED: frozenset({"channel"}),
    Phase.CANCELLED: frozenset({"channel"}),
    Phase.ARCHIVED: frozenset(),
}
"""What may still be changed without being unfair to anybody."""
ONLY_UP = frozenset({"units", "entries"})
"""Of these, what can only grow once a contest is open."""


@dataclass(frozen=True)
class Rules:
    """What holds in one contest. None or empty: no restriction."""

    engines: frozenset[str] = frozenset()
    units: int = 5
    """How many units each entrant may use for mashups of the source pair."""
    entries: int = 1
    """How many entries each member may have."""
    enter_role: str | None = None
    vote_role: str | None = None
    masking: bool = True
    winners: int = 1
    mention_role: str | None = None
    """Whom announcements mention, chosen by the organiser."""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "engines": sorted(self.engines)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rules:
        values: dict[str, Any] = {**data, "engines": frozenset(data["engines"])}
        return cls(**values)


@dataclass(frozen=True)
class Schedule:
    """UTC milliseconds: when entering begins (None: by hand), when it ends and voting begins, when voting ends."""

    opens_at: int | None
    closes_at: int
    ends_at: int


@dataclass(frozen=True)
class SourceFile:
    """One of the two files of a fixed pair, in our own store."""

    side: str
    name: str
    size: int
    hash: str
    seconds: float


@dataclass(frozen=True)
class Contest:
    """One row of `contests` with its sources. Times are UTC milliseconds."""

    id: str
    guild: str
    channel: str
    """Where it is announced."""
    gallery: str
    """The channel or thread in which its entries are posted."""
    organiser: str
    locale: str
    max_bytes: int
    title: str
    theme: str
    prize: str
    rules: Rules
    schedule: Schedule
    phase: Phase
    rev: int
    wake_at: int
    salt: str = field(repr=False)
    paused_at: int | None = None
    warned_at: int | None = None
    """Since when its organiser knows that there are too few entries."""
    ended_at: int | None = None
    digest: str | None = None
    """The hash of the ballots, published when it is closed."""
    sources: tuple[SourceFile, ...] = ()
    owner: str | None = None

    @property
    def paused(self) -> bool:
        return self.paused_at is not None

    @property
    def published(self) -> bool:
        return self.phase in PUBLISHED

    @property
    def subject(self) -> str:
        """How posts, file references and notes name this contest."""
        return f"contest:{self.id}"

    def takes_entries(self, now: int) -> bool:
        """Whether something may be entered, replaced or withdrawn."""
        return self.phase is Phase.OPEN and not self.paused and now < self.schedule.closes_at

    def takes_ballots(self, now: int) -> bool:
        return self.phase is Phase.VOTING and not self.paused and now < self.schedule.ends_at


class EntryState(StrEnum):
    """Only what is `entered` is shown and voted on."""

    MAKING = "making"  # its job is not done yet
    ENTERED = "entered"
    WITHDRAWN = "withdrawn"  # by its member, or because nothing came of its job
    DISQUALIFIED = "disqualified"


ACTIVE = frozenset({EntryState.MAKING, EntryState.ENTERED})


@dataclass(frozen=True)
class Entry:
    """One row of `entries`. `original` and `audio` name files: the track itself, and what is shown of it."""

    id: str
    contest: str
    member: str
    job: str
    track: int
    state: EntryState
    number: int | None
    """Says nothing of whose it is; given when voting opens."""
    original: str | None
    audio: str | None
    seconds: float
    title: str
    reason: str | None
    created_at: int

    @property
    def subject(self) -> str:
        return f"entry:{self.id}"


@dataclass(frozen=True)
class Ballot:
    """One member's choices, as ids of entries; `number` is random, and public without the member."""

    contest: str
    member: str = field(repr=False)
    number: int
    choices: tuple[str, ...]
    cast_at: int


@dataclass(frozen=True)
class Draft:
    """What an organiser asks for. `offers` of files are handed over beside it."""

    title: str
    channel: str
    closes_at: int
    ends_at: int
    opens_at: int | None = None
    gallery: str | None = None
    theme: str = ""
    prize: str = ""
    rules: Rules = Rules()

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.opens_at, self.closes_at, self.ends_at)


def check_arrow(origin: Phase, target: Phase, **about: str) -> None:
    """Raises `Refused` unless the table has the arrow."""
    if target not in ARROWS[origin]:
        raise Refused(Code.CONTEST_PHASE, phase=origin.value, **about)


def check_texts(title: str, theme: str, prize: str) -> None:
    """Raises `Refused` for a title that is missing, or a text that is too long."""
    if not title.strip():
        raise Refused(Code.CONTEST_TITLE_MISSING)
    for name, text, limit in (("title", title, TITLE), ("theme", theme, TEXT), ("prize", prize, PRIZE)):
        if len(text) > limit:
            raise Refused(Code.CONTEST_TEXT_TOO_LONG, field=name, limit=limit, actual=len(text))


def check_rules(rules: Rules) -> None:
    """Raises `Refused` for a number out of its range or an engine that does not exist."""
    for name, (least, most) in RANGES.items():
        value: int = getattr(rules, name)
        if not least <= value <= most:
            raise Refused(Code.NUMBER_OUT_OF_RANGE, field=name, value=str(value), least=least, most=most)
    for engine in sorted(rules.engines - set(EngineName)):
        raise Refused(Code.UNKNOWN_CHOICE, field="engines", value=engine, choices=", ".join(EngineName))


def check_changes(contest: Contest, changes: Mapping[str, Any]) -> None:
    """Whether these changes are fair in this phase. Raises `Refused`."""
    for name in sorted(set(changes) - EDITABLE[contest.phase]):
        raise Refused(Code.CONTEST_FIXED, field=name, phase=contest.phase.value)
    if contest.phase is Phase.DRAFT:
        return
    for name in sorted(ONLY_UP & set(changes)):
        if changes[name] < getattr(contest.rules, name):
            raise Refused(Code.CONTEST_FIXED, field=name, phase=contest.phase.value)


def dump(rules: Rules) -> str:
    """Rules as the text that is stored."""
    return json.dumps(rules.to_json(), separators=(",", ":"))


def pair_of(contest: Contest) -> tuple[str, ...]:
    """The hashes of the fixed pair, in the order of the sides; empty without one."""
    return tuple(source.hash for source in contest.sources)


def pages_of(entries: Sequence[Entry]) -> int:
    """How many pages a ballot has."""
    return max(1, -(-len(entries) // PAGE))
