"""What may be used as a source: one's own, and what was posted where one reads; of anything else no word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.contests.contest import Contest
from bot.contests.stake import ContestStake
from bot.database import Database
from bot.errors import Code, Refused
from bot.files import store as files
from bot.jobs import store
from bot.jobs.job import Removal
from bot.jobs.reach import MOST, Listener, Reach
from bot.jobs.service import Offer
from bot.jobs.stake import NoStake, Stake
from bot.posts import store as posts
from bot.posts.post import NewPost, Purpose
from tests.contests import DAY, GUILD, Room

MIKA, NOOR = "101", "102"


class Library:
    """Jobs of mika and noor, and both listening in the channel where they were posted."""

    def __init__(self, room: Room) -> None:
        self.room, self.db = room, room.db
        self.reads = {MIKA: {"70"}, NOOR: {"70"}}

    def reach(self, stake: Stake | None = None) -> Reach:
        return Reach(self.db, self.room.clock, stake or ContestStake(self.room.clock))

    def listener(self, member: str, guild: str = GUILD) -> Listener:
        return Listener(guild, member, self.reads[member].__contains__)

    async def made(self, member: str, *, public: bool = False, message: str = "") -> str:
        """A finished job with both sources in our store; posted in channel 70 if it is public."""
        job = await self.room.made(member, private=not public)
        now = self.room.clock.now()
        kept = {side: await self.room.stored(f"{side} of {job}") for side in "ab"}

        def unit(tx: Any) -> None:
            for side, file in kept.items():
                files.keep(tx, [file], f"job:{job}", now + 7 * DAY, now)
                tx.run(
                    "UPDATE sources SET name = ?, hash = ?, seconds = 9 WHERE job = ? AND side = ?",
                    (f"track-{side}.mp3", file.hash, job, side),
                )
            tx.run("UPDATE jobs SET how = ? WHERE id = ?", ("channel" if public else "answer", job))
            if message:
                posts.add(tx, f"job:{job}", NewPost(Purpose.RESULT, "70", {}), post_id=f"p{job}", now=now)
                tx.run("UPDATE posts SET message_id = ? WHERE id = ?", (message, f"p{job}"))

        await self.db.work(unit)
        return job

    async def offer(self, member: str, typed: str, stake: Stake | None = None) -> Offer:
        return await self.reach(stake).offer(self.listener(member), typed)

    async def code(self, member: str, typed: str) -> Code:
        with pytest.raises(Refused) as caught:
            await self.offer(member, typed)
        return caught.value.refusal.code

    async def words(self, member: str, typed: str = "") -> list[str]:
        return [one.word for one in await self.reach().known(self.listener(member), typed)]


@pytest.fixture
def library(db: Database, tmp_path: Path) -> Library:
    return Library(Room(db, tmp_path))


async def test_own_tracks_and_results_by_word_number_and_link(library: Library) -> None:
    job = await library.made(MIKA, message="555")
    for typed in (job, f"{job}/1", f" {job.upper()} ", f"https://discord.com/channels/{GUILD}/70/555"):
        offer = await library.offer(MIKA, typed)
        assert (offer.name, offer.seconds, offer.url) == (f"title of {job}.mp3", 10.0, "")
        assert offer.hash
    assert (await library.offer(MIKA, f"{job}/b")).name == "track-b.mp3"
    assert await library.words(MIKA) == [f"{job}/1", f"{job}/a", f"{job}/b"]


async def test_of_others_only_what_was_posted_where_one_reads(library: Library) -> None:
    posted = await library.made(NOOR, public=True, message="555")
    hidden = await library.made(NOOR, message="556")
    link = f"https://ptb.discord.com/channels/{GUILD}/70/"
    assert (await library.offer(MIKA, posted)).name == f"title of {posted}.mp3"
    assert (await library.offer(MIKA, f"{link}555")).hash
    assert (await library.reach().of_message(library.listener(MIKA), "555")).hash
    assert await library.words(MIKA) == [f"{posted}/1"]
    nothing = [hidden, f"{hidden}/1", f"{link}556", f"{posted}/a", f"{posted}/7", "0" * 12, "deck/a", "x", "a/b"]
    assert {await library.code(MIKA, typed) for typed in nothing} == {Code.SOURCE_UNKNOWN}
    library.reads[MIKA] = set()
    assert await library.code(MIKA, posted) is Code.SOURCE_UNKNOWN
    assert await library.words(MIKA) == []
    with pytest.raises(Refused) as caught:
        await library.reach().of_message(library.listener(MIKA), "555")
    assert caught.value.refusal.code is Code.MESSAGE_WITHOUT_AUDIO


async def test_nothing_crosses_from_one_guild_to_another(library: Library) -> None:
    job = await library.made(MIKA, public=True, message="555")
    elsewhere = library.listener(MIKA, "8")
    for typed in (job, "https://discord.com/channels/8/70/555", f"https://discord.com/channels/{GUILD}/70/555"):
        with pytest.raises(Refused, match="source-unknown"):
            await library.reach().offer(elsewhere, typed)
    assert await library.reach().known(elsewhere, "") == ()


async def entered(library: Library) -> tuple[Contest, str]:
    """A contest that hides its entrants, and an entry of noor's whose result would be public otherwise."""
    contest = await library.room.opened()
    entry = await library.room.enter(contest, NOOR)
    await library.db.work(
        lambda tx: tx.run("UPDATE jobs SET private = 0, how = 'channel' WHERE id = ?", (entry.job,))
    )
    return contest, entry.job


