"""A month of a guild in Berlin by a clock that a test turns, through the night in which the clocks change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.clock import Clock
from bot.database import Database
from bot.engines.switches import Switches
from bot.errors import Alarm, Cause, Refused, Value
from bot.guilds.guild import Period
from bot.guilds.moderation import Actor
from bot.guilds.service import GuildService
from bot.jobs.service import JobService
from bot.quotas import ledger
from bot.quotas.caps import CapWatch
from bot.quotas.facts import THOUSANDTHS, Asking, Operator, credits_account
from bot.quotas.gate import Gate
from bot.quotas.service import QuotaService
from bot.request import Operation
from tests.bookkeeping import counters, sums
from tests.unit.test_job_ledger import KEEP, OFFERS, PLACE, REGISTRY

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600_000
MODERATOR = Actor("7", "99", frozenset(), manages=True)
OPERATOR = Operator(member_day=2, guild_day=5)


class Calendar(Clock):
    """Stands still until it is turned."""

    def __init__(self, local: str) -> None:
        self.turn(datetime.fromisoformat(local))

    def turn(self, local: datetime) -> None:
        """To a local time in Berlin, of two the earlier."""
        self._now = int(local.replace(tzinfo=BERLIN).timestamp() * 1000)

    def pass_by(self, milliseconds: int) -> None:
        self._now += milliseconds

    def now(self) -> int:
        return self._now


SAM = Actor("7", "99", frozenset(), manages=True)


class Guild:
    """Members 1, 2 and 3 of guild 7, whose jobs end at once."""

    def __init__(self, db: Database, clock: Calendar) -> None:
        self.db, self.clock = db, clock
        gate = Gate(OPERATOR)
        self.quotas = QuotaService(db, clock, gate, lambda: None)
        self.jobs = JobService(
            db,
            clock,
            REGISTRY,
            Switches(db, clock),
            max_source_bytes=1 << 20,
            gate=gate,
            keep=KEEP,
            wake=lambda: None,
        )
        self._number = 0

    async def ask(self, member: str) -> str:
        """`done`, or the code of the refusal; a quarter of an hour passes."""
        self._number += 1
        self.clock.pass_by(HOUR // 4)
        place = replace(PLACE, interaction=f"i{self._number}", member=member)
        try:
            accepted = await self.jobs.ask(Operation.MASHUP, place, OFFERS, {"engine": "kie"})
        except Refused as refused:
            return refused.refusal.code.value
        now = self.clock.now()
        await self.db.work(lambda tx: ledger.settle(tx, accepted.job.id, now))
        return "done"

    async def day(self, local: datetime) -> Counter[str]:
        """Each member asks three times, from seven in the evening on; how many jobs each got."""
        self.clock.turn(local.replace(hour=19))
        got: Counter[str] = Counter()
        for member in "123" * 3:
            answer = await self.ask(member)
            got[member if answer == "done" else answer] += 1
        return got


@pytest.fixture
async def guild(db: Database) -> Guild:
    clock = Calendar("2026-10-01T00:00")
    await GuildService(db, clock, lambda: None).change(SAM, zone="Europe/Berlin")
    return Guild(db, clock)


async def test_a_month_of_days(guild: Guild) -> None:
    """Two for each and five for all, on every one of the 31 days."""
    for number in range(31):
        got = await guild.day(datetime(2026, 10, 1) + timedelta(days=number))  # noqa: DTZ001 - local time
        assert got == {"1": 2, "2": 2, "3": 1, "quota-guild": 2, "quota-member": 2}, number
    books = await guild.db.work(counters)
    assert books == await guild.db.work(sums)
    ours = {start: both for (account, start), both in books.items() if account == "guild:7"}
    assert set(ours.values()) == {(0, 5)}
    gaps = [later - earlier for earlier, later in zip(sorted(ours), sorted(ours)[1:], strict=False)]
    assert Counter(gaps) == {24 * HOUR: 29, 25 * HOUR: 1}


async def test_a_month_of_weeks_then_one_of_months(guild: Guild) -> None:
    service = GuildService(guild.db, guild.clock, lambda: None)
    await service.change(SAM, period=Period.WEEK, member_units=3, guild_units=100)
    got: Counter[str] = Counter()
    for number in range(31):
        got += await guild.day(datetime(2026, 10, 1) + timedelta(days=number))  # noqa: DTZ001 - local time
    weeks = 5
    """1 to 4, 5 to 11, 12 to 18, 19 to 25, 26 to 31 October."""
    assert {member: got[member] for member in "123"} == dict.fromkeys("123", 3 * weeks)
    await service.change(SAM, period=Period.MONTH)
    got.clear()
    for number in range(30):
        got += await guild.day(datetime(2026, 11, 1) + timedelta(days=number))  # noqa: DTZ001 - local time
    assert {member: got[member] for member in "123"} == dict.fromkeys("123", 3)
    assert await guild.db.work(counters) == await guild.db.work(sums)


async def test_what_ends_ends_on_its_day(guild: Guild) -> None:
    """A grant for two days, a block for one, a pause in between, and a job that is over after midnight."""
    noon = datetime(2026, 10, 24, 12)  # noqa: DTZ001 - local time
    guild.clock.turn(noon)
    await guild.quotas.grant(MODERATOR, "1", 3, 48, "won")
    step = {"do": "block", "member": "2", "why": "spam", "hours": 24}
    await guild.quotas.confirm(MODERATOR, await guild.quotas.prepare(MODERATOR, step))
    assert [await guild.ask("1") for _ in range(4)] == ["done"] * 4
    assert await guild.ask("2") == "blocked-until"
    guild.clock.turn(noon + timedelta(days=1))
    assert await guild.ask("2") == "done"
    assert [await guild.ask("1") for _ in range(4)] == ["done", "done", "done", "quota-member"]
    guild.clock.turn(noon + timedelta(days=2))
    assert [await guild.ask("1") for _ in range(3)] == ["done", "done", "quota-member"]
    await guild.quotas.confirm(MODERATOR, await guild.quotas.prepare(MODERATOR, {"do": "pause"}))
    guild.clock.turn(noon + timedelta(days=5))
    assert await guild.ask("3") == "guild-paused"
    await guild.quotas.resume(MODERATOR)
    assert await guild.ask("3") == "done"


async def test_the_cooldown_and_the_running_job_are_met_in_time(guild: Guild) -> None:
    place = replace(PLACE, member="1")
    accepted = await guild.jobs.ask(Operation.MASHUP, place, OFFERS, {"engine": "kie"})
    with pytest.raises(Refused, match="too-many-waiting"):
        await guild.jobs.ask(Operation.MASHUP, replace(place, interaction="i-a"), OFFERS, {"engine": "kie"})
    await guild.db.work(lambda tx: ledger.release(tx, accepted.job.id, guild.clock.now()))
    guild.clock.pass_by(14_999)
    with pytest.raises(Refused, match="cooldown"):
        await guild.jobs.ask(Operation.MASHUP, replace(place, interaction="i-b"), OFFERS, {"engine": "kie"})
    guild.clock.pass_by(1)
    await guild.jobs.ask(Operation.MASHUP, replace(place, interaction="i-c"), OFFERS, {"engine": "kie"})


class Told(Alarm):
    """What operators hear."""

    def __init__(self) -> None:
        self.standing: dict[str, Value] = {}

    async def alert(self, cause: Cause, about: str = "", **values: Value) -> None:
        self.standing[about] = values["credits"]

    async def clear(self, cause: Cause, about: str = "") -> None:
        self.standing.pop(about, None)


async def test_operators_hear_of_a_cap_until_its_next_window(db: Database) -> None:
    clock, told = Calendar("2026-10-30T12:00"), Told()
    caps = {("kie", Period.DAY): 30 * THOUSANDTHS, ("kie", Period.MONTH): 100 * THOUSANDTHS}
    gate = Gate(replace(OPERATOR, caps=caps, member_running=9, member_running_most=9, cooldown_seconds=0))
    watch = CapWatch(db, clock, gate, told)
    asking = Asking("7", "1", frozenset(), "c", "", "kie", "mashup", "V6", 12 * THOUSANDTHS)
    for number in range(2):
        await db.work(lambda tx, n=number: gate.reserve(tx, f"j{n}", asking, clock.now()))
        await watch.look("kie")
        assert told.standing == ({} if number == 0 else {"kie:day": "24"})
    with pytest.raises(Refused, match="credits-spent"):
        await db.work(lambda tx: gate.reserve(tx, "j2", replace(asking, member="2"), clock.now()))
    assert await db.work(lambda tx: tx.one("SELECT 1 FROM ledger WHERE job = 'j2'")) is None
    await db.work(lambda tx: ledger.release(tx, "j1", clock.now()))
    await watch.look_at_all()
    assert told.standing == {}
    month = credits_account("kie", Period.MONTH)
    assert (await db.work(counters))[month, 1_790_812_800_000] == (12 * THOUSANDTHS, 0)
