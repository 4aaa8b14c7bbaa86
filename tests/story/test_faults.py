"""Whatever goes wrong around the bot: a job is delivered exactly once, or it ends quietly and says why it can."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.errors import MemberError
from bot.playground.files import Upload
from bot.playground.limits import DISCORD
from bot.playground.permissions import Permission
from bot.playground.world import Channel, Message
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Act, Playground, shown_text

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]
MOST_CALLS_TO_A_CLOSED_CHANNEL = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with Playground(tmp_path_factory.mktemp("playground")) as playground:
        await playground.start_bot()
        yield playground
        log = log_of(playground)
        for leak in ("never retrieved", "Unclosed", "was destroyed but it is pending"):
            assert leak not in log, log[-4000:]


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("songs")
    first = write_mp3(folder / "one.mp3", stereo(Song(tempo=120, seconds=9, tonic=9, minor=True)))
    second = write_mp3(folder / "two.mp3", stereo(Song(tempo=112, seconds=9, tonic=0)))
    return first, second


@pytest.fixture
def room(play: Playground) -> Channel:
    """A channel of one's own, so that everything in it belongs to one story."""
    channel = Channel(play.world.new_id(), f"room-{len(play.world.guild.channels)}", "", 9)
    play.world.guild.channels[channel.id] = channel
    return channel


class Told:
    """One mashup in a channel of its own, and what became of it."""

    def __init__(self, play: Playground, room: Channel, act: Act) -> None:
        self.play, self.room, self.act = play, room, act

    @property
    def results(self) -> list[Message]:
        return [m for m in self.play.messages(self.room.name) if m.attachments]

    @property
    def cards(self) -> list[Message]:
        return [m for m in self.play.messages(self.room.name) if not m.content]

    def job(self) -> Any:
        found = rows(self.play, "SELECT * FROM jobs WHERE channel = ?", str(self.room.id))
        return next(iter(found), None)

    async def reaches(self, *states: str) -> None:
        await self.play.wait_for(lambda: (self.job() or {"state": ""})["state"] in states, 30)

    async def is_delivered_once(self) -> None:
        """One card, one result, and the job knows."""
        await self.reaches("done")
        await self.play.wait_for(lambda: not self.waiting_posts(), 20)
        assert (len(self.cards), len(self.results)) == (1, 1)
        assert self.job()["how"] == "channel"

    def waiting_posts(self) -> list[sqlite3.Row]:
        sql = "SELECT 1 FROM posts WHERE subject = ? AND state NOT IN ('sent', 'dead')"
        return rows(self.play, sql, f"job:{self.job()['id']}")

    def calls(self, since: int) -> int:
        """Requests to the channel after the first `since` ones of the history."""
        path = f"/channels/{self.room.id}"
        return sum(call.path.startswith(path) for call in self.play.history[since:])