async def test_a_masked_entry_is_nobodys_source_until_the_result_is_out(library: Library) -> None:
    contest, job = await entered(library)
    assert await library.code(MIKA, job) is Code.SOURCE_UNKNOWN
    assert await library.code(NOOR, job) is Code.SOURCE_MASKED
    assert f"{job}/1" not in [*await library.words(MIKA), *await library.words(NOOR)]
    await library.db.work(lambda tx: tx.run("UPDATE contests SET phase = 'closed' WHERE id = ?", (contest.id,)))
    assert (await library.offer(MIKA, job)).hash


async def test_without_the_veil_it_would_be(library: Library) -> None:
    """Broken on purpose: what the test above would see."""
    _, job = await entered(library)
    assert (await library.offer(MIKA, job, NoStake())).hash


async def test_what_is_deleted_or_no_longer_kept_says_so_to_its_member(library: Library) -> None:
    old = await library.made(MIKA, public=True)
    library.room.clock.at += 31 * DAY
    await library.db.work(lambda tx: files.forget(tx, library.room.clock.now()))
    assert await library.code(MIKA, old) is await library.code(NOOR, old) is Code.SOURCES_GONE
    assert await library.code(MIKA, f"{old}/a") is Code.SOURCES_GONE
    gone = await library.made(MIKA, public=True)
    await library.db.work(lambda tx: store.remove(tx, gone, Removal("1", "because")))
    assert await library.code(MIKA, gone) is Code.RESULT_REMOVED
    assert await library.code(NOOR, gone) is Code.SOURCE_UNKNOWN
    assert await library.words(NOOR) == []


async def test_suggestions_are_the_newest_that_fit_each_file_once_and_no_more_than_fit(library: Library) -> None:
    first = await library.made(MIKA)
    twice = await library.made(MIKA)
    await library.db.work(
        lambda tx: tx.run(
            "UPDATE sources SET hash = (SELECT hash FROM sources WHERE job = ?1 AND side = 'a')"
            " WHERE job = ?2 AND side = 'a'",
            (first, twice),
        )
    )
    await library.db.work(
        lambda tx: files.share(
            tx,
            tx.all("SELECT hash FROM sources WHERE job = ? AND side = 'a'", (twice,))[0]["hash"],
            f"job:{twice}",
            library.room.clock.now() + DAY,
        )
    )
    await library.db.work(lambda tx: tx.run("UPDATE jobs SET created_at = created_at + 1 WHERE id = ?", (twice,)))
    words = await library.words(MIKA, "TRACK-A.MP3")
    assert words == [f"{twice}/a"]
    assert await library.words(MIKA, "title of " + first) == [f"{first}/1"]
    for _ in range(9):
        await library.made(MIKA)
    assert len(await library.words(MIKA)) == MOST
