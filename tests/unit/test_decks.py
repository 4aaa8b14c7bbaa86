"""Two decks: where a track goes, what a message puts on them, what Start makes of them, and when they are empty."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, cast

import pytest

from bot.clock import Clock
from bot.database import Database
from bot.decks import store as decks
from bot.decks.deck import Decks, Loaded
from bot.errors import Code, Refused
from bot.files import store as files
from bot.files.store import Stored
from bot.guilds.moderation import Actor
from bot.guilds.service import GuildService
from bot.jobs.loading import LOADS, LOADS_MS, Decking
from bot.jobs.service import Offer, Reader
from bot.jobs.staging import Stager
from bot.privacy.departed import remove_guild
from bot.privacy.forgetting import forget
from tests.contests import DAY, Room, place

MIKA, NOOR, GUILD = "101", "102", "7"
WEEK = 7 * DAY


def track(name: str) -> Loaded:
    return Loaded(name, name * 64, 9, 10.0, "70", "5")


A, B, C = track("a"), track("b"), track("c")


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        ((None, None), [A], (A, None)),
        ((A, None), [B], (A, B)),
        ((None, B), [A], (A, B)),
        ((A, B), [C], (A, C)),
        ((None, None), [A, B], (A, B)),
        ((C, A), [A, B], (A, B)),
        ((A, None), [A], (A, A)),
        ((A, B), [], (A, B)),
    ],
)
def test_where_a_track_goes(before: tuple[Any, Any], given: list[Loaded], after: tuple[Any, Any]) -> None:
    assert Decks(*before).with_tracks(given) == Decks(*after)


def test_what_is_missing_and_what_a_swap_does() -> None:
    assert Decks().missing == ("a", "b")
    assert Decks(A).swapped() == Decks(None, A)
    assert Decks(A).swapped().missing == ("a",)
    assert list(Decks(A, B).swapped().loaded.items()) == [("a", B), ("b", A)]


class Bench:
    """Decks in a room of contests; files are fetched from nowhere."""

    def __init__(self, room: Room) -> None:
        self.room, self.db, self.clock = room, room.db, room.clock
        stager = cast(Stager, self)
        self.decking = Decking(room.db, room.clock, room.jobs._gate, room.jobs, stager, keep_days=7)
        self.fetched: list[str] = []

    async def stage(self, mark: str, name: str, url: str) -> tuple[Stored, float]:
        self.fetched.append(url)
        return await self.room.stored(f"sound of {url}"), 10.0

    async def load(self, *names: str, member: str = MIKA) -> Any:
        offers = [Offer(f"https://x/{name}", name, 9) for name in names]
        return await self.decking.load(place(member), "5", offers)

    async def held(self, member: str = MIKA) -> list[str]:
        found = await self.decking.held(GUILD, member)
        return [f"{side}:{one.name}" for side, one in found.loaded.items()]

    async def owners(self) -> list[str]:
        await self.db.work(lambda tx: files.forget(tx, self.clock.now()))
        rows = await self.db.work(lambda tx: tx.all("SELECT owner FROM file_refs ORDER BY owner, hash"))
        return [row["owner"] for row in rows]


@pytest.fixture
def bench(db: Database, tmp_path: Path) -> Bench:
    return Bench(Room(db, tmp_path))


async def refused(doing: Any) -> Code:
    with pytest.raises(Refused) as caught:
        await doing
    return caught.value.refusal.code


async def test_messages_fill_a_then_b_then_replace_b_and_refer_to_what_is_there_alone(bench: Bench) -> None:
    await bench.load("one.mp3")
    await bench.load("two.mp3")
    change = await bench.load("three.mp3")
    assert change.replaced == "two.mp3"
    assert await bench.held() == ["a:one.mp3", "b:three.mp3"]
    assert await bench.owners() == [f"decks:{GUILD}:{MIKA}"] * 2
    await bench.decking.swap(GUILD, MIKA)
    assert await bench.held() == ["a:three.mp3", "b:one.mp3"]
    assert (await bench.load("4.mp3", "5.mp3", "6.mp3")).left_out == 1
    assert await bench.held() == ["a:4.mp3", "b:5.mp3"]
    assert await bench.held(NOOR) == []
    await bench.decking.clear(GUILD, MIKA)
    assert (await bench.held(), await bench.owners()) == ([], [])


async def test_a_file_of_ours_is_referred_to_and_not_fetched(bench: Bench) -> None:
    job = await bench.room.made(MIKA)
    digest = hashlib.sha256(f"sound of {job}".encode()).hexdigest()
    await bench.decking.load(place(MIKA), "5", [Offer("", "result.mp3", 9, digest, 10.0)])
    assert (await bench.held(), bench.fetched) == (["a:result.mp3"], [])
    code = await refused(bench.decking.load(place(MIKA), "5", [Offer("", "gone.mp3", 9, "0" * 64, 10.0)]))
    assert code is Code.SOURCES_GONE
    assert await bench.held() == ["a:result.mp3"]


async def test_start_makes_one_job_of_both_and_empties_them(bench: Bench) -> None:
    await bench.load("one.mp3", "two.mp3")
    where = place(MIKA)
    accepted = await bench.decking.start(where)
    assert [(s.name, s.url) for s in accepted.job.ask.sources] == [("one.mp3", ""), ("two.mp3", "")]
    assert await bench.held() == []
    assert await bench.owners() == [accepted.job.subject] * 2
    assert await refused(bench.decking.start(place(MIKA))) is Code.DECKS_NOT_FULL
    await bench.load("three.mp3", "four.mp3")
    again = await bench.decking.start(where)  # the same interaction once more
    assert again.job.id == accepted.job.id
    assert await bench.held() == ["a:three.mp3", "b:four.mp3"]


async def test_what_the_gate_refuses_stays_on_the_decks(bench: Bench) -> None:
    await bench.load("one.mp3", "two.mp3")
    actor = Actor(GUILD, "1", frozenset(), manages=True)
    guilds = GuildService(bench.db, bench.clock, lambda: None)
    await guilds.change(actor, engines=frozenset({"kie"}), default_engine="kie", member_units=0)
    assert await refused(bench.decking.start(place(MIKA))) is Code.QUOTA_MEMBER
    assert await bench.held() == ["a:one.mp3", "b:two.mp3"]
    await guilds.change(actor, channels=frozenset({"710000000000000000"}))
    fetched = len(bench.fetched)
    assert await refused(bench.load("three.mp3")) is Code.CHANNEL_NOT_ALLOWED
    assert len(bench.fetched) == fetched


async def test_a_message_without_audio_and_files_that_are_too_large_or_too_many(bench: Bench) -> None:
    assert await refused(bench.load()) is Code.MESSAGE_WITHOUT_AUDIO
    huge = Offer("https://x/huge", "huge.wav", 2 << 20)
    assert await refused(bench.decking.load(place(MIKA), "5", [huge])) is Code.FILE_TOO_LARGE
    for number in range(LOADS):
        await bench.load(f"{number}.mp3")
    assert await refused(bench.load("more.mp3")) is Code.TOO_MANY_LOADS
    await bench.load("hers.mp3", member=NOOR)
    bench.clock.at += LOADS_MS + 1
    await bench.load("more.mp3")


async def test_only_one_message_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[Code] = []

    async def slow(mark: str, name: str, url: str) -> tuple[Stored, float]:
        codes.append(await refused(bench.decking.load(place(MIKA), "6", [Offer("https://x/b", "b", 9)])))
        return await bench.room.stored(url), 10.0

    monkeypatch.setattr(bench, "stage", slow)
    await bench.load("a.mp3")
    assert codes == [Code.TOO_MANY_LOADS]


async def test_they_end_after_a_week_without_a_change(bench: Bench) -> None:
    await bench.load("one.mp3")
    bench.clock.at += WEEK - 1
    await bench.load("two.mp3")
    bench.clock.at += WEEK - 1
    assert len(await bench.held()) == 2
    bench.clock.at += 1
    assert await bench.held() == []
    await bench.db.work(lambda tx: decks.drop_expired(tx, bench.clock.now()))
    assert await bench.db.work(lambda tx: tx.all("SELECT 1 FROM decks")) == []
    assert await bench.owners() == []


# ---- whoever goes


async def test_they_go_with_a_member_and_with_a_guild(bench: Bench) -> None:
    for member in (MIKA, NOOR):
        await bench.load("one.mp3", member=member)
    await bench.db.work(lambda tx: forget(tx, MIKA, new_id=Clock().new_id, now=bench.clock.now()))
    assert (await bench.held(), await bench.owners()) == ([], [f"decks:{GUILD}:{NOOR}"])
    await bench.db.work(lambda tx: remove_guild(tx, GUILD))
    assert (await bench.held(NOOR), await bench.owners()) == ([], [])


@pytest.mark.parametrize("way", ["deleted", "forgotten"])
async def test_a_result_that_is_to_be_gone_is_on_nobodys_deck(bench: Bench, way: str) -> None:
    job = await bench.room.made(NOOR)
    [made] = await bench.db.work(lambda tx: tx.all("SELECT hash FROM tracks WHERE job = ?", (job,)))
    await bench.decking.load(place(MIKA), "5", [Offer("", "theirs.mp3", 9, made["hash"], 10.0)])
    await bench.load("own.mp3")
    if way == "deleted":
        await bench.room.jobs.remove(Reader(GUILD, "1", moderator=True), job, "because")
    else:
        await bench.db.work(lambda tx: forget(tx, NOOR, new_id=Clock().new_id, now=bench.clock.now()))
    assert await bench.held() == ["b:own.mp3"]
    assert await bench.owners() == [f"decks:{GUILD}:{MIKA}"]
