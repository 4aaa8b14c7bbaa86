"""Many servers in one bot: members who are on all of them do whatever they can think of, with ids of anywhere.

Everything that belongs to a server carries its mark, which is also its id; what comes back to somebody on one of
them may carry no other mark.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from bot.contests.contest import Draft
from bot.database import Database, Tx
from bot.errors import Refused
from bot.guilds.moderation import Actor
from bot.guilds.service import GuildService
from bot.jobs.loading import Decking
from bot.jobs.reach import Listener, Reach
from bot.jobs.results import Results
from bot.jobs.service import Offer, Place, Reader
from bot.quotas.service import QuotaService
from bot.request import Operation
from tests.contests import DAY, HOUR, KEEP, Room, place

MARK = re.compile(r"zq\d\dzq")
_MEMBERS = [str(1000 + number) for number in range(12)]
_REMEMBERED = 400
_EVERY = 40


class Town:
    """Some servers, twelve members of all of them, and the real services over real rows."""

    def __init__(self, db: Database, folder: Path, guilds: int, seed: int) -> None:
        self.room = room = Room(db, folder)
        self._chance = random.Random(seed)
        self.guilds = [f"zq{number:02}zq" for number in range(guilds)]
        wake, clock = (lambda: None), room.clock
        self._results = Results(db, clock, room.jobs, room.gate, room.stake, wake)
        self._reach = Reach(db, clock, room.stake)
        self._quotas = QuotaService(db, clock, room.gate, wake)
        self._settings = GuildService(db, clock, wake)
        self._decks = Decking(db, clock, room.gate, room.jobs, room.stager, keep_days=KEEP.source_days)
        self._jobs: dict[str, tuple[str, str]] = {}
        self._contests: dict[str, str] = {}
        """Whose each is: of which server, and a job's member."""
        self._questions: list[str] = []
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.leaks: list[str] = []
        acts = (self._ask, self._look, self._touch, self._use, self._limit, self._set, self._contest, self._judge)
        self._acts: tuple[Callable[[str, str], Awaitable[Any]], ...] = (*acts, self._load)

    async def live(self, acts: int) -> list[str]:
        """So many acts by chance; what came to the wrong place, and afterwards what lies in the wrong row."""
        for number in range(acts):
            if number % _EVERY == _EVERY - 1:
                await self.room.at(number // _EVERY * HOUR)
            guild, member = self._chance.choice(self.guilds), self._chance.choice(_MEMBERS)
            act = self._chance.choice(self._acts)
            name = act.__name__
            try:
                told = repr(await act(guild, member))
                self.done[name] += 1
            except Refused as refused:
                told = repr(refused.refusal)
                self.refused[name] += 1
            self._judge_words(guild, name, told)
        self.leaks += await self.room.db.work(misplaced)
        return self.leaks

    def _judge_words(self, guild: str, act: str, told: str) -> None:
        foreign = set(MARK.findall(told)) - {guild}
        if foreign:
            self.leaks.append(f"{act} on {guild} told of {sorted(foreign)}: {told[:300]}")

    def _some(self, known: Sequence[str], own: Sequence[str] = ()) -> str:
        """An id of one's own, or one from anywhere; an invented one where there is none."""
        mine = own if own and self._chance.random() < 0.5 else known
        return self._chance.choice(mine[-_REMEMBERED:] or ["000000000000"])

    def _some_job(self, guild: str, member: str) -> str:
        return self._some(list(self._jobs), [name for name, of in self._jobs.items() if of == (guild, member)])

    def _some_contest(self, guild: str) -> str:
        return self._some(list(self._contests), [name for name, of in self._contests.items() if of == guild])

    def _place(self, guild: str, member: str) -> Place:
        mine = place(member)
        private = self._chance.random() < 0.3
        return Place(mine.interaction, guild, f"{guild}-room", member, "en-US", 1 << 23, private=private)

    def _actor(self, guild: str, member: str) -> Actor:
        return Actor(guild, member, frozenset(), manages=self._chance.random() < 0.7)

    def _offers(self, guild: str) -> tuple[Offer, Offer]:
        first, second = (Offer(f"https://x/{guild}/{side}", f"{guild} {side}.mp3", 9) for side in "ab")
        return first, second

    async def _ask(self, guild: str, member: str) -> Any:
        given = {"engine": "local", "title": f"Song of {guild}"}
        accepted = await self.room.jobs.ask(
            Operation.MASHUP, self._place(guild, member), self._offers(guild), given
        )
        self._jobs[accepted.job.id] = guild, member
        await self.room.done(accepted.job.id)
        return accepted

    async def _look(self, guild: str, member: str) -> Any:
        jobs, who = self.room.jobs, Reader(guild, member, self._chance.random() < 0.5)
        listener = Listener(guild, member, lambda _: True)
        match self._chance.randrange(7):
            case 0:
                return await jobs.listed(who, everyone=True, page=self._chance.randrange(3))
            case 1:
                return await jobs.removable(who), await jobs.cancellable(who)
            case 2:
                return await jobs.finished(who, self._some_job(guild, member))
            case 3:
                return await self._results.details(who, self._some_job(guild, member))
            case 4:
                return await self._reach.known(listener, "")
            case 5:
                return await self._reach.offer(
                    listener, f"{self._some_job(guild, member)}/{self._chance.choice('1ab')}"
                )
            case _:
                message = f"9{self._chance.randrange(max(1, len(self.room.channel.said)))}"
                return await self._reach.of_message(listener, message)

    async def _touch(self, guild: str, member: str) -> Any:
        job, who = self._some_job(guild, member), Reader(guild, member, self._chance.random() < 0.5)
        match self._chance.randrange(3):
            case 0:
                return await self.room.jobs.cancel(who, job)
            case 1:
                return await self.room.jobs.remove(who, job, f"because of {guild}")
            case _:
                return await self.room.jobs.deletable(who, job)

    async def _use(self, guild: str, member: str) -> Any:
        where, job, results = self._place(guild, member), self._some_job(guild, member), self._results
        match self._chance.randrange(4):
            case 0:
                made = await results.again(where, job)
            case 1:
                made = await results.swap(where, job)
            case 2:
                return await results.share(where, job)
            case _:
                return await results.form(where, job)
        self._jobs[made.job.id] = guild, member
        return made

    async def _limit(self, guild: str, member: str) -> Any:
        quotas, actor = self._quotas, self._actor(guild, member)
        other = self._chance.choice(_MEMBERS)
        match self._chance.randrange(8):
            case 0:
                return await quotas.status(self.room.jobs.asking(actor, f"{guild}-room", ""))
            case 1:
                return await quotas.grant(actor, other, 3, None, f"kindness of {guild}")
            case 2:
                step = {"do": "block", "member": other, "why": f"rude on {guild}", "ends": None}
                self._questions.append(await quotas.prepare(actor, step))
                return None
            case 3:
                return await quotas.confirm(actor, self._some(self._questions))
            case 4:
                return await quotas.use(actor, 30)
            case 5:
                return await quotas.log(actor, about=None, by=None, page=0)
            case 6:
                return await quotas.export(actor, 30)
            case _:
                return await quotas.unblock(actor, other)

    async def _set(self, guild: str, member: str) -> Any:
        if self._chance.random() < 0.5:
            return await self._settings.settings(guild)
        channels = frozenset[str]() if self._chance.random() < 0.5 else frozenset({f"{guild}-room"})
        return await self._settings.change(self._actor(guild, member), channels=channels)

    async def _contest(self, guild: str, member: str) -> Any:
        service, where, now = self.room.service, self._place(guild, member), self.room.clock.now()
        contest, job = self._some_contest(guild), self._some_job(guild, member)
        match self._chance.randrange(7):
            case 0:
                draft = Draft(
                    f"Contest of {guild}", f"{guild}-room", now + DAY, now + 2 * DAY, gallery=f"{guild}-g"
                )
                made = await service.create(self._actor(guild, member), where, draft)
                self._contests[made.id] = guild
                return made
            case 1:
                return await service.listed(guild), await service.enterable(where)
            case 2:
                return await service.info(guild, contest, member)
            case 3:
                return await service.enter(where, contest, job)
            case 4:
                return await service.mashup(where, contest, {"engine": "local"})
            case 5:
                return await service.ballot(where, contest)
            case _:
                page = await service.ballot(where, contest)
                names = [entry.id for entry in page.candidates]
                return await service.vote(where, contest, names, names[:1])

    async def _judge(self, guild: str, member: str) -> Any:
        service, actor, contest = self.room.service, self._actor(guild, member), self._some_contest(guild)
        match self._chance.randrange(7):
            case 0:
                return await service.open(actor, contest)
            case 1:
                return await service.close(actor, contest)
            case 2:
                return await service.cancel(actor, contest, f"because of {guild}")
            case 3:
                return await service.edit(actor, contest, theme=f"Theme of {guild}")
            case 4:
                return await service.disqualify(actor, contest, "1", f"because of {guild}")
            case 5:
                return await service.behind_mask(actor, contest, "1", f"because of {guild}")
            case _:
                return await service.export(actor, contest, "csv")

    async def _load(self, guild: str, member: str) -> Any:
        match self._chance.randrange(4):
            case 0:
                return await self._decks.load(self._place(guild, member), "1", self._offers(guild))
            case 1:
                return await self._decks.held(guild, member)
            case 2:
                return await self._decks.swap(guild, member)
            case _:
                made = await self._decks.start(self._place(guild, member))
                self._jobs[made.job.id] = guild, member
                return made


def misplaced(tx: Tx) -> list[str]:
    """Rows of one server that carry the mark of another, whichever of their columns it is in."""
    found: list[str] = []
    for (table,) in [tuple(row) for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'table'")]:
        for row in tx.all(f"SELECT * FROM {table}"):
            marks = set(MARK.findall(json.dumps([str(value) for value in tuple(row)])))
            if len(marks) > 1:
                found.append(f"a row of {table} is of {sorted(marks)}: {dict(row)}"[:400])
    return found
