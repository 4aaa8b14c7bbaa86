"""A contest room without Discord: real rows and files, a clock that is set, a channel that is a list."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from bot import failpoints
from bot.clock import Clock
from bot.contests import entries, galleries, store
from bot.contests.contest import Contest, Draft, Entry, Rules
from bot.contests.desk import Tools
from bot.contests.line import ContestLine
from bot.contests.masking import Masks
from bot.contests.service import ContestService
from bot.contests.stake import ContestStake
from bot.database import Database, Tx
from bot.engines.port import Capabilities, Engine
from bot.engines.registry import Registry
from bot.engines.switches import Switches
from bot.errors import Code, Refused
from bot.files.store import FileStore, Stored, keep
from bot.guilds.moderation import Actor
from bot.jobs import store as jobs
from bot.jobs.job import Job, Move, State, Track
from bot.jobs.line import JobLine
from bot.jobs.service import JobService, Offer, Place
from bot.jobs.staging import Stager
from bot.jobs.steps import Steps
from bot.posts.line import PostLine
from bot.posts.port import Closed
from bot.posts.post import ContestNews, EntryShow, Post, Progress, content_of
from bot.quotas.facts import Operator
from bot.quotas.gate import Gate
from bot.request import EngineName, Limits, Operation
from bot.settings import KeepSettings
from bot.worker.pool import Pool

HOUR, DAY = 3600_000, 24 * 3600_000
START = 1_800_000_000_000
GUILD, CHANNEL, GALLERY = "7", "71", "72"
SAM = Actor(GUILD, "1", frozenset(), manages=True)
KEEP = KeepSettings.model_validate({})
_numbers = itertools.count(1)


class Calendar(Clock):
    """Real ids; a time that is set by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at


