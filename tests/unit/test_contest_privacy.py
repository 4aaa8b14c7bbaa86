"""What goes of contests: with a member who asks to be forgotten, with a server that was left, with time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from bot.contests import ballots, forgetting, sheet
from bot.contests.contest import Contest, EntryState, Phase
from bot.database import Database
from bot.errors import Code, Refused
from bot.guilds.former import is_former
from bot.jobs.retention import drop_guild
from bot.posts import store as posts
from bot.privacy.departed import remove_guild
from bot.privacy.forgetting import finish, forget
from bot.privacy.service import PrivacyService
from bot.quotas.facts import contest_account
from bot.settings import UpkeepSettings
from tests.bookkeeping import counters, sums
from tests.contests import DAY, GUILD, KEEP, SAM, START, Room, place

MIKA = "987650001"
_numbers = itertools.count()


@pytest.fixture
def room(db: Database, tmp_path: Path) -> Room:
    return Room(db, tmp_path)


def new_id() -> str:
    return f"x{next(_numbers):04}"


async def be_forgotten(room: Room, member: str = MIKA) -> int | None:
    done = await room.db.work(lambda tx: forget(tx, member, new_id=new_id, now=room.clock.now()))
    await room.run()
    return done.accounts_until


async def traces(room: Room, word: str, *, but: tuple[str, ...] = ()) -> list[str]:
    """Where a word is to be read, in any column of any table."""
    names = await room.db.work(lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table'"))
    found: list[str] = []
    for table in (row["name"] for row in names if row["name"] not in but):
        for row in await room.db.work(lambda tx, table=table: tx.all(f"SELECT * FROM {table}")):
            found += [f"{table}.{name}" for name, value in dict(row).items() if word in str(value)]
    return found


async def vote(room: Room, contest: Contest, member: str, *names: str) -> None:
    shown = [entry.id for entry in await room.entries(contest)]
    await room.service.vote(place(member), contest.id, shown, names)


async def test_while_it_runs_entry_and_ballot_are_withdrawn(room: Room) -> None:
    contest = await room.opened()
    for member in (MIKA, "102", "103"):
        await room.enter(contest, member)
    await room.at(2 * DAY)
    mine, *others = await room.entries(contest)
    mine, others = next(
        (e, [o for o in (mine, *others) if o is not e]) for e in (mine, *others) if e.member == MIKA
    )
    await vote(room, contest, MIKA, others[0].id)
    await vote(room, contest, "200", mine.id, others[0].id)
    kept = await PrivacyService(room.db, room.clock, KEEP, UpkeepSettings.model_validate({}), lambda: None).kept(
        MIKA
    )
    assert kept.contests == 2
    await be_forgotten(room)
    day = "forgotten"  # until today's account may lose the name
    assert await traces(room, MIKA, but=("balance", "ledger", day)) == []
    assert len(room.channel.removed) >= 1, "its message in the gallery goes"
    again = await room.service.vote(place(MIKA), contest.id, [o.id for o in others], [others[1].id])
    assert again.chosen == {others[1].id}
    await room.at(4 * DAY)
    results = await room.service.results(GUILD, contest.id)
    assert sorted(one.points for one in results.placed) == [1, 1]
    assert results.ballots == 2


async def test_a_ballot_that_stayed_could_be_cast_twice(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken on purpose: a vote that goes on under a random name while its member may vote again."""
    contest = await room.voting()
    name = (await room.entries(contest))[0].id
    monkeypatch.setattr(forgetting, "RUNNING", frozenset[Phase]())
    await vote(room, contest, MIKA, name)
    await be_forgotten(room)
    await vote(room, contest, MIKA, name)
    assert await room.db.work(lambda tx: ballots.count(tx, contest.id)) == 2