def rows(play: Playground, sql: str, *values: str) -> list[sqlite3.Row]:
    """Read the bot's database beside the running bot."""
    assert play.directory is not None
    connection = sqlite3.connect(f"file:{play.directory / 'bot' / 'twodeck.db'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def log_of(play: Playground) -> str:
    assert play.directory is not None
    return (play.directory / "bot.log").read_text("utf-8")


@pytest_asyncio.fixture(loop_scope="module")
async def ask(play: Playground, room: Channel, songs: tuple[Path, Path]) -> AsyncIterator[Any]:
    """`await ask()` orders a mashup in the room; afterwards nothing of the faults is left."""

    async def order(**options: Any) -> Told:
        files = {"track_a": songs[0], "track_b": songs[1], **options}
        return Told(play, room, await play.slash("mika", room.name, "mashup", **files))

    yield order
    await play.knobs.calm()


# ---- requests that fail


async def test_told_to_wait_it_waits_and_posts_once(play: Playground, ask: Any) -> None:
    play.knobs.rate_limit(1, "create", seconds=0.2)
    told = await ask()
    await told.reaches("submitted")
    play.knobs.rate_limit(1, "create", seconds=0.2, everywhere=True)
    await told.is_delivered_once()
    assert [c.status for c in play.requests("POST", f"/channels/{told.room.id}/messages")].count(429) == 2


@pytest.mark.parametrize("applied", [False, True])
async def test_errors_and_broken_connections_leave_one_card_and_one_result(
    play: Playground, ask: Any, applied: bool
) -> None:
    play.knobs.server_error(1, "create", status=503, applied=applied)
    told = await ask()
    await told.reaches("submitted")
    play.knobs.reset(1, "create", applied=applied)
    await told.is_delivered_once()
    assert play.knobs.faults.take("POST", "/channels/1/messages") is None, "a fault was never met"
    sent = len(play.requests("POST", f"/channels/{told.room.id}/messages"))
    assert sent == (2 if applied else 4), "what was applied is found in the history, not sent again"


async def test_slow_answers_only_take_longer(play: Playground, ask: Any) -> None:
    play.knobs.slow(0.3)
    told = await ask()
    await told.is_delivered_once()
    assert told.act.acknowledged_after >= 0.3


async def test_limits_as_on_discord_are_kept_without_a_single_429(
    play: Playground, room: Channel, songs: tuple[Path, Path]
) -> None:
    play.knobs.buckets(DISCORD)
    since = len(play.history)
    for _ in range(3):
        await play.slash("noor", room.name, "mashup", track_a=("x.mp3", b"no audio"), track_b=songs[0])
    await play.wait_for(
        lambda: sum("Nothing was charged" in shown_text(m) for m in play.messages(room.name)) == 3, 30
    )
    assert 429 not in [call.status for call in play.history[since:]]
    await play.knobs.calm()


# ---- connections, tokens, links


async def test_a_lost_gateway_does_not_disturb_a_job(play: Playground, ask: Any) -> None:
    told = await ask()
    await told.reaches("submitted")
    await play.knobs.drop_gateway()
    await told.is_delivered_once()


async def test_a_command_that_came_too_late_makes_no_job(play: Playground, ask: Any) -> None:
    play.knobs.late_ack()
    told = await ask()
    await told.act.answered()
    assert told.act.failed
    [refused] = await play.wait_for(lambda: [c for c in play.requests("POST", "/callback") if c.status == 404])
    assert refused.answer["code"] == 10062
    await play.wait_for(lambda: "no longer takes an answer" in log_of(play))
    assert told.job() is None
    assert "command failed" not in log_of(play)


async def test_a_token_that_ends_early_costs_the_answer_and_not_the_job(play: Playground, ask: Any) -> None:
    play.knobs.void_next_tokens()
    told = await ask()
    await told.is_delivered_once()
    assert told.act.original is not None
    assert told.act.original.content == ""


async def test_an_expired_link_is_answered_with_a_sentence(play: Playground, ask: Any) -> None:
    play.knobs.slow(0.5, "callback")
    told = await ask()
    play.knobs.expire_links()
    await told.reaches("failed")
    [notice] = [m for m in play.messages(told.room.name) if m.content]
    assert "one.mp3" in shown_text(notice)
    assert "Nothing was charged." in shown_text(notice)


# ---- the server changes under the job


async def test_a_channel_that_goes_away_ends_the_job_quietly(play: Playground, ask: Any) -> None:
    told = await ask()
    await told.reaches("submitted")
    since = len(play.history)
    play.knobs.delete_channel(told.room)
    await told.reaches("done")
    assert told.job()["how"] == "kept"
    assert told.calls(since) <= MOST_CALLS_TO_A_CLOSED_CHANNEL


async def test_a_permission_that_goes_away_ends_the_job_quietly(play: Playground, ask: Any) -> None:
    told = await ask()
    await told.reaches("submitted")
    since = len(play.history)
    play.knobs.remove_permission(told.room, Permission.SEND_MESSAGES)
    await told.reaches("done")
    assert told.job()["how"] == "kept"
    posts = [c for c in play.history[since:] if c.status == 403 and str(told.room.id) in c.path]
    assert 1 <= len(posts) <= MOST_CALLS_TO_A_CLOSED_CHANNEL


async def test_a_channel_that_answers_403_ends_the_job_quietly(play: Playground, ask: Any) -> None:
    told = await ask()
    await told.reaches("submitted")
    since = len(play.history)
    play.knobs.forbid(told.room, 50001)
    await told.reaches("done")
    assert told.job()["how"] == "kept"
    assert told.calls(since) <= MOST_CALLS_TO_A_CLOSED_CHANNEL


async def test_a_deleted_card_does_not_disturb_the_result(play: Playground, ask: Any) -> None:
    told = await ask()
    await told.reaches("submitted")
    await play.wait_for(lambda: told.cards)
    card = told.cards[0]
    play.knobs.delete_message(card)
    await told.reaches("done")
    assert (len(told.results), told.job()["how"]) == (1, "channel")
    edits = [c for c in play.requests("PATCH", f"/messages/{card.id}") if c.status == 404]
    assert len(edits) <= MOST_CALLS_TO_A_CLOSED_CHANNEL


async def test_a_bot_removed_while_it_works_ends_its_job_quietly(play: Playground, ask: Any) -> None:
    told = await ask()
    await told.reaches("submitted")
    since = len(play.history)
    play.knobs.remove_bot()
    with pytest.raises(MemberError, match="may not use"):
        await ask()
    await told.reaches("done")
    assert told.job()["how"] == "kept"
    assert told.calls(since) <= MOST_CALLS_TO_A_CLOSED_CHANNEL
    play.knobs.invite_bot()


# ---- the bot's own process


async def test_a_held_up_engine_only_takes_longer(play: Playground, ask: Any) -> None:
    await play.knobs.slow_engine(1.5)
    assert play.knobs.engine_held
    told = await ask()
    await told.reaches("accepted")
    await play.wait_for(lambda: not play.knobs.engine_held)
    assert told.results == []
    await told.is_delivered_once()


@pytest.mark.parametrize("state", ["submitted", "posting"])
async def test_a_bot_killed_anywhere_delivers_once(play: Playground, ask: Any, state: str) -> None:
    if state == "posting":
        play.knobs.slow(0.5, "create")
    told = await ask()
    await told.reaches(state)
    await play.restart_bot()
    play.knobs.slow(0)
    await told.is_delivered_once()


# ---- bad input


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"track_b": None}, "track_b: choose a file first"),
        ({f"track_{letter}": ("x.mp3", b"x") for letter in "abcdefghijk"}, "No such option: track_c"),
        ({"track_a": Upload("track_a", "huge.wav", b"x", claimed=5 << 30)}, "huge.wav is larger than the 10 MiB"),
    ],
)
async def test_the_client_itself_refuses(
    play: Playground, ask: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(MemberError, match=sentence):
        await ask(**options)


async def test_five_gigabytes_that_came_through_are_refused_by_their_claim(play: Playground, ask: Any) -> None:
    play.world.mika.upload_limit, before = 6 << 30, play.world.mika.upload_limit
    told = await ask(track_a=Upload("track_a", "huge.wav", b"x", claimed=5 << 30))
    play.world.mika.upload_limit = before
    answer = await told.act.says("“huge.wav” is larger than 100 MB")
    assert answer.ephemeral
    assert told.job() is None


@pytest.mark.parametrize(
    "name",
    [
        "naïve – Ночь 夜.mp3",
        "\u202etfosorp.mp3",
        "مرحبا بالعالم.mp3",
        "x" * 296 + ".mp3",
        "two\nlines.mp3",
        "@everyone **loud** `code`.mp3",
        "..",
        ".mp3",
    ],
)
async def test_unreadable_names_are_no_obstacle(
    play: Playground, ask: Any, songs: tuple[Path, Path], name: str
) -> None:
    told = await ask(track_a=(name, b"not audio at all"))
    await told.reaches("failed")
    [notice] = [m for m in play.messages(told.room.name) if m.content]
    assert "is not audio" in shown_text(notice)
    assert notice.mention_ids == [play.world.mika.id]


async def test_the_same_file_twice_and_an_unknown_model_are_mixed_and_said(
    play: Playground, ask: Any, songs: tuple[Path, Path]
) -> None:
    told = await ask(track_b=songs[0], model="V99")
    await told.is_delivered_once()
    await play.wait_for(lambda: "same file" in shown_text(told.cards[0]))
    assert "`model`" in shown_text(told.cards[0])


async def test_an_option_of_an_engine_that_is_not_there_gets_a_sentence(play: Playground, ask: Any) -> None:
    told = await ask(engine="kie", model="V5")
    await told.act.says("The engine “kie” is not set up on this bot.")
    assert told.job() is None
