"""Entering: what a contest takes from whom, on whose account, behind which mask, and what becomes of it later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.contests import entries
from bot.contests.contest import Contest, Entry, EntryState, Phase, pair_of
from bot.contests.line import AGAIN_MS
from bot.contests.masking import TRIES, UNUSABLE
from bot.contests.moves import NOT_MADE
from bot.contests.schedule import GRACE_MS
from bot.contests.stake import ContestStake
from bot.database import Database
from bot.errors import Code, Refusal, Refused
from bot.files import store as files
from bot.jobs import messages
from bot.jobs import store as jobs
from bot.jobs.job import State
from bot.jobs.retention import drop_ended
from bot.jobs.service import Offer, Reader
from bot.quotas import reports
from bot.quotas.facts import contest_account, member_account
from bot.quotas.windows import days_back
from bot.request import Operation
from tests.bookkeeping import counters, sums
from tests.contests import DAY, GUILD, HOUR, SAM, START, Room, place

MODERATOR = Reader(GUILD, "1", moderator=True)


@pytest.fixture
def room(db: Database, tmp_path: Path) -> Room:
    return Room(db, tmp_path)


def code_of(caught: pytest.ExceptionInfo[Refused]) -> Code:
    return caught.value.refusal.code


async def only(room: Room, contest: Contest) -> Entry:
    (entry,) = await room.entries(contest)
    return entry


async def mashup(room: Room, contest: Contest, member: str, engine: str = "kie") -> str:
    accepted = await room.service.mashup(place(member), contest.id, {"engine": engine})
    return accepted.job.id


# ---- mashups of the pair


async def test_a_mashup_is_private_on_the_contests_account_and_an_entry_when_it_is_done(room: Room) -> None:
    contest = await room.opened(pair=True, units=2)
    job_id = await mashup(room, contest, "101")
    job = await room.db.work(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    assert (job.ask.private, [source.hash for source in job.ask.sources]) == (True, list(pair_of(contest)))
    account = contest_account(contest.id, "101")
    assert await room.db.work(counters) == {(account, 0): (1, 0)}, "neither the member's nor the server's"
    assert (await only(room, contest)).state is EntryState.MAKING
    await room.done(job_id)
    await room.run()
    entry = await only(room, contest)
    assert (entry.state, entry.title, entry.member) == (EntryState.ENTERED, f"title of {job_id}", "101")
    assert await room.db.work(counters) == {(account, 0): (0, 1)} == await room.db.work(sums)
    running = await room.db.work(lambda tx: tx.all("SELECT account, running FROM balance"))
    assert {row["running"] for row in running} == {0}


async def test_job_and_entry_commit_together_and_an_interaction_makes_one_of_each(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest = await room.opened(pair=True, entries=5)
    where = place("101")
    first = await room.service.mashup(where, contest.id, {"engine": "kie"})
    assert await room.service.mashup(where, contest.id, {"engine": "kie"}) == first
    assert len(await room.entries(contest)) == 1
    monkeypatch.setattr(entries, "insert", crash)
    with pytest.raises(OSError, match="power cut"):
        await room.service.mashup(place("101"), contest.id, {"engine": "kie"})
    assert [row["id"] for row in await room.db.work(lambda tx: tx.all("SELECT id FROM jobs"))] == [first.job.id]


def crash(*_: object, **__: object) -> None:
    raise OSError("power cut")


async def test_the_contests_allowance_is_the_limit(room: Room) -> None:
    contest = await room.opened(pair=True, units=2, entries=5)
    for _ in range(2):
        await mashup(room, contest, "101")
    with pytest.raises(Refused) as caught:
        await mashup(room, contest, "101")
    assert (code_of(caught), caught.value.refusal.values["left"]) == (Code.QUOTA_CONTEST, 0)
    await mashup(room, contest, "102")
    await mashup(room, contest, "101", engine="local")
    assert (await room.service.info(GUILD, contest.id, "101")).units_taken == 2


async def test_a_mashup_that_fails_drops_out_and_gives_back(room: Room) -> None:
    contest = await room.opened(pair=True)
    await room.done(await mashup(room, contest, "101"), State.FAILED)
    entry = await only(room, contest)
    assert (entry.state, entry.reason) == (EntryState.WITHDRAWN, NOT_MADE)
    await mashup(room, contest, "101")


async def test_voting_waits_an_hour_for_what_was_asked_for_in_time(room: Room) -> None:
    contest = await room.opened(pair=True)
    late, never = await mashup(room, contest, "101"), await mashup(room, contest, "102")
    for member in ("103", "104"):
        job = await room.made(member, sources=pair_of(contest))
        await room.service.enter(place(member), contest.id, job)
    await room.at(2 * DAY)
    assert (await room.contest(contest.id)).phase is Phase.OPEN
    await room.done(late)
    await room.at(2 * DAY + GRACE_MS)
    assert (await room.contest(contest.id)).phase is Phase.VOTING
    states = {entry.job: (entry.state, entry.number is not None) for entry in await room.entries(contest)}
    assert states[late] == (EntryState.ENTERED, True)
    assert states[never] == (EntryState.WITHDRAWN, False)
    await room.done(never)
    assert len(await room.entries(contest)) == 4
    assert {e.state for e in await room.entries(contest) if e.job == never} == {EntryState.WITHDRAWN}


async def test_without_a_pair_there_is_nothing_to_mash_and_with_one_nothing_else_enters(room: Room) -> None:
    bare, paired = await room.opened(), await room.create(pair=True, title="Pair")
    await room.at(2 * HOUR)
    with pytest.raises(Refused) as caught:
        await mashup(room, bare, "101")
    assert code_of(caught) is Code.CONTEST_WITHOUT_SOURCES
    foreign, own = await room.made("101"), await room.made("101", sources=pair_of(paired))
    with pytest.raises(Refused) as caught:
        await room.service.enter(place("101"), paired.id, foreign)
    assert code_of(caught) is Code.CONTEST_OTHER_SOURCES
    assert [job.id for job in await room.service.enterable(place("101"), paired.id)] == [own]
    assert (await room.service.enter(place("101"), paired.id, own)).state is EntryState.ENTERED


# ---- entering


async def test_what_a_contest_does_not_take(room: Room) -> None:
    contest = await room.opened(enter_role="9", engines=frozenset({"local"}))
    job = await room.made("101")
    cases = [
        (place("101"), job, 1, Code.CONTEST_ROLE),
        (place("102", "9"), job, 1, Code.NOT_YOUR_JOB),
        (place("101", "9"), "nothing", 1, Code.NO_SUCH_JOB),
        (place("101", "9"), job, 2, Code.NO_RESULT),
    ]
    for where, job_id, track, code in cases:
        with pytest.raises(Refused) as caught:
            await room.service.enter(where, contest.id, job_id, track)
        assert code_of(caught) is code
    await room.db.work(lambda tx: tx.run("UPDATE jobs SET engine = 'kie' WHERE id = ?", (job,)))
    with pytest.raises(Refused) as caught:
        await room.service.enter(place("101", "9"), contest.id, job)
    assert code_of(caught) is Code.CONTEST_ENGINE
    assert await room.entries(contest) == []


async def test_a_public_result_enters_only_without_masks(room: Room) -> None:
    masked, open_one = await room.opened(), await room.create(masking=False, title="Open")
    await room.at(2 * HOUR)
    job = await room.made("101", private=False)
    with pytest.raises(Refused) as caught:
        await room.service.enter(place("101"), masked.id, job)
    assert code_of(caught) is Code.RESULT_WAS_PUBLIC
    entry = await room.service.enter(place("101"), open_one.id, job)
    assert entry.audio == entry.original


async def test_what_was_shown_or_is_entered_elsewhere_does_not_enter_again(room: Room) -> None:
    first, second = await room.create(title="One"), await room.create(title="Two")
    await room.at(HOUR)
    job = await room.made("101")
    entry = await room.service.enter(place("101"), first.id, job)
    assert await room.service.enter(place("101"), first.id, job) == entry
    with pytest.raises(Refused) as caught:
        await room.service.enter(place("101"), second.id, job)
    assert code_of(caught) is Code.RESULT_ENTERED
    await room.service.withdraw(place("101"), first.id, entry.id)
    assert (await room.service.enter(place("101"), second.id, job)).state is EntryState.ENTERED


async def test_entries_are_as_many_as_the_rules_say_and_can_be_withdrawn_and_replaced(room: Room) -> None:
    contest = await room.opened(entries=2)
    first = await room.enter(contest, "101")
    await room.enter(contest, "101")
    with pytest.raises(Refused) as caught:
        await room.enter(contest, "101")
    assert code_of(caught) is Code.CONTEST_ENTRIES_FULL
    with pytest.raises(Refused) as caught:
        await room.service.withdraw(place("102"), contest.id, first.id)
    assert code_of(caught) is Code.NO_SUCH_ENTRY
    job = await room.made("101")
    second = await room.service.replace(place("101"), contest.id, first.id, job)
    assert await room.service.replace(place("101"), contest.id, first.id, job) == second
    own = (await room.service.info(GUILD, contest.id, "101")).own
    assert sorted(entry.state for entry in own) == ["entered", "entered", "withdrawn"]
    await room.service.withdraw(place("101"), contest.id, second.id)
    await room.service.withdraw(place("101"), contest.id, second.id)
    await room.at(2 * DAY - 1)
    await room.enter(contest, "101")
    room.clock.at = START + 2 * DAY
    for step in (room.service.withdraw(place("101"), contest.id, own[1].id), room.enter(contest, "109")):
        with pytest.raises(Refused) as caught:
            await step
        assert code_of(caught) is Code.CONTEST_PHASE


# ---- copies


async def test_masked_copies_are_encoded_anew_and_outlive_the_job(room: Room) -> None:
    contest = await room.opened()
    for member in ("101", "102"):
        await room.enter(contest, member)
    await room.at(HOUR + 1)
    entry = (await room.entries(contest))[0]
    assert entry.audio != entry.original
    assert (room.files.path(entry.audio or "")).read_bytes().startswith(b"masked sound of ")
    await room.db.work(lambda tx: tx.run("UPDATE jobs SET ended_at = 1"))
    assert await room.db.work(lambda tx: drop_ended(tx, 2)) == 2
    far = START + 200 * DAY
    gone = await room.db.work(lambda tx: files.forget(tx, far))
    assert not {entry.audio, entry.original} & set(gone)
    await room.at(2 * DAY)
    assert len(room.channel.shown) == 2
    assert {(show.member, show.title) for show in room.channel.shown} == {("", "")}


async def test_numbers_say_nothing_of_who_came_when(room: Room) -> None:
    orders: set[tuple[str, ...]] = set()
    for number in range(6):
        contest = await room.create(title=f"No {number}")
        await room.service.open(SAM, contest.id)
        for member in ("101", "102", "103", "104"):
            await room.enter(contest, member)
        await room.service.close(SAM, contest.id)
        await room.run()
        orders.add(tuple(entry.member for entry in await room.entries(contest)))
    assert len(orders) > 1


async def test_an_entry_that_cannot_be_copied_drops_out_after_some_tries(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    contest = await room.opened()
    jobs_made = [await room.made(member) for member in ("101", "102", "103")]
    room.copier.refuses = {f"sound of {jobs_made[0]}"}
    for member, job in zip(("101", "102", "103"), jobs_made, strict=True):
        await room.service.enter(place(member), contest.id, job)
    for number in range(TRIES):
        assert (await room.entries(contest))[0].state is EntryState.ENTERED
        await room.at(HOUR + number * AGAIN_MS)
    await room.at(2 * DAY)
    states = {entry.member: (entry.state, entry.reason) for entry in await room.entries(contest)}
    assert states["101"] == (EntryState.WITHDRAWN, UNUSABLE)
    assert len(room.channel.shown) == 2


# ---- masks


async def test_until_the_result_nobody_else_sees_whose_a_contests_job_is(room: Room) -> None:
    contest = await room.voting(members=2)
    mine = Reader(GUILD, "101", moderator=False)
    listed = await room.jobs.listed(MODERATOR, everyone=True, page=0)
    assert len(listed.jobs) == 2
    assert listed.veiled == {job.id for job in listed.jobs}
    assert {(job.ask.member, job.title, job.ask.sources, job.tracks) for job in listed.jobs} == {("", "", (), ())}
    assert {job.ask.member for job in await room.jobs.removable(MODERATOR)} == {""}
    own = await room.jobs.listed(mine, everyone=False, page=0)
    assert [(job.ask.member, own.veiled) for job in own.jobs] == [("101", frozenset())]
    await room.at(4 * DAY)
    after = await room.jobs.listed(MODERATOR, everyone=True, page=0)
    assert {job.ask.member for job in after.jobs} == {"101", "102"}
    assert (await room.contest(contest.id)).phase is Phase.CLOSED


async def test_a_late_result_of_a_masked_contest_is_no_word_in_the_channel(room: Room) -> None:
    masked, seen = await room.create(pair=True), await room.create(pair=True, title="Seen", masking=False)
    await room.at(HOUR)
    ways: dict[str, list[str]] = {}
    for contest in (masked, seen):
        name = await mashup(room, contest, "101")
        job = await room.db.work(lambda tx, name=name: jobs.get(tx, name))
        assert job is not None
        hidden = await room.db.work(lambda tx, job=job: ContestStake(room.clock).hides(tx, job.id))
        ways[contest.id] = [way.purpose for way in messages.results(job, direct=False, hidden=hidden)]
        ways[contest.id] += [way.purpose for way in messages.notices(job, Refusal(Code.UNEXPECTED), hidden=hidden)]
    assert ways[masked.id] == ["answer", "answer-notice"]
    assert ways[seen.id] == ["answer", "ready", "answer-notice", "sorry"]


async def test_the_ledgers_export_leaves_contest_jobs_out(room: Room) -> None:
    contest = await room.opened(pair=True)
    job_id = await mashup(room, contest, "101")
    offers = tuple(Offer(f"https://x/{side}.mp3", f"{side}.mp3", 9) for side in "ab")
    usual = await room.jobs.ask(Operation.MASHUP, place("101"), offers, {"engine": "kie"})
    days = days_back("UTC", room.clock.now(), 7)
    table, _ = await room.db.work(lambda tx: reports.exported(tx, GUILD, days, 100))
    assert job_id not in table.decode()
    assert usual.job.id in table.decode()
    costs = await room.db.work(lambda tx: reports.last_costs(tx, GUILD, "101", 5))
    assert sorted((cost.job, cost.units) for cost in costs) == sorted([(job_id, 1), (usual.job.id, 1)])
    account = member_account(GUILD, "101")
    assert await room.db.work(lambda tx: tx.one("SELECT held FROM balance WHERE account = ?", (account,)))


# ---- jobs that go


async def test_a_deleted_result_takes_its_entry_along_and_later_disqualifies_it(room: Room) -> None:
    contest = await room.opened()
    made = [await room.made(member) for member in ("101", "102", "103")]
    for member, job in zip(("101", "102", "103"), made, strict=True):
        await room.service.enter(place(member), contest.id, job)
    await room.jobs.remove(MODERATOR, made[0], "stolen")
    await room.at(2 * DAY)
    await room.jobs.remove(MODERATOR, made[1], "stolen too")
    await room.run()
    states = {entry.job: (entry.state, entry.reason) for entry in await room.entries(contest)}
    assert states[made[0]] == (EntryState.WITHDRAWN, "stolen")
    assert states[made[1]] == (EntryState.DISQUALIFIED, "stolen too")
    assert states[made[2]] == (EntryState.ENTERED, None)
    assert len(room.channel.removed) == 1


async def test_a_contest_of_another_server_is_not_there(room: Room) -> None:
    contest = await room.opened()
    with pytest.raises(Refused) as caught:
        await room.service.enter(replace(place("101"), guild="8"), contest.id, "x")
    assert code_of(caught) is Code.NO_SUCH_CONTEST