class Ahead(Clock):
    """A second later than a calendar, so that messages which are asked for one after another are all due."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def now(self) -> int:
        return self._calendar.at + 1000


@dataclass
class Said:
    """One message that is out."""

    post: str
    channel: str
    content: Any
    id: str


@dataclass
class Channel:
    """Where messages go: implements the delivery port. `closed` channels take nothing."""

    said: list[Said] = field(default_factory=list[Said])
    removed: list[str] = field(default_factory=list[str])
    closed: set[str] = field(default_factory=set[str])

    async def send(self, post: Post) -> str:
        if post.target in self.closed:
            raise Closed(Code.CHANNEL_GONE)
        with failpoints.around("send"):
            self.said.append(Said(post.id, post.target, content_of(post), f"9{len(self.said)}"))
        return self.said[-1].id

    async def find(self, post: Post) -> str | None:
        return next((said.id for said in self.said if said.post == post.id), None)

    async def remove(self, post: Post) -> None:
        self.removed.append(post.message_id or "")

    async def show(self, post: Post, progress: Progress) -> None: ...

    @property
    def news(self) -> list[tuple[str, ContestNews]]:
        """Announcements with their channels, as they came."""
        return [(said.channel, said.content) for said in self.said if isinstance(said.content, ContestNews)]

    @property
    def moves(self) -> list[str]:
        return [news.move for _, news in self.news]

    @property
    def shown(self) -> list[EntryShow]:
        return [said.content for said in self.said if isinstance(said.content, EntryShow)]


class Copier:
    """Stands where the pool of children does: a masked copy is the source with another beginning."""

    def __init__(self) -> None:
        self.refuses: set[str] = set()

    async def run(self, target: str, arguments: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        self._copy(Path(arguments["source"]), Path(arguments["audio"]))
        return {"seconds": 10.0}

    def _copy(self, source: Path, audio: Path) -> None:
        sound = source.read_bytes()
        if sound.decode() in self.refuses:
            raise Refused(Code.AUDIO_DAMAGED)
        audio.write_bytes(b"masked " + sound)


def engine(name: EngineName) -> Engine:
    """All that accepting reads of an engine."""
    capabilities = Capabilities((), Limits(prompt=500, style=100, title=80), frozenset())
    known = SimpleNamespace(
        name=name, capabilities=mock.Mock(return_value=capabilities), repeatable=True, cancellable=True
    )
    return cast(Engine, known)


class Room:
    """One process; another one on the same database is the same after a restart."""

    def __init__(self, db: Database, folder: Path, channel: Channel | None = None, clock: Calendar | None = None):
        self.db = db
        self.clock = clock or Calendar()
        self.channel = channel or Channel()
        self.copier = Copier()
        self.files = FileStore(folder / "files")
        self.files.prepare()
        registry = Registry([engine(EngineName.LOCAL), engine(EngineName.KIE)])
        switches = Switches(db, self.clock)
        stake = self.stake = ContestStake(self.clock)
        gate = self.gate = Gate(
            Operator(cooldown_seconds=0, member_running=9, member_running_most=9, guild_running=99)
        )
        self.jobs = JobService(
            db,
            self.clock,
            registry,
            switches,
            max_source_bytes=1 << 20,
            gate=gate,
            keep=KEEP,
            wake=lambda: None,
            stake=stake,
        )
        steps = cast(Steps, SimpleNamespace(handlers={}))
        alarm = cast(Any, None)
        self.job_line = JobLine(db, self.clock, registry, switches, steps, lambda _: None, alarm, KEEP, stake)
        stager = self.stager = cast(Stager, SimpleNamespace(stage=self._stage))
        keep_ms = KEEP.result_days * DAY
        self.service = ContestService(Tools(db, self.clock, self.jobs, stager, keep_ms, lambda: None))
        self.line = ContestLine(db, self.clock, Masks(db, self.clock, cast(Pool, self.copier), self.files), keep_ms)
        self.posts = PostLine(db, Ahead(self.clock), self.channel, self._posted)

    async def run(self) -> None:
        """Whatever is due happens, until nothing is."""
        await self.db.work(lambda tx: (self.line.clear(tx), self.posts.clear(tx)))
        busy = True
        while busy:
            contests = await self.db.work(lambda tx: self.line.claim(tx, "me", 9))
            for contest in contests:
                await self.line.advance(contest, "me")
            sent = await self.db.work(lambda tx: self.posts.claim(tx, "me", 9))
            for post in sent:
                await self.posts.advance(post, "me")
            busy = bool(contests or sent)

    async def at(self, moment: int) -> None:
        """It is so late, and whatever is due has happened."""
        self.clock.at = START + moment
        await self.run()

    async def create(self, *, pair: bool = False, title: str = "Night Drive", **rules: Any) -> Contest:
        """A draft that opens after an hour, closes after two days, and ends after four."""
        now = self.clock.now()
        draft = Draft(title, CHANNEL, now + 2 * DAY, now + 4 * DAY, now + HOUR, GALLERY, rules=Rules(**rules))
        offers = (Offer("https://x/a", "a.mp3", 5), Offer("https://x/b", "b.mp3", 5)) if pair else ()
        return await self.service.create(SAM, place("1"), draft, offers)

    async def opened(self, **rules: Any) -> Contest:
        contest = await self.create(**rules)
        await self.at(HOUR)
        return await self.contest(contest.id)

    async def voting(self, members: int = 3, **rules: Any) -> Contest:
        """In its vote, with an entry of each of so many members, who are called 101, 102 ..."""
        contest = await self.opened(**rules)
        for member in range(101, 101 + members):
            await self.enter(contest, str(member))
        await self.at(2 * DAY)
        return await self.contest(contest.id)

    async def enter(self, contest: Contest, member: str) -> Entry:
        return await self.service.enter(place(member), contest.id, await self.made(member))

    async def made(self, member: str, *, private: bool = True, sources: tuple[str, ...] = ()) -> str:
        """A finished job of somebody; returns its id."""
        where = replace(place(member), private=private)
        offers = [Offer("", f"{n}.mp3", 5, digest, 10.0) for n, digest in enumerate(sources)]
        offers = offers or [Offer("https://x/a.mp3", "a.mp3", 9), Offer("https://x/b.mp3", "b.mp3", 9)]
        accepted = await self.jobs.ask(Operation.MASHUP, where, tuple(offers), {"engine": "local"})
        await self.done(accepted.job.id)
        return accepted.job.id

    async def done(self, job_id: str, state: State = State.DONE) -> None:
        """The last step of a job, as its line takes it."""
        digest = await self.stored(f"sound of {job_id}")
        changes = {"how": "answer"} if state is State.DONE else {}

        def unit(tx: Tx) -> Job:
            jobs.add_track(tx, job_id, Track(1, digest.hash, "", f"title of {job_id}", 10.0))
            keep(tx, [digest], f"job:{job_id}", self.clock.now() + 30 * DAY, self.clock.now())
            before = State.POSTING if state is State.DONE else State.NOTIFYING
            tx.run("UPDATE jobs SET state = ?, owner = 'me' WHERE id = ?", (before, job_id))
            found = jobs.get(tx, job_id)
            assert found is not None
            return found

        job = await self.db.work(unit)
        await self.job_line._apply(job, "me", Move(state, changes))

    async def stored(self, sound: str) -> Stored:
        path = self.files.incoming(f"made-{next(_numbers)}")
        path.write_bytes(sound.encode())
        return await self.files.adopt(path, "mp3")

    async def contest(self, contest_id: str) -> Contest:
        found = await self.db.work(lambda tx: store.get(tx, contest_id))
        assert found is not None
        return found

    async def entries(self, contest: Contest) -> list[Entry]:
        return await self.db.work(lambda tx: entries.of(tx, contest.id))

    async def _stage(self, mark: str, name: str, url: str) -> tuple[Stored, float]:
        return await self.stored(f"source {url}"), 10.0

    def _posted(self, tx: Tx, post: Post) -> None:
        galleries.posted(tx, post, self.clock.new_id, self.clock.now())


def place(member: str, *roles: str) -> Place:
    """Where and by whom; every one is another interaction."""
    return Place(
        interaction=str(1_000_000 + next(_numbers)),
        guild=GUILD,
        channel="70",
        member=member,
        locale="en-US",
        max_bytes=1 << 23,
        roles=frozenset(roles),
    )
