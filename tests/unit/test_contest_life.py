"""The life of contests: phases move by the clock, once, whatever happens to the process, and are told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot import failpoints
from bot.contests.contest import Draft, EntryState, Phase
from bot.contests.moves import NEVER_OPENED, TOO_FEW
from bot.contests.restore import halt
from bot.contests.schedule import PATIENCE_MS
from bot.database import Database
from bot.errors import Code, Refused
from bot.guilds.moderation import Actor
from bot.guilds.service import change_in
from bot.posts.post import Post
from tests.contests import CHANNEL, DAY, GALLERY, GUILD, HOUR, SAM, START, Channel, Room, place

SOMEBODY = Actor(GUILD, "5", frozenset(), manages=False)


@pytest.fixture
def room(db: Database, tmp_path: Path) -> Room:
    return Room(db, tmp_path)


def code_of(caught: pytest.ExceptionInfo[Refused]) -> Code:
    return caught.value.refusal.code


async def test_a_whole_contest_moves_by_itself_and_tells_each_move_once(room: Room) -> None:
    contest = await room.create(mention_role="77")
    await room.run()
    assert room.channel.said == []
    await room.at(HOUR)
    for member in ("101", "102", "103"):
        await room.enter(contest, member)
    await room.at(2 * DAY - 1)
    assert room.channel.moves == ["opened"]
    await room.at(2 * DAY)
    assert [show.number for show in room.channel.shown] == [1, 2, 3]
    page = await room.service.ballot(place("200"), contest.id)
    favourite = page.candidates[0]
    await room.service.vote(place("200"), contest.id, {favourite.id}, {favourite.id})
    await room.at(4 * DAY)
    await room.at(4 * DAY + 1)
    assert room.channel.moves == ["opened", "voting", "results"]
    assert {channel for channel, _ in room.channel.news} == {CHANNEL}
    assert {said.channel for said in room.channel.said if said.content in room.channel.shown} == {GALLERY}
    result = room.channel.news[-1][1]
    (winner,) = [one for one in result.placed if one.winner]
    entered = {entry.number: entry for entry in await room.entries(contest)}
    assert (winner.number, winner.points) == (favourite.number, 1)
    assert winner.member == entered[winner.number].member
    assert (result.ballots, result.entries, result.mention_role) == (1, 3, "77")
    assert len(result.digest) == 64
    await room.at(4 * DAY + 30 * DAY)
    assert (await room.contest(contest.id)).phase is Phase.ARCHIVED
    assert room.channel.moves == ["opened", "voting", "results"]
    assert await room.db.work(lambda tx: tx.all("SELECT 1 FROM file_refs WHERE owner LIKE 'entry:%'")) == []
    named = await room.db.work(lambda tx: tx.all("SELECT member FROM ballots"))
    assert [row["member"].startswith("former-") for row in named] == [True]
    assert (await room.service.results(GUILD, contest.id)).placed[0].points == 1


async def test_two_contests_at_once_are_kept_apart(room: Room) -> None:
    first, second = await room.create(title="One"), await room.create(title="Two")
    await room.at(HOUR)
    for contest in (first, second):
        for member in ("101", "102"):
            await room.enter(contest, member)
    await room.at(2 * DAY)
    page = await room.service.ballot(place("200"), "two")
    await room.service.vote(place("200"), second.id, {page.candidates[0].id}, {page.candidates[0].id})
    other = (await room.service.ballot(place("200"), first.id)).candidates[0].id
    await room.service.vote(place("200"), second.id, {other}, {other})
    await room.at(4 * DAY)
    assert Counter(room.channel.moves) == {"opened": 2, "voting": 2, "results": 2}
    points = {c.id: [p.points for p in (await room.service.results(GUILD, c.id)).placed] for c in (first, second)}
    assert points == {first.id: [0, 0], second.id: [1, 0]}


@pytest.mark.parametrize("late", [HOUR, 3 * DAY, 20 * DAY])
async def test_phases_move_after_a_downtime_and_last_as_long_as_they_were_to(room: Room, late: int) -> None:
    """The bot was down at the opening, the deadline or the end: nothing is skipped."""
    contest = await room.create()
    await room.at(HOUR + late)
    opened = await room.contest(contest.id)
    assert opened.phase is Phase.OPEN
    planned = 2 * DAY - HOUR
    assert opened.schedule.closes_at - room.clock.now() >= planned / 2
    for member in ("101", "102"):
        await room.enter(contest, member)
    await room.at(opened.schedule.closes_at + late - START)
    voting = await room.contest(contest.id)
    assert voting.phase is Phase.VOTING
    assert voting.schedule.ends_at - room.clock.now() >= DAY
    await room.at(voting.schedule.ends_at + late - START)
    assert (await room.contest(contest.id)).phase is Phase.CLOSED
    assert room.channel.moves == ["opened", "voting", "results"]


@pytest.mark.parametrize("count", [0, 1])
async def test_too_few_entries_ask_the_organiser_and_cancel_after_a_day(room: Room, count: int) -> None:
    contest = await room.opened()
    for member in range(count):
        await room.enter(contest, str(101 + member))
    await room.at(2 * DAY)
    await room.at(2 * DAY + PATIENCE_MS - 1)
    assert room.channel.moves == ["opened", "extend"]
    asked = room.channel.news[-1][1]
    assert (asked.organiser, asked.answer_by) == (SAM.member, START + 2 * DAY + PATIENCE_MS)
    with pytest.raises(Refused) as caught:
        await room.enter(contest, "150")
    assert code_of(caught) is Code.CONTEST_PHASE
    await room.at(2 * DAY + PATIENCE_MS)
    assert room.channel.moves == ["opened", "extend", "cancelled"]
    assert room.channel.news[-1][1].reason == TOO_FEW


async def test_an_extended_contest_goes_on_and_may_ask_again(room: Room) -> None:
    contest = await room.opened()
    await room.at(2 * DAY)
    extended = await room.service.edit(SAM, contest.id, closes_at=START + 3 * DAY)
    assert extended.schedule.ends_at == START + 5 * DAY, "voting is as long as it was to be"
    await room.enter(contest, "101")
    await room.at(3 * DAY)
    assert room.channel.moves == ["opened", "extend", "edited", "extend"]
    await room.service.edit(SAM, contest.id, closes_at=START + 4 * DAY)
    await room.enter(contest, "102")
    await room.at(4 * DAY)
    assert (await room.contest(contest.id)).phase is Phase.VOTING


async def test_without_ballots_it_closes_without_winners(room: Room) -> None:
    contest = await room.voting()
    await room.at(4 * DAY)
    results = await room.service.results(GUILD, contest.id)
    assert (results.winners, results.ballots, [one.points for one in results.placed]) == ((), 0, [0, 0, 0])


async def test_a_draft_that_nobody_opens_goes_silently(room: Room) -> None:
    draft = Draft("By hand", CHANNEL, START + DAY, START + 2 * DAY)
    contest = await room.service.create(SAM, place("1"), draft)
    await room.at(DAY)
    assert (await room.contest(contest.id)).phase is Phase.CANCELLED
    assert room.channel.said == []
    assert NEVER_OPENED


async def test_by_hand_it_is_opened_closed_twice_and_told_by_whom(room: Room) -> None:
    contest = await room.create()
    assert (await room.service.open(SAM, contest.id)).phase is Phase.OPEN
    for member in ("101", "102"):
        await room.enter(contest, member)
    await room.service.close(SAM, contest.id)
    await room.run()
    voting = await room.contest(contest.id)
    assert (voting.phase, voting.schedule.ends_at) == (Phase.VOTING, START + 4 * DAY)
    assert (await room.service.close(SAM, contest.id)).phase is Phase.CLOSED
    await room.run()
    assert room.channel.moves == ["opened", "voting", "results"]
    for step in (room.service.open, room.service.close):
        with pytest.raises(Refused) as caught:
            await step(SAM, contest.id)
        assert code_of(caught) is Code.CONTEST_PHASE
    with pytest.raises(Refused):
        await room.service.cancel(SAM, contest.id, "too late")


async def test_cancelling_tells_why_and_frees_what_was_entered(room: Room) -> None:
    contest = await room.opened()
    job = await room.made("101")
    await room.service.enter(place("101"), contest.id, job)
    await room.service.cancel(SAM, contest.id, "no studio")
    await room.run()
    assert (room.channel.moves, room.channel.news[-1][1].reason) == (["opened", "cancelled"], "no studio")
    other = await room.create(title="Another")
    await room.service.open(SAM, other.id)
    assert (await room.service.enter(place("101"), other.id, job)).state is EntryState.ENTERED


async def test_a_pause_stops_everything_and_gives_the_time_back(room: Room) -> None:
    contest = await room.opened()
    await room.at(DAY)
    await room.service.pause(SAM, contest.id, True)
    await room.at(3 * DAY)
    assert (await room.contest(contest.id)).phase is Phase.OPEN
    with pytest.raises(Refused) as caught:
        await room.enter(contest, "101")
    assert code_of(caught) is Code.CONTEST_PAUSED
    resumed = await room.service.pause(SAM, contest.id, False)
    assert (resumed.schedule.closes_at, resumed.schedule.ends_at) == (START + 4 * DAY, START + 6 * DAY)
    await room.enter(contest, "101")
    await room.run()
    assert room.channel.moves == ["opened", "paused", "resumed"]


async def test_only_what_is_fair_can_be_changed(room: Room) -> None:
    contest = await room.create(units=3)
    await room.service.edit(SAM, contest.id, title="Other", closes_at=START + DAY, masking=False)
    await room.at(HOUR)
    unfair = {"title": "x", "masking": True, "engines": frozenset({"kie"}), "vote_role": "5", "units": 2}
    for name, value in unfair.items():
        with pytest.raises(Refused) as caught:
            await room.service.edit(SAM, contest.id, **{name: value})
        assert (code_of(caught), caught.value.refusal.values["field"]) == (Code.CONTEST_FIXED, name)
    with pytest.raises(Refused) as caught:
        await room.service.edit(SAM, contest.id, closes_at=START + DAY - 1)
    assert code_of(caught) is Code.CONTEST_DATE_EARLIER
    edited = await room.service.edit(SAM, contest.id, units=4, prize="a cup", closes_at=START + 2 * DAY)
    assert (edited.rules.units, edited.prize) == (4, "a cup")
    await room.run()
    assert room.channel.news[-1][1].changes == ("closes_at", "prize", "units")


@pytest.mark.parametrize(
    ("dates", "code"),
    [
        ((-1, 1, 2), Code.CONTEST_DATE_PAST),
        ((None, 2, 1), Code.CONTEST_DATES),
        ((3, 2, 4), Code.CONTEST_DATES),
        ((None, 1, 1), Code.CONTEST_DATES),
        ((None, 1, 400), Code.CONTEST_DATE_FAR),
    ],
)
async def test_dates_in_the_past_or_in_the_wrong_order_are_refused(
    room: Room, dates: tuple[int | None, int, int], code: Code
) -> None:
    opens, closes, ends = (None if day is None else START + day * DAY for day in dates)
    with pytest.raises(Refused) as caught:
        await room.service.create(SAM, place("1"), Draft("x", CHANNEL, closes or 0, ends or 0, opens))
    assert code_of(caught) is code
    assert await room.service.listed(GUILD) == ()


async def test_only_moderators_make_contests_and_only_organisers_move_them(room: Room) -> None:
    with pytest.raises(Refused) as caught:
        await room.service.create(SOMEBODY, place("5"), Draft("x", CHANNEL, START + DAY, START + 2 * DAY))
    assert code_of(caught) is Code.MODERATORS_ONLY
    await room.db.work(lambda tx: change_in(tx, GUILD, "1", 1, contest_role="123456789012345678"))
    keeper = replace(SOMEBODY, member="6", roles=frozenset({"123456789012345678"}))
    own = await room.service.create(keeper, place("6"), Draft("x", CHANNEL, START + DAY, START + 2 * DAY))
    assert (await room.service.open(keeper, own.id)).phase is Phase.OPEN
    contest = await room.create()
    with pytest.raises(Refused):
        await room.service.open(keeper, contest.id)
    for step in (room.service.open, room.service.close):
        with pytest.raises(Refused) as caught:
            await step(SOMEBODY, contest.id)
        assert code_of(caught) is Code.CONTEST_ORGANISER_ONLY


async def test_the_same_command_makes_one_contest(room: Room) -> None:
    where, draft = place("1"), Draft("x", CHANNEL, START + DAY, START + 2 * DAY)
    first = await room.service.create(SAM, where, draft)
    assert await room.service.create(SAM, where, draft) == first


async def test_a_closed_channel_is_told_to_the_organiser_once_and_another_one_gets_it_all(room: Room) -> None:
    room.channel.closed = {CHANNEL, GALLERY}
    contest = await room.voting()
    assert contest.phase is Phase.VOTING, "a message that finds no place stops nothing"
    told = [(channel, news.reason) for channel, news in room.channel.news if news.move == "trouble"]
    assert sorted(told) == [(f"direct:{SAM.member}", CHANNEL), (f"direct:{SAM.member}", GALLERY)]
    await room.service.edit(SAM, contest.id, channel="81", gallery="82")
    await room.run()
    fresh = [said for said in room.channel.said if said.channel in ("81", "82")]
    assert Counter(getattr(said.content, "move", "entry") for said in fresh) == {
        "voting": 1,
        "edited": 1,
        "entry": 3,
    }
    links = (await room.service.ballot(place("200"), contest.id)).links
    assert {channel for channel, _ in links.values()} == {"82"}


# ---- killed anywhere


class Killed(BaseException):
    """The process is gone."""


async def live(db: Database, folder: Path, channel: Channel, strike: Callable[[str], None] | None) -> list[str]:
    """A contest from the opening to the result, begun again wherever it was killed; what was announced."""
    room = Room(db, folder, channel)
    contest = await room.create()
    failpoints.arm(strike)
    try:
        for moment in (HOUR, 2 * DAY, 4 * DAY):
            try:
                await room.at(moment)
            except Killed:
                room = Room(db, folder, channel, room.clock)
                await room.run()
            if moment == HOUR:
                for member in ("101", "102"):
                    await room.enter(contest, member)
    finally:
        failpoints.arm(None)
    return sorted([*channel.moves, *(f"entry {show.number}" for show in channel.shown)])


WHOLE = sorted(["opened", "voting", "results", "entry 1", "entry 2"])


class Once:
    """Kills at the `target`-th point that is reached in the lines, and counts them."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.count = 0

    def __call__(self, point: str) -> None:
        if point.startswith(
            ("commit bot.contests.line", "commit bot.contests.masking", "commit bot.posts", "send")
        ):
            self.count += 1
            if self.count == self.target:
                raise Killed(point)


