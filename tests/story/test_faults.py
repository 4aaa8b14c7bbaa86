"""Whatever goes wrong around the bot: a job is delivered exactly once, or it ends quietly and says why it can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.errors import MemberError
from bot.playground.files import Upload
from bot.playground.knob_table import KNOBS
from bot.playground.limits import DISCORD
from bot.playground.world import Channel
from tests.playground import Playground, shown_text
from tests.story.told import log_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
STORIES = {
    "rate-limit": "test_faults.py::test_told_to_wait_it_waits_and_posts_once",
    "server-error": "test_faults.py::test_errors_and_broken_connections_leave_one_card_and_one_result",
    "reset": "test_faults.py::test_errors_and_broken_connections_leave_one_card_and_one_result",
    "slow": "test_faults.py::test_slow_answers_only_take_longer",
    "forbid": "test_server_changes.py::test_a_channel_that_answers_403_ends_the_job_quietly",
    "buckets": "test_faults.py::test_limits_as_on_discord_are_kept_without_a_single_429",
    "calm": "test_page_mashup.py::test_an_answer_that_comes_too_late_is_missed_and_calm_brings_the_next_one",
    "drop-gateway": "test_faults.py::test_a_lost_gateway_does_not_disturb_a_job",
    "late-ack": "test_faults.py::test_a_command_that_came_too_late_makes_no_job",
    "expire-tokens": "test_faults.py::test_a_token_that_ends_early_costs_the_answer_and_not_the_job",
    "expire-links": "test_page_bad_input.py::test_a_link_that_expires_before_it_is_fetched_is_named",
    "claim-size": (
        "test_page_bad_input.py::test_five_gigabytes_are_refused_by_the_page_and_a_false_claim_by_the_bot"
    ),
    "delete-channel": "test_server_changes.py::test_a_channel_that_goes_away_ends_the_job_quietly",
    "remove-permission": "test_server_changes.py::test_a_missing_permission_is_named_at_acceptance",
    "slow-mode": "test_server_changes.py::test_slow_mode_only_takes_longer",
    "thread": (
        "test_server_changes.py::"
        "test_an_archived_thread_is_opened_again_and_a_locked_one_leaves_the_result_to_jobs_get"
    ),
    "delete-message": "test_server_changes.py::test_a_deleted_card_does_not_disturb_the_result",
    "upload-limit": "test_server_changes.py::test_a_boosted_server_takes_a_result_that_is_larger",
    "close-direct": "test_private.py::test_closed_direct_messages_leave_the_word_in_the_channel",
    "remove-bot": "test_page_bad_input.py::test_a_bot_that_is_removed_at_work_keeps_the_result_for_its_return",
    "clock": "test_faults.py::test_a_quarter_of_an_hour_later_a_private_result_waits_in_jobs_get",
    "nonce-window": "test_faults.py::test_errors_and_broken_connections_leave_one_card_and_one_result",
    "slow-engine": "test_faults.py::test_a_held_up_engine_only_takes_longer",
    "restart-bot": "test_faults.py::test_a_bot_killed_anywhere_delivers_once",
}
"""Where the real bot meets each knob: in the driver's own words, or turned at the page."""


async def test_every_knob_has_a_story_with_the_real_bot() -> None:
    assert list(STORIES) == list(KNOBS)
    for story in STORIES.values():
        file, _, name = story.partition("::")
        assert f"async def {name}(" in (Path(__file__).parent / file).read_text("utf-8"), story


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with Playground(tmp_path_factory.mktemp("playground")) as playground:
        await playground.start_bot()
        yield playground
        log = log_of(playground)
        for leak in ("never retrieved", "Unclosed", "was destroyed but it is pending"):
            assert leak not in log, log[-4000:]


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
    play.knobs.nonce_window(0)  # a repeated nonce would hide a repeated message
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
    play: Playground, room: Channel, short_songs: tuple[Path, Path]
) -> None:
    play.knobs.buckets(DISCORD)
    since = len(play.history)
    for _ in range(3):
        await play.slash("noor", room.name, "mashup", track_a=("x.mp3", b"no audio"), track_b=short_songs[0])
    await play.wait_for(
        lambda: sum("Nothing was charged" in shown_text(m) for m in play.messages(room.name)) == 3, 30
    )
    assert 429 not in [call.status for call in play.history[since:]]
    await play.knobs.calm()


# ---- connections, tokens, links


async def test_a_lost_gateway_does_not_disturb_a_job(play: Playground, ask: Any) -> None:
    gateway = play.standin.gateway
    told = await ask()
    await told.reaches("submitted")
    for lose in (play.knobs.drop_gateway, play.knobs.ask_to_reconnect, play.knobs.invalidate_session):
        before = gateway.resumed + gateway.identified
        await lose()
        await play.wait_for(lambda before=before: gateway.resumed + gateway.identified > before)
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


async def test_a_quarter_of_an_hour_later_a_private_result_waits_in_jobs_get(play: Playground, ask: Any) -> None:
    await play.knobs.slow_engine(30)
    told = await ask(private=True)
    await told.act.says("On it, for your eyes only")
    play.knobs.move_clock(16 * 60)
    await play.knobs.slow_engine(0)
    [word] = await play.wait_for(lambda: play.messages(told.room.name), 30)
    job = told.job()["id"]
    assert f"what you asked for is ready. `/jobs get job:{job}` gives it to you alone." in word.content
    await told.reaches("done")
    again = await play.slash("mika", told.room.name, "jobs get", job=job)
    assert len((await again.says("Here it is again.")).attachments) == 2


# ---- the bot's own process


async def test_a_held_up_engine_only_takes_longer(play: Playground, ask: Any) -> None:
    await play.knobs.slow_engine(1.5)
    assert play.knobs.engine_held
    told = await ask()
    await told.reaches("accepted")
    await play.wait_for(lambda: not play.knobs.engine_held)
    assert told.results == []
    await told.is_delivered_once()


@pytest.mark.parametrize("state", ["submitted", "posting", "done"])
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
    play: Playground, ask: Any, short_songs: tuple[Path, Path], name: str
) -> None:
    told = await ask(track_a=(name, b"not audio at all"))
    await told.reaches("failed")
    [notice] = [m for m in play.messages(told.room.name) if m.content]
    assert "is not audio" in shown_text(notice)
    assert notice.mention_ids == [play.world.mika.id]


async def test_the_same_file_twice_and_an_unknown_model_are_mixed_and_said(
    play: Playground, ask: Any, short_songs: tuple[Path, Path]
) -> None:
    told = await ask(track_b=short_songs[0], model="V99")
    await told.is_delivered_once()
    await play.wait_for(lambda: "same file" in shown_text(told.cards[0]))
    assert "`model`" in shown_text(told.cards[0])


async def test_an_option_of_an_engine_that_is_not_there_gets_a_sentence(play: Playground, ask: Any) -> None:
    told = await ask(engine="kie", model="V5")
    await told.act.says("The engine “kie” is not set up on this bot.")
    assert told.job() is None
