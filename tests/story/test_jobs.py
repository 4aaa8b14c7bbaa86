"""`/jobs`: members see what became of their mashups and stop them; moderators may for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground.world import Message
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground, find_control, shown_text
from tests.story.test_mashup import result, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    """A bot with the caps that members meet."""
    async with Playground(tmp_path_factory.mktemp("playground")) as playground:
        await playground.start_bot(TWODECK_QUOTA_MEMBER_RUNNING="3", TWODECK_QUOTA_GUILD_RUNNING="5")
        yield playground


@pytest.fixture(scope="module")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes: long enough to stop the work on it."""
    return write_mp3(tmp_path_factory.mktemp("long") / "long.mp3", stereo(Song(seconds=120)))


async def card_after(play: Playground, before: int) -> Message:
    return await play.wait_for(lambda: next(iter(play.messages("mashups")[before:]), None), 10)


def job_of(card: Message) -> str:
    return shown_text(card).rsplit("Job ", 1)[1][:12]


async def stopped(play: Playground, job: str) -> None:
    await play.wait_for(lambda: rows(play, f"SELECT 1 FROM jobs WHERE id = '{job}' AND state = 'cancelled'"), 10)


async def test_the_cancel_button_stops_the_work_and_says_so(play: Playground, long_song: Path) -> None:
    await play.slash("mika", "mashups", "mashup", track_a=long_song, track_b=long_song)
    card = await card_after(play, 0)
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE state = 'submitted'"), 20)
    act = await play.click("mika", card, "Cancel")
    assert (await act.says("is being stopped")).ephemeral
    await stopped(play, job_of(card))
    await play.wait_for(lambda: "Cancelled." in shown_text(card) and not card.components, 10)
    assert len(play.messages("mashups")) == 1
    assert play.directory is not None
    assert list((play.directory / "bot" / "jobs").iterdir()) == []


async def test_only_the_requester_and_moderators_may_cancel(play: Playground, long_song: Path) -> None:
    before = len(play.messages("mashups"))
    await play.slash("mika", "mashups", "mashup", track_a=long_song, track_b=long_song)
    card = await card_after(play, before)
    job = job_of(card)
    act = await play.click("noor", card, "Cancel")
    await act.says("is not yours")
    act = await play.slash("noor", "mashups", "jobs cancel", job=job)
    await act.says("is not yours")
    act = await play.slash("sam", "mashups", "jobs cancel", job=job)
    await act.says("is being stopped")
    await stopped(play, job)
    told = await play.wait_for(lambda: next((m for m in play.messages("mashups")[before:] if m.content), None), 10)
    assert "A moderator stopped it." in shown_text(told)


async def test_an_ended_or_unknown_job_is_refused(play: Playground) -> None:
    ended = rows(play, "SELECT id FROM jobs LIMIT 1")[0]["id"]
    await (await play.slash("mika", "mashups", "jobs cancel", job=ended)).says("nothing is left to stop")
    await (await play.slash("mika", "mashups", "jobs cancel", job="nosuchjob000")).says("There is no job")


async def test_a_button_of_an_earlier_life_still_works(play: Playground, long_song: Path) -> None:
    before = len(play.messages("mashups"))
    await play.slash("mika", "mashups", "mashup", track_a=long_song, track_b=long_song)
    card = await card_after(play, before)
    await play.restart_bot()
    find_control(card, "Cancel")
    await (await play.click("mika", card, "Cancel")).says("is being stopped")
    await stopped(play, job_of(card))


async def test_caps_on_unfinished_jobs_are_told_and_end(play: Playground, long_song: Path) -> None:
    for number in range(3):
        act = await play.slash(
            "mika", "mashups", "mashup", track_a=long_song, track_b=long_song, title=f"No {number}"
        )
        await act.says("On it.")
    act = await play.slash("mika", "mashups", "mashup", track_a=long_song, track_b=long_song)
    await act.says("You have 3 on the way; 3 may be at a time")
    for number in range(2):
        act = await play.slash(
            "noor", "mashups", "mashup", track_a=long_song, track_b=long_song, title=f"N {number}"
        )
        await act.says("On it.")
    act = await play.slash("noor", "mashups", "mashup", track_a=long_song, track_b=long_song)
    await act.says("This server has 5 on the way")

    offers = await play.autocomplete("noor", "mashups", "jobs cancel", "job", job="")
    assert len(offers) == 2
    offers = await play.autocomplete("sam", "mashups", "jobs cancel", "job", job="")
    assert len(offers) == 5
    for offer in offers:
        await (await play.slash("sam", "mashups", "jobs cancel", job=offer["value"])).says("is being stopped")
    await play.wait_for(lambda: not rows(play, "SELECT 1 FROM jobs WHERE ended_at IS NULL"), 20)


async def test_a_result_comes_again_for_its_requester_only(play: Playground, songs: tuple[Path, Path]) -> None:
    before = len(play.messages("lounge"))
    await play.slash("noor", "lounge", "mashup", track_a=songs[0], track_b=songs[1])
    posted = await result(play, "noor", before, "lounge")
    job = job_of(play.messages("lounge")[before])
    await play.wait_for(lambda: rows(play, f"SELECT 1 FROM jobs WHERE id = '{job}' AND state = 'done'"), 10)
    again = await (await play.slash("noor", "mashups", "jobs get", job=job)).says("Here it is again.")
    assert again.ephemeral
    assert [play.read(a) for a in again.attachments] == [play.read(a) for a in posted.attachments]
    await (await play.slash("mika", "mashups", "jobs get", job=job)).says("is not yours")
    stopped_job = rows(play, "SELECT id FROM jobs WHERE state = 'cancelled' AND member != '0'")[0]["id"]
    await (await play.slash("sam", "mashups", "jobs get", job=stopped_job)).says("has no result")


async def test_the_list_shows_own_jobs_and_all_of_them_to_a_moderator(play: Playground) -> None:
    answer = await (await play.slash("noor", "mashups", "jobs list")).says("Your mashups")
    assert answer.ephemeral
    assert shown_text(answer).count("cancelled") == 2
    assert "· done ·" in shown_text(answer)
    everybody = await (await play.slash("sam", "mashups", "jobs list", everyone=True)).says(
        "Mashups on this server"
    )
    assert "older ones: page 2" in shown_text(everybody)
    rest = await (await play.slash("sam", "mashups", "jobs list", everyone=True, page=2)).says("Page 2")
    assert shown_text(rest).count("cancelled") == 3
    curious = await (await play.slash("noor", "mashups", "jobs list", everyone=True)).says("Your mashups")
    assert "older ones" not in shown_text(curious)
