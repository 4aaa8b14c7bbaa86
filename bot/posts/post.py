"""A message that must appear once, its states, and the values it may carry (pure)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.errors import Refusal, Value


class PostState(StrEnum):
    """`sending` is a committed marker: its handler looks the message up before it sends again."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"  # the channel refuses for good; `error` says why
    REMOVING = "removing"  # it is out, and is to be deleted
    REMOVED = "removed"


class Purpose(StrEnum):
    """What the message is to its subject."""

    CARD = "card"
    RESULT = "result"
    NOTICE = "notice"
    ALERT = "alert"
    LOG = "log"
    # Of a private job: in the answer that only its member sees, by direct message, and a word in the channel.
    ANSWER = "answer"
    ANSWER_NOTICE = "answer-notice"
    DIRECT = "direct"
    READY = "ready"
    SORRY = "sorry"
    SHARED = "shared"  # a private result that its member showed to a channel
    PICTURE = "picture"  # no message of its own: what a result that is out shows besides
    # Of a contest (subject `contest:ID`, or `contest:ID:REV` for what may happen more than once) and its entries.
    CONTEST_OPENED = "contest-opened"
    CONTEST_VOTING = "contest-voting"
    CONTEST_RESULTS = "contest-results"
    CONTEST_CANCELLED = "contest-cancelled"
    CONTEST_EXTEND = "contest-extend"
    CONTEST_NEWS = "contest-news"
    CONTEST_TROUBLE = "contest-trouble"
    ENTRY = "entry"
    WELCOME = "welcome"  # to a guild that the bot was added to


class Route(StrEnum):
    """Where a message goes; a target without a prefix is a channel."""

    CHANNEL = ""
    ANSWER = "answer:"  # the answer to the command that made a job, while its token lives
    DIRECT = "direct:"  # the direct messages of a member


def answer_to(job: str) -> str:
    """The target that is the answer to the command of this job."""
    return f"{Route.ANSWER}{job}"


def direct_to(member: str) -> str:
    """The target that is this member's direct messages."""
    return f"{Route.DIRECT}{member}"


@dataclass(frozen=True)
class Post:
    """One row of `posts`. `body` is the JSON of one of the values below."""

    id: str
    subject: str
    purpose: Purpose
    target: str
    body: Mapping[str, Any]
    nonce: str
    state: PostState
    rev: int
    attempts: int
    marked_at: int | None
    message_id: str | None

    @property
    def route(self) -> Route:
        """What kind of place the target is."""
        return next(
            (route for route in (Route.ANSWER, Route.DIRECT) if self.target.startswith(route)), Route.CHANNEL
        )

    @property
    def place(self) -> str:
        """The id of the channel, the job or the member."""
        return self.target.removeprefix(self.route)


@dataclass(frozen=True)
class NewPost:
    """A message asked for in the unit that causes it."""

    purpose: Purpose
    target: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """What the live card shows. `stage` is a short code, `fraction` 0 to 1, `ready_at` UTC milliseconds."""

    job: str
    member: str
    locale: str
    title: str
    engine: str
    sources: tuple[str, ...]
    stage: str
    fraction: float = 0.0
    place: int = 0
    ready_at: int | None = None
    unused: tuple[str, ...] = ()
    prompt: str | None = None
    lyrics: bool = False
    same_file: bool = False
    cancellable: bool = False
    comparable: bool = False
    """How well its sources go together can be told: they are ours, and a hosted engine has them mashed."""
    slow: bool = False
    down: bool = False
    """It waits for an engine that takes nothing now."""
    error: Refusal | None = None

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "error": self.error.to_json() if self.error else None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Progress:
        error = Refusal.from_json(data["error"]) if data["error"] else None
        lists = {name: tuple(data[name]) for name in ("sources", "unused")}
        values: dict[str, Any] = {**data, **lists, "error": error}
        return cls(**values)


@dataclass(frozen=True)
class ResultTrack:
    """One finished track: hashes name files of the store."""

    number: int
    title: str
    audio: str
    picture: str
    """Empty until it is drawn."""
    seconds: float


@dataclass(frozen=True)
class Result:
    """What the result message shows. `report` is the engine's report (docs/engines.md)."""

    job: str
    member: str
    locale: str
    title: str
    engine: str
    sources: tuple[str, ...]
    tracks: tuple[ResultTrack, ...]
    report: Mapping[str, Any]
    unused: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "tracks": [vars(track) for track in self.tracks]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        tracks = tuple(ResultTrack(**track) for track in data["tracks"])
        lists = {name: tuple(data[name]) for name in ("sources", "unused")}
        values: dict[str, Any] = {**data, **lists, "tracks": tracks}
        return cls(**values)


@dataclass(frozen=True)
class Pictures:
    """What a result gains that went out before its pictures were drawn: number and file of each, by hash."""

    message: str
    files: tuple[tuple[int, str], ...]

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Pictures:
        return cls(data["message"], tuple((int(number), str(digest)) for number, digest in data["files"]))