async def test_after_the_result_everything_counts_on_without_a_name(room: Room) -> None:
    contest = await room.opened()
    for member in (MIKA, "102"):
        await room.enter(contest, member)
    await room.at(2 * DAY)
    mine = next(entry for entry in await room.entries(contest) if entry.member == MIKA)
    await vote(room, contest, "200", mine.id)
    await vote(room, contest, MIKA)
    await room.at(4 * DAY)
    before = sheet.read((await room.service.export(SAM, contest.id, "json"))[1])
    await be_forgotten(room)
    assert await traces(room, MIKA, but=("balance", "ledger", "forgotten")) == []
    assert await traces(room, f"title of {mine.job}") == []
    after = sheet.read((await room.service.export(SAM, contest.id, "json"))[1])
    assert sheet.is_genuine(after)
    assert sheet.ranks_in(after) == sheet.ranks_in(before)
    (winner,) = (await room.service.results(GUILD, contest.id)).winners
    assert is_former(winner.member)
    assert (winner.title, winner.audio) == ("", "")
    refs = await room.db.work(lambda tx: tx.all("SELECT 1 FROM file_refs WHERE owner = ?", (mine.subject,)))
    assert refs == []


async def test_being_forgotten_makes_no_new_allowance_in_a_contest(room: Room) -> None:
    contest = await room.opened(pair=True, units=1)
    accepted = await room.service.mashup(place(MIKA), contest.id, {"engine": "kie"})
    until = await be_forgotten(room)
    assert until is not None
    assert until >= contest.schedule.closes_at
    with pytest.raises(Refused) as caught:
        await room.service.mashup(place(MIKA), contest.id, {"engine": "kie"})
    assert caught.value.refusal.code is Code.QUOTA_CONTEST
    await room.done(accepted.job.id)
    assert {entry.state for entry in await room.entries(contest)} == {EntryState.WITHDRAWN}
    for day in (2, 3):
        await room.at(day * DAY)
    await room.db.work(lambda tx: finish(tx, new_id=new_id, now=START + 10 * DAY))
    assert await traces(room, MIKA) == []
    found: dict[Any, Any] = await room.db.work(counters)
    assert found == await room.db.work(sums)
    assert [account.startswith(contest_account(contest.id, "former-")) for account, _ in found] == [True]


async def test_an_organiser_who_is_forgotten_leaves_the_contest_running(room: Room) -> None:
    contest = await room.opened()
    await be_forgotten(room, SAM.member)
    changed = await room.contest(contest.id)
    assert is_former(changed.organiser)
    await room.at(2 * DAY)
    assert room.channel.moves == ["opened", "extend"]


async def test_old_contests_go_with_everything_that_is_theirs(room: Room) -> None:
    contest = await room.voting()
    await vote(room, contest, "200", (await room.entries(contest))[0].id)
    await room.at(4 * DAY)
    ended = (await room.contest(contest.id)).ended_at or 0
    assert await room.db.work(lambda tx: posts.drop_old(tx, ended + DAY)) == 0, "its messages go with it"
    assert await room.db.work(lambda tx: forgetting.drop_ended(tx, ended)) == 0, "not before it is archived"
    await room.at(40 * DAY)
    assert await room.db.work(lambda tx: forgetting.drop_ended(tx, ended - 1)) == 0
    assert await room.db.work(lambda tx: forgetting.drop_ended(tx, ended)) == 1
    tables = ("contests", "contest_sources", "entries", "ballots", "choices", "tie_breaks")
    left = [await room.db.work(lambda tx, t=t: tx.all(f"SELECT 1 FROM {t}")) for t in tables]
    assert left == [[]] * len(tables)
    assert await traces(room, contest.id, but=("audit",)) == []


async def test_a_server_that_was_left_takes_its_contests_along(room: Room) -> None:
    contest = await room.opened(pair=True)
    accepted = await room.service.mashup(place("101"), contest.id, {"engine": "kie"})
    await room.done(accepted.job.id)
    await room.db.work(lambda tx: drop_guild(tx, GUILD))
    assert await room.db.work(lambda tx: remove_guild(tx, GUILD))
    assert await traces(room, contest.id) == []
    assert await room.db.work(counters) == {}
    assert (await room.service.listed(GUILD)) == ()
    assert contest.phase is Phase.OPEN
