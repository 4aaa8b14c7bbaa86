"""The buttons below a result, with the real bot: on a server, in direct messages, and after a restart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.world import Message
from tests.playground import Act, Playground, shown_text
from tests.story.told import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALL = ["Again", "Change", "Swap roles", "Details", "Delete"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def club(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with Playground(tmp_path_factory.mktemp("results")) as play:
        await play.start_bot()
        yield play
        log = (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]


async def made(play: Playground, songs: tuple[Path, Path], **options: Any) -> Message:
    """A finished mashup of mika's, where it stands."""
    act = await play.slash("mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], **options)
    job = (await finished(play, act))["id"]
    if options.get("private"):
        return await act.says("is ready")
    return await play.wait_for(lambda: result_of(play, job))


def result_of(play: Playground, job: str, room: str = "mashups") -> Message | None:
    return next((m for m in play.messages(room) if m.attachments and job in shown_text(m)), None)


def labels(message: Message) -> list[str]:
    return [button["label"] for row in message.components for button in row["components"]]


def job_of(message: Message) -> str:
    return message.components[0]["components"][0]["custom_id"].partition(":")[2]


async def finished(play: Playground, act: Act) -> Any:
    """The row of the job that a press asked for, done."""
    told = await act.says("On it")
    job = told.content.partition("Job `")[2].partition("`")[0]
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE id = ? AND state = 'done'", job), 60)
    return rows(play, "SELECT * FROM jobs WHERE id = ?", job)[0]


async def test_again_change_and_swap_make_something_else_of_the_same_files_also_after_a_restart(
    club: Playground, short_songs: tuple[Path, Path]
) -> None:
    shown = await made(club, short_songs, title="First")
    assert labels(shown) == ALL
    assert [len(row["components"]) for row in shown.components] == [5]
    first = rows(club, "SELECT * FROM jobs WHERE id = ?", job_of(shown))[0]
    await club.restart_bot()
    act = await club.click("noor", shown, "Swap roles")
    await act.says("Only who asked for job")
    again = await finished(club, await club.click("mika", shown, "Again"))
    assert (again["request"], again["again_of"]) == (first["request"], first["id"])
    assert again["seed"] != first["seed"]
    swapped = await finished(club, await club.click("mika", shown, "Swap roles"))
    sides = "SELECT name, hash FROM sources WHERE job = ? ORDER BY side"
    assert [tuple(r) for r in rows(club, sides, swapped["id"])] == [
        tuple(r) for r in reversed(rows(club, sides, first["id"]))
    ]
    form = await club.click("mika", shown, "Change")
    await form.answered()
    assert form.modal is not None
    assert next(one["component"].get("value") for one in form.modal["components"]) == "First"
    changed = await finished(club, await club.submit("mika", form, {"Title": "Second"}))
    assert json.loads(changed["request"])["title"] == "Second"
    assert result_of(club, changed["id"]) is not None


async def test_details_come_with_a_file_for_programs(club: Playground, short_songs: tuple[Path, Path]) -> None:
    shown = await made(club, short_songs, title="Known")
    club.knobs.reset(1, "token")  # which leaves no trace in the log, says `club`
    await (await club.click("noor", shown, "Details")).says("Something went wrong that should not have", 40)
    told = await (await club.click("noor", shown, "Details")).says("How it was made: Known")
    assert told.visible_to
    for words in ("Seed", "BPM", "LUFS", "sha256"):
        assert words in shown_text(told)
    (sidecar,) = told.attachments
    found = json.loads(club.read(sidecar))
    assert sidecar.filename == f"twodeck-{job_of(shown)}.json"
    assert [source["name"] for source in found["sources"]] == [song.name for song in short_songs]
    assert found["report"]["sources"][0]["loudness_lufs"] < 0


async def test_a_private_result_is_shared_once_and_deleted_everywhere(
    club: Playground, short_songs: tuple[Path, Path]
) -> None:
    shown = await made(club, short_songs, private=True, title="Secret")
    job = job_of(shown)
    assert labels(shown) == ["Again", "Change", "Swap roles", "Share to channel", "Details", "Delete"]
    assert result_of(club, job) is None
    await (await club.click("mika", shown, "Share to channel")).says("Shared")
    posted = await club.wait_for(lambda: result_of(club, job))
    assert "shares a result that was private" in posted.content
    assert posted.mention_ids == []
    assert labels(posted) == ALL
    assert posted.attachments[0].filename.startswith("mashup-")
    await (await club.click("mika", shown, "Share to channel")).says("was shared already")
    assert sum(job in shown_text(m) for m in club.messages("mashups")) == 1
    await (await club.click("noor", posted, "Delete")).says("is not yours")
    asked = await (await club.click("mika", posted, "Delete")).says("for good")
    await (await club.click("mika", asked, "Yes, delete it")).says("Deleted")
    await club.wait_for(lambda: result_of(club, job) is None)
    await (await club.click("mika", shown, "Again")).says("was deleted by its requester")


async def test_a_moderator_says_why(club: Playground, short_songs: tuple[Path, Path]) -> None:
    shown = await made(club, short_songs, title="Loud")
    form = await club.click("sam", shown, "Delete")
    await (await club.submit("sam", form, {"Why?": "far too loud"})).says("Deleted")
    await club.wait_for(lambda: result_of(club, job_of(shown)) is None)
    await (await club.slash("mika", "mashups", "jobs list")).says("far too loud")


async def test_in_direct_messages_ones_jobs_are_there_with_their_buttons(
    club: Playground, short_songs: tuple[Path, Path]
) -> None:
    shown = await made(club, short_songs, private=True, title="Quiet")
    await (await club.slash("mika", "@mika", "jobs list")).says("Quiet")
    got = await (await club.slash("mika", "@mika", "jobs get", job=job_of(shown))).says("Here it is again")
    assert got.attachments
    act = await club.click("mika", got, "Again")
    again = await finished(club, act)
    assert (again["private"], again["guild"]) == (1, str(club.world.guild.id))
    assert (await act.says("is ready", 30)).channel_id == got.channel_id
    await (await club.click("mika", got, "Share to channel")).says("Shared")
    await club.wait_for(lambda: result_of(club, job_of(shown)))
