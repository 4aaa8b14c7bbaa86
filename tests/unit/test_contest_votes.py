"""Ballots: one for each member, whatever is clicked how often and in which order; secret everywhere."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.contests import ballots, sheet
from bot.contests.contest import Contest, EntryState, Phase
from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.guilds.moderation import Actor
from bot.guilds.service import change_in
from bot.jobs.service import Place
from bot.posts.post import Announcement
from tests.contests import DAY, GUILD, SAM, Room, place

VOTERS = [str(number) for number in range(300, 350)]
opens = ballots.open_for
SOMEBODY = Actor(GUILD, "5", frozenset(), manages=False)


@pytest.fixture
def room(db: Database, tmp_path: Path) -> Room:
    return Room(db, tmp_path)


def code_of(caught: pytest.ExceptionInfo[Refused]) -> Code:
    return caught.value.refusal.code


async def ids(room: Room, contest: Contest) -> list[str]:
    return [entry.id for entry in await room.entries(contest)]


async def chosen(room: Room, contest: Contest, member: str) -> set[str]:
    return set((await room.service.ballot(place(member), contest.id)).chosen)


async def storm(room: Room, contest: Contest, clicks: int, seed: int) -> dict[str, set[str]]:
    """Clicks of fifty members in a random order, each of them sent once or twice, many from stale cards.

    Returns what each member's last click says of each entry: what should be on their ballot.
    """
    chance, names = random.Random(seed), await ids(room, contest)
    wanted: dict[str, dict[str, bool]] = defaultdict(dict)
    made: list[tuple[Place, set[str], set[str]]] = []
    for number in range(clicks):
        member = VOTERS[number % len(VOTERS)]
        shown = set(chance.sample(names, chance.randint(1, len(names))))
        wish = set(chance.sample(sorted(shown), chance.randint(0, len(shown))))
        wanted[member] |= {name: name in wish for name in shown}
        where = replace(place(member), interaction=str(10_000_000 + number))
        made += [(where, shown, wish)] * chance.choice([1, 1, 1, 2])
    chance.shuffle(made)
    await asyncio.gather(*(room.service.vote(where, contest.id, shown, wish) for where, shown, wish in made))
    return {member: {name for name, is_in in marks.items() if is_in} for member, marks in wanted.items()}


async def faults(room: Room, contest: Contest, wanted: Mapping[str, set[str]]) -> list[str]:
    """What is wrong with the ballots after a storm, and with the result, which a recount has to give."""
    rows = await room.db.work(lambda tx: tx.all("SELECT member, number FROM ballots"))
    found = [] if Counter(row["member"] for row in rows) == Counter(VOTERS) else ["not one ballot for each member"]
    found += [] if len({row["number"] for row in rows}) == len(rows) else ["a number of a ballot comes twice"]
    found += [f"the ballot of {who}" for who, wish in wanted.items() if await chosen(room, contest, who) != wish]
    await room.at(4 * DAY)
    results = await room.service.results(GUILD, contest.id)
    numbers = {entry.id: entry.number for entry in await room.entries(contest)}
    recount = Counter(numbers[name] for wish in wanted.values() for name in wish)
    points = {one.number: one.points for one in results.placed}
    found += [] if points == {n: recount[n] for n in numbers.values()} else ["the tally is not the recount"]
    found += [] if results.ballots == sum(map(bool, wanted.values())) else ["the number of ballots"]
    by_points = sorted((one.points for one in results.placed), reverse=True)
    ranks = [1 + by_points.index(one.points) for one in results.placed]
    return found + ([] if [one.rank for one in results.placed] == ranks else ["the ranks"])


async def test_a_thousand_clicks_of_fifty_members_are_fifty_ballots_and_the_tally_equals_a_recount(
    room: Room,
) -> None:
    contest = await room.voting(members=8, winners=3)
    wanted = await storm(room, contest, 1000, seed=1)
    assert await faults(room, contest, wanted) == []


def without_key(tx: Tx, contest_id: str, member: str, chances: Sequence[int], now: int) -> int:
    """Broken on purpose: whoever clicks again gets another ballot."""
    known = opens(tx, contest_id, member, chances, now)
    tx.run("UPDATE ballots SET member = ? || '-' || ? WHERE number = ?", (member, now + chances[0], known))
    return known


async def test_a_ballot_for_each_click_is_found(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    contest = await room.voting(members=4)
    monkeypatch.setattr(ballots, "open_for", without_key)
    assert await faults(room, contest, await storm(room, contest, 200, seed=4))


def last_to_arrive(
    tx: Tx, contest: str, number: int, shown: set[str], wish: set[str], click: int, now: int
) -> None:
    """Broken on purpose: whichever click arrives last decides."""
    for name in shown:
        tx.run(
            "INSERT OR REPLACE INTO choices VALUES (?, ?, ?, ?, ?)", (contest, number, name, name in wish, click)
        )


async def test_a_ballot_that_trusts_the_order_of_arrival_is_found(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest = await room.voting(members=4)
    monkeypatch.setattr(ballots, "decide", last_to_arrive)
    wanted = await storm(room, contest, 300, seed=2)
    assert any([await chosen(room, contest, member) != wish for member, wish in wanted.items()])


async def test_a_page_of_the_ballot_changes_only_what_it_shows(room: Room) -> None:
    contest = await room.voting(members=30)
    first = await room.service.ballot(place("200"), contest.id)
    second = await room.service.ballot(place("200"), contest.id, 1)
    assert (len(first.candidates), len(second.candidates), first.pages) == (25, 5, 2)
    assert {entry.id for entry in (*first.candidates, *second.candidates)} == set(await ids(room, contest))
    assert set(first.links) == {entry.id for entry in first.candidates}
    for page in (first, second):
        names = [entry.id for entry in page.candidates]
        await room.service.vote(place("200"), contest.id, names, names[:2], page.page)
    names = [entry.id for entry in second.candidates]
    after = await room.service.vote(place("200"), contest.id, names, names[3:4], 1)
    assert after.chosen == {*(entry.id for entry in first.candidates[:2]), names[3]}


async def test_each_voter_has_an_order_of_their_own_and_never_an_own_entry(room: Room) -> None:
    contest = await room.voting(members=6)
    orders: dict[str, tuple[str, ...]] = {}
    for member in ("200", "201", "202", "101"):
        page = await room.service.ballot(place(member), contest.id)
        orders[member] = tuple(entry.id for entry in page.candidates)
        assert page == await room.service.ballot(place(member), contest.id)
        assert {(entry.member, entry.title, entry.job) for entry in page.candidates} == {("", "", "")}
    assert len(set(orders.values())) == 4
    (own,) = set(orders["200"]) - set(orders["101"])
    with pytest.raises(Refused) as caught:
        await room.service.vote(place("101"), contest.id, {own}, {own})
    assert code_of(caught) is Code.OWN_ENTRY


async def test_who_may_vote_is_judged_when_the_ballot_is_cast(room: Room) -> None:
    contest = await room.voting(vote_role="9")
    name = (await ids(room, contest))[0]
    with pytest.raises(Refused) as caught:
        await room.service.vote(place("200"), contest.id, {name}, {name})
    assert code_of(caught) is Code.CONTEST_ROLE
    await room.service.vote(place("201", "9"), contest.id, {name}, {name})
    await room.at(4 * DAY)
    assert (await room.service.results(GUILD, contest.id)).placed[0].points == 1, "whoever left since counts"


async def test_before_and_after_voting_no_ballot_is_taken(room: Room) -> None:
    contest = await room.opened()
    await room.enter(contest, "101")
    (entry,) = await room.entries(contest)
    for moment in (DAY, 2 * DAY):
        await room.at(moment)
        with pytest.raises(Refused) as caught:
            await room.service.vote(place("200"), contest.id, {entry.id}, {entry.id})
        assert code_of(caught) is Code.CONTEST_PHASE


async def test_a_click_at_the_very_end_is_refused_although_nobody_has_closed_it_yet(room: Room) -> None:
    contest = await room.voting()
    room.clock.at = contest.schedule.ends_at
    with pytest.raises(Refused) as caught:
        await room.service.vote(place("200"), contest.id, set(), set())
    assert (code_of(caught), (await room.contest(contest.id)).phase) == (Code.CONTEST_PHASE, Phase.VOTING)


async def told(room: Room) -> str:
    """Everything that leaves the bot: messages, notes, exports, the result."""
    tables = ("posts", "audit", "contests", "entries", "ledger")
    rows = [[tuple(r) for r in await room.db.work(lambda tx, t=t: tx.all(f"SELECT * FROM {t}"))] for t in tables]
    return json.dumps(rows, default=str)


async def test_who_voted_for_what_is_told_nowhere(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await room.db.work(lambda tx: change_in(tx, GUILD, "1", 1, log_channel="123456789012345678"))
    contest = await room.voting()
    voter = "987650001"
    name = (await ids(room, contest))[0]
    page = await room.service.vote(place(voter), contest.id, {name}, {name})
    early = (await room.service.export(SAM, contest.id, "csv"))[1]
    await room.at(4 * DAY)
    files = [(await room.service.export(SOMEBODY, contest.id, kind))[1] for kind in ("csv", "json")]
    everything = await told(room) + caplog.text + "".join(data.decode() for data in (early, *files))
    assert voter not in everything
    assert str(page.number) in files[0].decode()
    info = await room.service.info(GUILD, contest.id, voter)
    assert info.ballot_number == page.number, "each voter can find their own"
    assert (await room.service.info(GUILD, contest.id, "200")).ballot_number is None


async def test_the_check_for_secrecy_finds_a_leak(room: Room) -> None:
    """Broken on purpose: a note of each vote."""
    contest = await room.voting()
    name = (await ids(room, contest))[0]
    await room.service.vote(place("987650001"), contest.id, {name}, {name})
    await room.db.work(lambda tx: tx.run("INSERT INTO audit VALUES (1, '7', '987650001', 'x', ?, '')", (name,)))
    assert "987650001" in await told(room)


async def test_the_export_recounts_to_the_published_result(room: Room) -> None:
    contest = await room.voting(members=5, winners=2)
    await storm(room, contest, 200, seed=3)
    await room.at(4 * DAY)
    results = await room.service.results(GUILD, contest.id)
    for kind in ("csv", "json"):
        name, data = await room.service.export(SOMEBODY, contest.id, kind)
        assert name == f"contest-{contest.id}.{kind}"
        found = sheet.read(data)
        assert sheet.is_genuine(found)
        assert found.digest == results.digest == room.channel.news[-1][1].digest
        ranks = [(int(rank.entry), rank.points, rank.rank, rank.winner) for rank in sheet.ranks_in(found)]
        assert ranks == [(one.number, one.points, one.rank, one.winner) for one in results.placed]


async def test_before_the_result_only_moderators_export_and_that_is_written_down(room: Room) -> None:
    contest = await room.voting()
    name = (await ids(room, contest))[0]
    await room.service.vote(place("200"), contest.id, {name}, {name})
    with pytest.raises(Refused) as caught:
        await room.service.export(SOMEBODY, contest.id, "csv")
    assert code_of(caught) is Code.CONTEST_NOT_PUBLISHED
    with pytest.raises(Refused):
        await room.service.results(GUILD, contest.id)
    _, data = await room.service.export(SAM, contest.id, "csv")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    said: dict[str, Any] = {row[2]: row[3] for row in rows if row[0] == sheet.KIND}
    assert (said["salt"], said["digest"]) == ("", "")
    assert {row[3] for row in rows if row[2] in ("member", "title") and row[0] == "entry"} == {""}
    notes = await room.db.work(lambda tx: tx.all("SELECT actor FROM audit WHERE action = 'export-ballots'"))
    assert [note["actor"] for note in notes] == [SAM.member]


async def test_a_tie_is_broken_in_the_open_and_stays_broken_in_the_file(room: Room) -> None:
    contest = await room.voting(members=3)
    names = await ids(room, contest)
    await room.service.vote(place("200"), contest.id, set(names), set(names[:2]))
    await room.at(4 * DAY)
    tied = await room.service.results(GUILD, contest.id)
    assert [(one.rank, one.winner) for one in tied.placed] == [(1, True), (1, True), (3, False)]
    with pytest.raises(Refused) as caught:
        await room.service.break_tie(SAM, contest.id, ["1", "2", "3"], "x")
    assert code_of(caught) is Code.NO_SUCH_TIE
    with pytest.raises(Refused):
        await room.service.break_tie(SOMEBODY, contest.id, ["2", "1"], "x")
    loser, winner = (str(one.number) for one in tied.winners)
    broken = await room.service.break_tie(SAM, contest.id, [winner, loser], "the better ending")
    await room.run()
    assert [str(one.number) for one in broken.winners] == [winner]
    assert [one.rank for one in broken.placed] == [1, 2, 3]
    news = room.channel.news[-1][1]
    assert (news.move, news.reason, news.by) == ("corrected", "the better ending", SAM.member)
    assert broken.digest == tied.digest, "the ballots are the same"
    found = sheet.read((await room.service.export(SOMEBODY, contest.id, "json"))[1])
    assert [rank.entry for rank in sheet.ranks_in(found) if rank.winner] == [winner]


async def test_a_disqualified_entry_loses_its_message_and_its_votes(room: Room) -> None:
    contest = await room.voting(members=3)
    names = await ids(room, contest)
    await room.service.vote(place("200"), contest.id, set(names), {names[0], names[1]})
    with pytest.raises(Refused) as caught:
        await room.service.disqualify(SOMEBODY, contest.id, "1", "not own work")
    assert code_of(caught) is Code.MODERATORS_ONLY
    await room.service.disqualify(SAM, contest.id, "1", "not own work")
    await room.service.disqualify(SAM, contest.id, "1", "again")
    await room.run()
    assert len(room.channel.removed) == 1
    assert names[0] not in {e.id for e in (await room.service.ballot(place("200"), contest.id)).candidates}
    await room.at(4 * DAY)
    results = await room.service.results(GUILD, contest.id)
    assert [one.points for one in results.placed] == [1, 0]
    entry = next(one for one in await room.entries(contest) if one.number == 1)
    assert (entry.state, entry.reason) == (EntryState.DISQUALIFIED, "not own work")
    await room.service.disqualify(SAM, contest.id, str(results.placed[0].number), "found out later")
    await room.run()
    assert room.channel.moves == ["opened", "voting", "results", "corrected"]
    assert (await room.service.results(GUILD, contest.id)).winners == ()
    notes = await room.db.work(lambda tx: tx.all("SELECT reason FROM audit WHERE action = 'disqualify'"))
    assert [json.loads(note["reason"])["why"] for note in notes] == ["not own work", "found out later"]


async def test_reports_reach_the_moderators_once_for_each_member(room: Room) -> None:
    contest = await room.voting()
    for _ in range(2):
        await room.service.report(place("200"), contest.id, "1", "stolen")
    await room.run()
    (told,) = [news for _, news in room.channel.news if news.move == "reported"]
    assert told.reason == "#1: stolen"
    await room.db.work(lambda tx: change_in(tx, GUILD, "1", 1, log_channel="123456789012345678"))
    await room.service.report(place("201"), contest.id, "1", "stolen")
    await room.run()
    assert [said.channel for said in room.channel.said if isinstance(said.content, Announcement)] == [
        "123456789012345678"
    ]


async def test_behind_a_mask_only_a_moderator_looks_and_that_is_written_down(room: Room) -> None:
    contest = await room.voting()
    with pytest.raises(Refused):
        await room.service.behind_mask(SOMEBODY, contest.id, "1", "curious")
    entry = (await room.entries(contest))[0]
    assert await room.service.behind_mask(SAM, contest.id, "1", "a complaint") == entry.member
    (note,) = await room.db.work(lambda tx: tx.all("SELECT * FROM audit WHERE action = 'look-behind-mask'"))
    assert (note["actor"], note["subject"]) == (SAM.member, f"entry:{entry.id}")
    assert entry.member not in note["reason"]