async def killed_everywhere(tmp_path: Path, channels: Callable[[], Channel]) -> list[str] | None:
    """What was said in the first life, killed at one of its points, in which that is not what should be."""
    target, reached = 1, 1
    while target <= reached:
        folder = tmp_path / str(target)
        db = Database(folder / "twodeck.db")
        await db.open()
        once = Once(target)
        said = await live(db, folder, channels(), once)
        await db.close()
        if said != WHOLE:
            return said
        reached = max(reached, once.count)
        target += 1
    assert reached > 20
    return None


async def test_killed_at_any_point_every_announcement_is_there_once(tmp_path: Path) -> None:
    assert await killed_everywhere(tmp_path, Channel) is None


class Forgetful(Channel):
    """Broken on purpose: never looks whether a message is out already."""

    async def find(self, post: Post) -> str | None:
        return None


async def test_without_looking_first_a_kill_doubles_announcements(tmp_path: Path) -> None:
    said = await killed_everywhere(tmp_path, Forgetful)
    assert said is not None
    assert len(said) > len(WHOLE)


# ---- odd moments


async def test_an_entry_that_is_disqualified_while_its_message_is_on_the_way_is_not_left_there(room: Room) -> None:
    contest = await room.opened()
    for member in ("101", "102", "103"):
        await room.enter(contest, member)
    await room.run()
    room.clock.at = START + 2 * DAY
    (due,) = await room.db.work(lambda tx: room.line.claim(tx, "me", 9))
    await room.line.advance(due, "me")
    await room.service.disqualify(SAM, contest.id, "1", "not sent yet")
    on_its_way = await room.db.work(lambda tx: room.posts.claim(tx, "me", 9))
    await room.service.disqualify(SAM, contest.id, "2", "on its way")
    for post in on_its_way:
        await room.posts.advance(post, "me")
    await room.run()
    assert sorted(show.number for show in room.channel.shown) == [2, 3]
    assert len(room.channel.removed) == 1
    (left,) = await room.db.work(
        lambda tx: tx.all("SELECT state FROM posts WHERE purpose = 'entry' AND body <> '{}'")
    )
    assert left["state"] == "sent"


async def test_after_a_restore_contests_under_way_are_paused_until_people_decide(room: Room) -> None:
    other, voting = await room.create(title="Other"), await room.voting()
    assert await room.db.work(lambda tx: halt(tx, now=room.clock.now(), new_id=room.clock.new_id)) == 2
    assert await room.db.work(lambda tx: halt(tx, now=room.clock.now(), new_id=room.clock.new_id)) == 0
    await room.at(9 * DAY)
    assert (await room.contest(voting.id)).phase is Phase.VOTING
    assert room.channel.moves.count("paused") == 2
    resumed = await room.service.pause(SAM, voting.id, False)
    assert resumed.schedule.ends_at == voting.schedule.ends_at + 7 * DAY
    assert (await room.contest(other.id)).paused
