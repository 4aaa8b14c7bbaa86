"""The Again button of a message that tells of a failure, with the real bot: one more job, of the stored files."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.music_task import MusicKnobs
from bot.playground.world import Message
from tests.playground import shown_text
from tests.story.test_hosted import Scene, polling
from tests.story.test_operator import data

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory, short_songs: tuple[Path, Path]) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("again")
    async with polling(folder, short_songs, ("sunoapi",)) as scene:
        yield scene


@pytest.fixture
def scene(hall: Scene) -> Scene:
    hall.music.knobs = MusicKnobs()
    return hall


async def fails(scene: Scene, **options: object) -> str:
    """A job that the provider fails; its number."""
    scene.turn(ends="GENERATE_AUDIO_FAILED", error_code=500)
    job = await scene.ask(title="Rain", style="dub", weirdness=0.25, **options)
    await scene.reaches(job, "failed")
    scene.turn(ends="SUCCESS")
    return job


def notice(scene: Scene, job: str, member: str = "mika") -> Message:
    """The message that tells of the failure of a job."""
    found = [m for m in scene.play.messages("mashups", member) if job in shown_text(m) and m.components]
    return found[-1]


def repeats(scene: Scene, job: str) -> list[str]:
    return [row["id"] for row in scene.rows("SELECT id FROM jobs WHERE again_of = ? ORDER BY created_at", job)]


async def test_it_makes_the_same_once_more_after_a_restart_and_for_nobody_else(scene: Scene) -> None:
    job = await fails(scene)
    await scene.play.restart_bot()
    act = await scene.play.click("noor", notice(scene, job), "Again")
    await act.says("Only who asked for job")
    act = await scene.play.click("mika", notice(scene, job), "Again")
    await act.says("On it.")
    twice = await scene.play.click("mika", notice(scene, job), "Again")
    await twice.says("On it.")
    (second,) = repeats(scene, job)
    await scene.reaches(second, "done")
    sql = "SELECT hash, url FROM sources WHERE job = ? ORDER BY side"
    ours = [(row["hash"], "") for row in scene.rows(sql, job)]
    assert [(row["hash"], row["url"]) for row in scene.rows(sql, second)] == ours
    assert len(scene.results()) == 1
    first, again = (
        {key: value for key, value in body.items() if key not in ("uploadUrlList", "callBackUrl")}
        for body in scene.music.creates[-2:]
    )
    assert first == again
    assert again["title"] == "Rain"
    kinds = [row["kind"] for row in scene.rows("SELECT kind FROM ledger WHERE job = ? ORDER BY kind", second)]
    assert kinds == ["reserve", "reserve", "settle", "settle"]


async def test_of_a_private_job_it_is_private(scene: Scene) -> None:
    scene.turn(ends="GENERATE_AUDIO_FAILED", error_code=500)
    songs = scene._songs
    act = await scene.play.slash(
        "mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], engine="sunoapi", prompt="x", private=True
    )
    message = await act.says("did not work out", 30)
    scene.turn(ends="SUCCESS")
    public = len(scene.play.messages("mashups"))
    again = await scene.play.click("mika", message, "Again")
    posted = await again.says(" is ready", 30)
    assert len(posted.attachments) == 2
    assert posted.visible_to
    assert len(scene.play.messages("mashups")) == public


async def test_it_passes_the_same_gate_as_the_command(scene: Scene) -> None:
    job = await fails(scene)
    owner = scene.play.world.owner.name.lower()
    off = await scene.play.slash(owner, "mashups", "engines off", engine="sunoapi", why="Rest well")
    await off.says("switched off")
    act = await scene.play.click("mika", notice(scene, job), "Again")
    await act.says("is switched off for now")
    on = await scene.play.slash(owner, "mashups", "engines on", engine="sunoapi")
    await on.says("ready")
    assert repeats(scene, job) == []


async def test_without_the_files_it_says_so_and_where_it_makes_no_sense_it_is_not_there(scene: Scene) -> None:
    job = await fails(scene)
    assert scene.play.bot is not None
    settings: dict[str, Any] = scene.play.bot.settings
    await scene.play.bot.kill()
    with closing(sqlite3.connect(data(scene) / "twodeck.db")) as database:
        database.execute("DELETE FROM file_refs")
        database.execute("DELETE FROM files")
        database.commit()
    await scene.play.start_bot(**settings)
    act = await scene.play.click("mika", notice(scene, job), "Again")
    await act.says("is no longer kept here")
    assert repeats(scene, job) == []
    known = len(scene.play.messages("mashups"))
    words = ("words.mp3", b"not audio at all" * 100)
    act = await scene.play.slash("mika", "mashups", "mashup", track_a=words, track_b=words)
    await act.says("On it.")
    told = await scene.play.wait_for(
        lambda: [m for m in scene.play.messages("mashups")[known:] if "did not work out" in m.content]
    )
    assert "is not audio" in shown_text(told[0])
    assert not told[0].components
