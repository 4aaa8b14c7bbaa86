"""A whole contest of twenty members, the bot killed in every phase: nothing is lost and nothing comes twice."""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.__main__ import main
from bot.playground.permissions import NOTHING
from bot.playground.world import Member, Message, Role, User
from tests.playground import Playground, find_control, shown_text, with_kie
from tests.story.told import rows

pytestmark = [pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]
PEOPLE = [f"remixer{number:02}" for number in range(20)]
TITLE = "Twenty Tapes"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def club(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with with_kie(tmp_path_factory.mktemp("contest"), TWODECK_GRACE_SECONDS="4") as play:
        world = play.world
        role = Role(world.new_id(), "Remixers", NOTHING, 1, mentionable=True)
        world.guild.roles[role.id] = role
        for name in PEOPLE:
            user = User(world.new_id(), name, name.title())
            world.guild.members[user.id] = Member(user, [role.id], world.clock.now())
        yield play
        log = (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]


def told(play: Playground, words: str) -> list[Message]:
    """Everything that was posted for everybody and shows these words."""
    return [message for message in play.messages("lounge") if words in shown_text(message)]


def gallery(play: Playground) -> list[Message]:
    return [one for one in play.messages("lounge") if "Report" in shown_text(one)]


async def meanwhile(play: Playground, **dates: int) -> None:
    """The bot is killed, these moments go by, and it is started again."""
    bot = play.bot
    assert bot is not None
    assert play.directory is not None
    before = play.standin.gateway.identified
    await bot.kill()
    connection = sqlite3.connect(play.directory / "bot" / "twodeck.db")
    with connection:
        for name, away in dates.items():
            at = int(time.time() * 1000) + away
            connection.execute(f"UPDATE contests SET {name} = ?, wake_at = 0", (at,))
    connection.close()
    await bot.start()
    await play.wait_for_bot(identified=before + 1)


async def phase_is(play: Playground, phase: str) -> None:
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM contests WHERE phase = ?", phase), 60)


async def all_is_out(play: Playground) -> None:
    """Nothing waits to be posted any more."""
    waiting = "SELECT 1 FROM posts WHERE state NOT IN ('sent', 'dead', 'removed')"
    await play.wait_for(lambda: not rows(play, waiting), 60)


async def asks(play: Playground, who: str) -> None:
    act = await play.slash(who, "lounge", "contest mashup", contest=TITLE, engine="kie", prompt="rain")
    await act.says("On its way", 30)


async def all_have_ended(play: Playground) -> None:
    """No job is under way, and each that gave an entry has its masked copy."""
    under_way = "SELECT 1 FROM jobs WHERE state NOT IN ('done', 'failed', 'unknown', 'cancelled')"
    copying = "SELECT 1 FROM entries WHERE state = 'entered' AND audio IS NULL"
    await play.wait_for(lambda: not rows(play, under_way) and not rows(play, copying), 120)


def without_entry(play: Playground) -> list[str]:
    """Whose create was cut off by the kill: nobody knows whether it was taken, so it was given back to them."""
    entered = {row["member"] for row in rows(play, "SELECT member FROM entries WHERE state = 'entered'")}
    return [who for who in PEOPLE if str(play.world.person(who).id) not in entered]


async def ballot(play: Playground, who: str) -> Message:
    return await (await play.slash(who, "lounge", "contest vote", contest=TITLE)).says("Your ballot", 30)


def offered(card: Message) -> dict[int, str]:
    """The entries of a card, as values of its select by their numbers."""
    options = find_control(card, "Your choice")["options"]
    return {int(re.sub(r"\D", "", one["label"])): one["value"] for one in options}


async def votes(play: Playground, who: str, chance: random.Random) -> set[int]:
    """Three clicks on one card, the last of which counts; returns the numbers that it chose."""
    card = await ballot(play, who)
    entries = offered(card)
    chosen: set[int] = set()
    acts: list[Any] = []
    for _ in range(3):
        chosen = set(chance.sample(sorted(entries), chance.randint(1, 4)))
        acts.append(await play.choose(who, card, "Your choice", *(entries[number] for number in chosen)))
    for act in acts:
        await act.says("Counted.", 30)
    return chosen


async def test_twenty_members_play_a_contest_through_crashes_in_every_phase(
    club: Playground, short_songs: tuple[Path, Path], tmp_path: Path
) -> None:
    play, chance = club, random.Random(7)
    role = next(one for one in play.world.guild.roles.values() if one.name == "Remixers")

    asked = await play.slash(
        "sam", "lounge", "contest create", title=TITLE, theme="Make it rain", opens="1d", deadline="3d",
        voting_ends="5d", track_a=short_songs[0], track_b=short_songs[1], winners=2, mention=role,
        who_votes=role, units=2,
    )  # fmt: skip
    question = await asked.says("Nothing is saved yet.")
    assert len(re.findall(r"<t:\d+:R>", shown_text(question))) == 3
    assert rows(play, "SELECT 1 FROM contests") == []
    await meanwhile(play)
    await (await play.click("sam", question, "Save")).says("Saved", 30)
    await (await play.click("sam", question, "Save")).says("That question is over")
    assert told(play, TITLE) == []

    await meanwhile(play, opens_at=-5000)
    await phase_is(play, "open")
    await all_is_out(play)
    (opened,) = told(play, f"Contest: {TITLE}")
    assert opened.mention_role_ids == [role.id]

    await asyncio.gather(*(asks(play, who) for who in PEOPLE[:10]))
    await meanwhile(play)
    await asyncio.gather(*(asks(play, who) for who in PEOPLE[10:]))
    await all_have_ended(play)
    await asyncio.gather(*(asks(play, who) for who in without_entry(play)))
    await all_have_ended(play)
    assert without_entry(play) == []
    await all_is_out(play)
    assert not any(message.mention_ids for message in play.messages("lounge"))
    assert not [one for one in play.messages("lounge") if one.attachments]

    await meanwhile(play, closes_at=-5000)
    await play.wait_for(lambda: len(gallery(play)) >= 3, 60)
    await meanwhile(play)
    await play.wait_for(lambda: len(gallery(play)) == 20, 60)
    await all_is_out(play)
    assert sorted(one.attachments[0].filename for one in gallery(play)) == sorted(
        f"entry-{number}.mp3" for number in range(1, 21)
    )
    assert not any(who.title() in shown_text(one) for one in gallery(play) for who in PEOPLE)
    numbers = {
        row["member"]: row["number"]
        for row in rows(play, "SELECT member, number FROM entries WHERE state = 'entered'")
    }
    assert [numbers[str(play.world.person(who).id)] for who in PEOPLE] != list(range(1, 21))
    assert len(told(play, f"Voting has begun: {TITLE}")) == 1

    await (await play.slash("mika", "lounge", "contest vote", contest=TITLE)).says("with the role")
    stale = await ballot(play, PEOPLE[0])
    assert numbers[str(play.world.person(PEOPLE[0]).id)] not in offered(stale)
    cast = dict(zip(PEOPLE[:10], await asyncio.gather(*(votes(play, w, chance) for w in PEOPLE[:10])), strict=True))
    await meanwhile(play)
    cast |= zip(PEOPLE[10:], await asyncio.gather(*(votes(play, w, chance) for w in PEOPLE[10:])), strict=True)
    last = min(offered(stale))
    await (await play.choose(PEOPLE[0], stale, "Your choice", offered(stale)[last])).says("Counted.", 30)
    cast[PEOPLE[0]] = {last}

    await meanwhile(play, ends_at=-5000)
    await phase_is(play, "closed")
    await all_is_out(play)
    await meanwhile(play)
    (results,) = told(play, f"Results: {TITLE}")
    points = Counter(number for chosen in cast.values() for number in chosen)
    best = sorted(points.values(), reverse=True)
    winners = {number for number, count in points.items() if best.index(count) < 2}
    shown = set(re.findall(r"Entry (\d+) [^\n]* winner", shown_text(results)))
    assert shown == {str(number) for number in winners}
    assert {one.filename for one in results.attachments} == {f"entry-{number}.mp3" for number in winners}
    assert "20 ballots cast" in shown_text(results)

    exported = await (await play.slash(PEOPLE[3], "lounge", "contest export", contest=TITLE, kind="json")).says(
        TITLE
    )
    file = tmp_path / "contest.json"
    file.write_bytes(play.read(exported.attachments[0]))
    assert await asyncio.to_thread(main, ["tally", str(file)]) == 0
    data = json.loads(file.read_text("utf-8"))
    ballots = [set(one["choices"]) for one in data["ballots"]]
    assert sorted(map(sorted, ballots)) == sorted(map(sorted, cast.values()))

    await meanwhile(play)
    await all_is_out(play)
    kinds = (f"Contest: {TITLE}", f"Voting has begun: {TITLE}", f"Results: {TITLE}")
    assert [len(told(play, words)) for words in kinds] == [1, 1, 1]
    assert len(gallery(play)) == 20
