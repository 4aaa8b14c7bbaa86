"""The server changes under a job: channels, permissions, messages, boosts, the bot's own place in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.errors import MemberError
from bot.playground.knob_table import KNOBS
from bot.playground.permissions import Permission
from bot.playground.places import UPLOAD_LIMITS
from bot.playground.world import MEBIBYTE, Channel
from tests.playground import Playground, shown_text, with_kie
from tests.story.told import log_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
MOST_CALLS_TO_A_CLOSED_CHANNEL = 3
MISSING = {
    "SEND_MESSAGES": "Send Messages, Embed Links, Attach Files",
    "ATTACH_FILES": "Attach Files",
    "EMBED_LINKS": "Embed Links",
    "VIEW_CHANNEL": "View Channel, Send Messages, Embed Links, Attach Files, Read Message History",
    "READ_MESSAGE_HISTORY": "Read Message History",
    "SEND_MESSAGES_IN_THREADS": "Embed Links, Attach Files, Send Messages in Threads",
}
"""What the knob can take from the bot, and what the bot then lacks: on Discord the one brings the other along."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with with_kie(tmp_path_factory.mktemp("playground")) as playing:
        yield playing
        log = log_of(playing)
        assert "Traceback" not in log, log[-4000:]


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


async def test_slow_mode_only_takes_longer(play: Playground, ask: Any, room: Channel) -> None:
    before = await (await play.slash("sam", room.name, "help")).says("What you can do here")
    assert "Slow mode" not in shown_text(before)
    play.knobs.slow_mode(room, 3)
    told = await ask()
    await told.act.says("Slow mode is on here (3 s)")
    await (await play.slash("sam", room.name, "help")).says("A moderator (Manage Channels) can turn it off")
    await told.is_delivered_once()
    assert told.results[0].created - told.cards[0].created >= 3


@pytest.mark.parametrize("lock", [False, True])
async def test_an_archived_thread_is_opened_again_and_a_locked_one_leaves_the_result_to_jobs_get(
    play: Playground, ask: Any, room: Channel, lock: bool
) -> None:
    thread = play.knobs.places.create_thread(room, {"name": f"mixes {lock}"}, play.world.bot.id)
    told = await ask("noor", place=thread)
    await told.reaches("submitted")
    play.knobs.close_thread(thread, lock=lock)
    if not lock:
        await told.is_delivered_once()
        assert not thread.archived
        return
    await told.reaches("done")
    assert told.job()["how"] == "kept"
    got = await play.slash("noor", room.name, "jobs get", job=told.job()["id"])
    assert len((await got.says("Here it is again.")).attachments) == 2
    await (await ask("sam", place=thread)).act.says("A moderator (Manage Threads) can open it")


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


@pytest.mark.parametrize("name", MISSING)
async def test_a_missing_permission_is_named_at_acceptance(
    play: Playground, room: Channel, short_songs: tuple[Path, Path], name: str
) -> None:
    place = room
    if Permission[name] is Permission.SEND_MESSAGES_IN_THREADS:
        place = play.knobs.places.create_thread(room, {"name": "mixes of the week"}, play.world.bot.id)
    play.knobs.remove_permission(place, Permission[name])
    act = await play.slash("mika", place.name, "mashup", track_a=short_songs[0], track_b=short_songs[1])
    answer = await act.says(f"I cannot post a result in this channel. Missing for me: {MISSING[name]}. A moderator")
    assert answer.ephemeral
    assert play.messages(place.name) == []
    await play.knobs.calm()


async def test_every_permission_of_the_knob_is_here() -> None:
    choices = KNOBS["remove-permission"].arguments[1]["choices"]
    assert list(MISSING) == [choice["value"] for choice in choices]


async def test_a_boosted_server_takes_a_result_that_is_larger(
    play: Playground, ask: Any, short_songs: tuple[Path, Path]
) -> None:
    large = short_songs[0].read_bytes() + bytes(11 * MEBIBYTE)  # behind the last frame, where no tag is replaced
    play.knobs.boost(2)
    told = await ask("noor", track_a=("large.mp3", large), engine="kie", prompt="rain")
    await told.is_delivered_once()
    assert max(attachment.size for attachment in told.results[0].attachments) >= len(large) > UPLOAD_LIMITS[0]