@dataclass(frozen=True)
class Notice:
    """Why there is no result, for the member who asked."""

    job: str
    member: str
    locale: str
    title: str
    error: Refusal = field()
    again: bool = False
    """Whether the member may ask for the same thing once more."""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "error": self.error.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Notice:
        values: dict[str, Any] = {**data, "error": Refusal.from_json(data["error"])}
        return cls(**values)


@dataclass(frozen=True)
class Alert:
    """Something that the operators must know; `values` fill the sentence of the cause."""

    cause: str
    locale: str
    operators: tuple[str, ...]
    values: Mapping[str, Value]

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Alert:
        values: dict[str, Any] = {**data, "operators": tuple(data["operators"])}
        return cls(**values)


@dataclass(frozen=True)
class Hint:
    """A word in the channel about a private job that tells nothing of it; `message` is the id of its text."""

    job: str
    member: str
    locale: str
    message: str

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Hint:
        return cls(**data)


@dataclass(frozen=True)
class Announcement:
    """What moderators changed, for the guild's log channel; `entries` are rows of the audit."""

    locale: str
    entries: tuple[Mapping[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Announcement:
        return cls(data["locale"], tuple(data["entries"]))


@dataclass(frozen=True)
class Welcome:
    """What the bot says of itself where it was added."""

    locale: str

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Welcome:
        return cls(**data)


@dataclass(frozen=True)
class Placed:
    """What became of one entry, unmasked."""

    number: int
    member: str
    title: str
    audio: str
    seconds: float
    points: int
    rank: int
    winner: bool
    tie_broken: bool = False


@dataclass(frozen=True)
class ContestNews:
    """What moved in a contest. Times are UTC milliseconds.

    `move`: opened, voting, results, cancelled, extend, edited, paused, resumed, corrected, trouble or reported.
    """

    move: str
    contest: str
    locale: str
    title: str
    organiser: str
    theme: str = ""
    prize: str = ""
    mention_role: str | None = None
    opens_at: int | None = None
    closes_at: int = 0
    ends_at: int = 0
    gallery: str = ""
    entries: int = 0
    ballots: int = 0
    winners: int = 1
    per_member: int = 1
    units: int = 0
    masking: bool = True
    enter_role: str | None = None
    vote_role: str | None = None
    sources: tuple[str, ...] = ()
    """Names of the fixed pair."""
    reason: str = ""
    """Why it was cancelled: what an organiser wrote, or `too-few` or `never-opened`; for trouble the code."""
    by: str = ""
    """Who moved it by hand."""
    digest: str = ""
    answer_by: int = 0
    """Until when an organiser may extend."""
    placed: tuple[Placed, ...] = ()
    """Every entry of a result, best first; empty before."""
    changes: tuple[str, ...] = ()
    """Which fields were edited."""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "placed": [vars(one) for one in self.placed]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ContestNews:
        placed = tuple(Placed(**one) for one in data["placed"])
        lists = {name: tuple(data[name]) for name in ("sources", "changes")}
        values: dict[str, Any] = {**data, **lists, "placed": placed}
        return cls(**values)


@dataclass(frozen=True)
class EntryShow:
    """One entry in the gallery; the file is to be called `entry-NUMBER.mp3`, with the post's id where it is seen
    to be marked. `member` and `title` are empty in a masked contest."""

    entry: str
    contest: str
    contest_title: str
    locale: str
    number: int
    audio: str
    seconds: float
    member: str = ""
    title: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EntryShow:
        return cls(**data)


Content = Progress | Result | Pictures | Notice | Alert | Hint | Announcement | ContestNews | EntryShow | Welcome
_CONTENT: Mapping[Purpose, type[Content]] = {
    Purpose.CARD: Progress,
    Purpose.RESULT: Result,
    Purpose.ANSWER: Result,
    Purpose.DIRECT: Result,
    Purpose.SHARED: Result,
    Purpose.PICTURE: Pictures,
    Purpose.NOTICE: Notice,
    Purpose.ANSWER_NOTICE: Notice,
    Purpose.ALERT: Alert,
    Purpose.LOG: Announcement,
    Purpose.READY: Hint,
    Purpose.SORRY: Hint,
    Purpose.CONTEST_OPENED: ContestNews,
    Purpose.CONTEST_VOTING: ContestNews,
    Purpose.CONTEST_RESULTS: ContestNews,
    Purpose.CONTEST_CANCELLED: ContestNews,
    Purpose.CONTEST_EXTEND: ContestNews,
    Purpose.CONTEST_NEWS: ContestNews,
    Purpose.CONTEST_TROUBLE: ContestNews,
    Purpose.ENTRY: EntryShow,
    Purpose.WELCOME: Welcome,
}


def content_of(post: Post) -> Content:
    """The value that a post carries."""
    return _CONTENT[post.purpose].from_json(post.body)


def dump(body: Mapping[str, Any]) -> str:
    """A body as the text that is stored."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
