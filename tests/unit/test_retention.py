"""Whatever is kept goes when its time is over, and not before: a clock that is set, real rows, real files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from bot.alerts import Alerts
from bot.clock import Clock
from bot.database import Database, Tx
from bot.files.store import FileStore, keep
from bot.guilds import audit, departures
from bot.guilds.audit import Action
from bot.guilds.guild import GuildSettings
from bot.guilds.moderation import Actor
from bot.guilds.service import GuildService
from bot.guilds.store import keep_settings, settings_of
from bot.jobs import store as jobs
from bot.jobs.job import Ask, Source, State
from bot.posts import store as posts
from bot.posts.post import NewPost, Purpose
from bot.quotas import ledger, policy
from bot.quotas import store as quotas
from bot.quotas.facts import Block, Claim, Effect, Grant, Kind, Rule
from bot.quotas.store import Pending
from bot.quotas.windows import Window, day
from bot.settings import KeepSettings, OperatorSettings, UpkeepSettings
from bot.upkeep import Upkeep
from tests.bookkeeping import counters, sums

DAY = 24 * 3600_000
START = Clock().now() + DAY
"""Ahead of the files' own times, which nobody sets here."""

SAM = Actor("g", "sam", frozenset(), manages=True)


class Calendar(Clock):
    """Real ids; a time that is set by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at


class House:
    """A database, a store and whoever keeps them in order."""

    def __init__(self, db: Database, folder: Path, **days: int) -> None:
        self.db = db
        self.clock = Calendar()
        self.files = FileStore(folder / "files")
        self.files.prepare()
        self.days = KeepSettings.model_validate(days)
        alerts = Alerts(db, self.clock, OperatorSettings.model_validate({}), lambda: None)
        never = UpkeepSettings.model_validate({"backup_hours": 0})
        self.upkeep = Upkeep(db, self.clock, self.files, alerts, never, self.days, folder)
        self.guilds = GuildService(db, self.clock, lambda: None)

    async def after(self, days: float) -> None:
        """So long after the start somebody makes the round."""
        self.clock.at = START + int(days * DAY)
        await self.upkeep.sweep()

    async def job(self, name: str, guild: str = "g", state: State = State.DONE) -> None:
        """A job of this moment with one file; an ended one ended now."""
        path = self.files.incoming(name)
        path.write_bytes(name.encode())
        stored = await self.files.adopt(path, "mp3")
        ended = self.clock.now() if state in (State.DONE, State.FAILED, State.UNKNOWN) else None

        def unit(tx: Tx) -> None:
            source = Source("a", "https://x/a", "a.mp3", 1)
            ask = Ask(name, guild, "c", "m", "en", "kie", "cover", {"title": "t"}, 1, 1, (source,))
            jobs.insert(tx, name, ask, now=self.clock.now(), deadline=0)
            tx.run("UPDATE jobs SET state = ?, ended_at = ? WHERE id = ?", (state, ended, name))
            post = NewPost(Purpose.CARD, "c", {})
            posts.add(tx, f"job:{name}", post, post_id=f"p-{name}", now=self.clock.now())
            tx.run("UPDATE posts SET state = 'sent'")
            keep(tx, [stored], f"job:{name}", START + 3650 * DAY, START)
            claims = [
                Claim(policy.member_account(guild, "m"), 1, 99, day(START)),
                Claim(policy.guild_account(guild), 1, 99, day(START)),
            ]
            ledger.reserve(tx, name, claims, START)
            if ended is not None:
                ledger.settle(tx, name, START)

        await self.db.work(unit)

    def has_file(self, name: str) -> bool:
        return self.files.path(hashlib.sha256(name.encode()).hexdigest()).exists()

    async def count(self, table: str, where: str = "1") -> int:
        return len(await self.db.work(lambda tx: tx.all(f"SELECT 1 FROM {table} WHERE {where}")))


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(db, tmp_path)


def test_the_defaults_are_what_was_promised() -> None:
    keep = KeepSettings.model_validate({})
    assert (keep.result_days, keep.source_days, keep.job_days, keep.audit_days) == (30, 7, 90, 365)
    assert keep.guild_grace_days == 30


async def test_an_ended_job_goes_after_its_days_with_all_that_hangs_on_it(house: House) -> None:
    await house.job("old")
    await house.after(1)
    await house.job("young")
    await house.after(89.9)
    assert await house.count("jobs") == 2
    assert house.has_file("old")
    await house.after(90)
    assert await house.count("jobs", "id = 'old'") == 0
    assert await house.count("sources") == await house.count("posts") == await house.count("file_refs") == 1
    assert not house.has_file("old")
    assert house.has_file("young")


async def test_the_ledger_stays_when_jobs_go(house: House) -> None:
    await house.job("old")
    before = await house.db.work(counters)
    await house.after(400)
    assert await house.count("jobs") == 0
    assert await house.db.work(counters) == await house.db.work(sums) == before != {}


@pytest.mark.parametrize(
    "state", [state for state in State if state not in (State.DONE, State.FAILED, State.UNKNOWN)]
)
async def test_a_job_under_way_never_goes(house: House, state: State) -> None:
    await house.job("open", state=state)
    await house.after(3000)
    assert await house.count("jobs") == 1


async def test_many_go_in_one_round(house: House) -> None:
    def unit(tx: Tx) -> None:
        for number in range(450):
            ask = Ask(str(number), "g", "c", "m", "en", "kie", "cover", {"title": "t"}, 1, 1, ())
            jobs.insert(tx, str(number), ask, now=START, deadline=0)
        tx.run("UPDATE jobs SET state = 'failed', ended_at = ?", (START,))

    await house.db.work(unit)
    await house.after(91)
    assert await house.count("jobs") == 0


async def test_what_moderators_did_goes_after_a_year(house: House) -> None:
    for number in (0, 2):
        house.clock.at = START + number * DAY
        now = house.clock.now()
        await house.db.work(
            lambda tx, now=now: audit.note(tx, "g", "sam", Action.DELETE_RESULT, "job:x", reason="loud", now=now)
        )
    await house.after(364)
    assert await house.count("audit") == 2
    await house.after(365)
    assert await house.count("audit") == 1


async def test_messages_without_a_job_go_when_they_are_over(house: House) -> None:
    def unit(tx: Tx) -> None:
        for name, state in (("over", "sent"), ("open", "pending")):
            posts.add(tx, f"alert:{name}", NewPost(Purpose.ALERT, "c", {}), post_id=name, now=START)
            tx.run("UPDATE posts SET state = ? WHERE id = ?", (state, name))

    await house.db.work(unit)
    await house.after(89)
    assert await house.count("posts") == 2
    await house.after(90)
    assert await house.count("posts", "id = 'open'") == await house.count("posts") == 1


async def test_each_time_has_its_setting(db: Database, tmp_path: Path) -> None:
    house = House(db, tmp_path, job_days=2)
    await house.job("old")
    await house.after(2)
    assert await house.count("jobs") == 0


# ---- a guild that the bot left


async def test_everything_of_a_guild_goes_after_the_grace_period(house: House) -> None:
    for guild in ("gone", "other"):
        await house.job(f"of-{guild}", guild)
        await house.guilds.change(replace(SAM, guild=guild), paused=True)
        await house.db.work(lambda tx, guild=guild: decide_everything(tx, guild))
    await house.guilds.leave("gone")
    await house.after(29.9)
    assert await house.count("jobs") == 2
    await house.after(30)
    for table in await tables(house):
        assert await mentions(house, table, "gone") == 0, table
    assert await house.count("jobs", "guild = 'other'") == 1
    assert (await house.guilds.settings("other")).paused
    assert await house.db.work(counters) == await house.db.work(sums)
    assert await house.db.work(counters) != {}


def decide_everything(tx: Tx, guild: str) -> None:
    """One row in each table of what moderators decide."""
    quotas.put_block(tx, guild, "m", Block("rude", None), by="sam", now=1)
    quotas.put_rule(tx, guild, Rule(Kind.MEMBER, "m", Effect.LIMIT, 0))
    quotas.add_grant(tx, Grant(f"of-{guild}", 5, 0, None), guild, "m", by="sam", reason="kind", now=1)
    claim = Claim(policy.grant_account(f"of-{guild}"), 1, 5, Window(0, 1))
    ledger.reserve(tx, f"granted-{guild}", [claim], 1)
    quotas.put_pending(tx, f"q-{guild}", Pending(guild, "sam", {"do": "pause"}), START)
    posts.add(tx, f"log:{guild}:1", NewPost(Purpose.LOG, "c", {}), post_id=f"l-{guild}", now=START)


async def tables(house: House) -> list[str]:
    rows = await house.db.work(lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table'"))
    return [row["name"] for row in rows]


async def mentions(house: House, table: str, word: str) -> int:
    """In how many rows the word is, in whatever column."""
    rows = await house.db.work(lambda tx: tx.all(f"SELECT * FROM {table}"))
    return sum(any(word in str(value) for value in tuple(row)) for row in rows)


async def test_coming_back_in_time_keeps_everything(house: House) -> None:
    await house.guilds.change(SAM, paused=True)
    await house.guilds.leave("g")
    await house.after(29)
    await house.guilds.arrive("g", "en-US", None)
    await house.after(31)
    assert (await house.guilds.settings("g")).paused
    await house.guilds.leave("g")
    await house.after(60)
    assert (await house.guilds.settings("g")).paused, "the days count from the last time"


async def test_only_the_first_word_of_a_leave_counts(house: House) -> None:
    await house.guilds.change(SAM, paused=True)
    await house.guilds.leave("g")
    await house.after(29)
    await house.guilds.leave("g")
    await house.after(30)
    assert await house.count("guilds") == 0


async def test_a_removal_that_nobody_saw_is_found_at_the_start(house: House) -> None:
    await house.job("a", "left")
    await house.guilds.change(replace(SAM, guild="here"), paused=True)
    await house.guilds.leave("here")
    await house.guilds.look_round({"here"})
    assert await house.db.work(lambda tx: departures.gone_since(tx, START)) == ["left"]


async def test_a_job_under_way_holds_its_guild_until_it_ended(house: House) -> None:
    await house.job("open", state=State.SUBMITTED)
    await house.db.work(lambda tx: keep_settings(tx, "g", GuildSettings(paused=True), START))
    await house.guilds.leave("g")
    await house.after(31)
    assert (await house.db.work(lambda tx: settings_of(tx, "g"))).paused
    await house.db.work(lambda tx: tx.run("UPDATE jobs SET state = 'failed', ended_at = ?", (START,)))
    await house.after(32)
    assert await house.count("guilds") == await house.count("jobs") == await house.count("departures") == 0
