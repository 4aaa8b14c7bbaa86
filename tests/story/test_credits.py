"""An account that runs empty: who is told what, who waits, and that it all goes on after a top-up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.jobs.steps import PATIENCE_MS
from bot.playground.music import Music
from bot.playground.music_task import MusicKnobs
from tests.playground import Playground, shown_text
from tests.story.test_hosted import Scene
from tests.story.test_operator import alerts, edit_job

pytestmark = pytest.mark.asyncio(loop_scope="module")
EMPTY = "engine kie is out of credits"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory, short_songs: tuple[Path, Path]) -> AsyncIterator[Scene]:
    """A bot with one hosted engine besides its own, whose balance is read all the time."""
    music = Music()
    await music.start()
    async with Playground(tmp_path_factory.mktemp("credits")) as play:
        settings: dict[str, Any] = {
            **music.settings("kie"),
            "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": "127.0.0.1:0",
            "TWODECK_POLL_SECONDS": "0.2",
            "TWODECK_BALANCE_SECONDS": "0.4",
            "TWODECK_ALERT_CHANNEL": str(play.world.channel("lounge").id),
        }
        await play.start_bot(**settings)
        yield Scene(play, music, short_songs)
        log = (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]
    await music.close()


@pytest_asyncio.fixture(loop_scope="module")
async def scene(hall: Scene) -> AsyncIterator[Scene]:
    yield hall
    hall.music.knobs, hall.music.credits = MusicKnobs(), 1_000
    await hall.play.wait_for(lambda: not resting(hall))


def resting(scene: Scene) -> bool:
    return bool(scene.rows("SELECT 1 FROM engines WHERE engine = 'kie' AND paused_until > 0"))


def told(scene: Scene) -> int:
    """How many alerts there were."""
    return scene.rows("SELECT count(*) AS n FROM posts WHERE purpose = 'alert'")[0]["n"]


async def engines(scene: Scene, member: str) -> str:
    return shown_text(await (await scene.play.slash(member, "mashups", "engines list")).says("Engines of this bot"))


async def runs_empty(scene: Scene) -> str:
    """A job is accepted, and refused for want of credits; its number."""
    scene.turn(create="402")
    job = await scene.ask(engine="kie")
    await scene.play.wait_for(lambda: resting(scene))
    scene.music.credits = 3
    owner = scene.play.world.owner.name.lower()
    while "balance: 3 credits" not in await engines(scene, owner):
        pass
    scene.turn(create="")
    return job


async def test_new_jobs_are_refused_before_anything_is_reserved(scene: Scene) -> None:
    scene.music.credits = 11
    await scene.play.wait_for(lambda: alerts(scene, EMPTY))
    jobs = len(scene.rows("SELECT 1 FROM jobs"))
    songs = scene._songs
    act = await scene.play.slash(
        "mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], engine="kie", prompt="x"
    )
    assert "Ready here: local." in shown_text(await act.says("is out of credits"))
    assert len(scene.rows("SELECT 1 FROM jobs")) == jobs
    assert scene.rows("SELECT 1 FROM ledger") == []
    assert len(alerts(scene, EMPTY)) == 1


async def test_everybody_sees_the_engine_empty_and_only_the_operator_its_balance(scene: Scene) -> None:
    owner = scene.play.world.owner.name.lower()
    assert "balance: 1,000 credits" in await engines(scene, owner)
    scene.music.credits = 11
    await scene.play.wait_for(lambda: resting(scene))
    seen = await engines(scene, "noor")
    assert "✗ out of credits" in seen
    assert "balance" not in seen
    assert "balance: 11 credits" in await engines(scene, owner)


async def test_an_accepted_job_waits_and_goes_on_after_a_top_up(scene: Scene) -> None:
    before = told(scene)
    job = await runs_empty(scene)
    assert scene.rows("SELECT state FROM jobs WHERE id = ?", job)[0]["state"] == "staged"
    await scene.play.wait_for(lambda: told(scene) == before + 1)
    cards = scene.play.messages("mashups")
    await scene.play.wait_for(lambda: any("kie.ai takes nothing at the moment" in shown_text(m) for m in cards))
    scene.music.credits = 100
    await scene.reaches(job, "done")
    assert scene.music.credits == 88
    assert told(scene) == before + 1
    assert len(scene.results()) == 1


async def test_after_an_hour_it_is_released_with_a_notice(scene: Scene) -> None:
    job = await runs_empty(scene)
    creates = len(scene.music.creates)
    await edit_job(scene, "UPDATE jobs SET created_at = created_at - ? WHERE id = ?", PATIENCE_MS, job)
    await scene.reaches(job, "failed")
    assert "out of credits" in shown_text(scene.notices()[0])
    assert "Ready here: local." in shown_text(scene.notices()[0])
    assert len(scene.music.creates) == creates
    assert {row["kind"] for row in scene.rows("SELECT kind FROM ledger WHERE job = ?", job)} == {
        "reserve",
        "release",
    }


async def test_an_engine_that_does_not_answer_is_told_from_a_healthy_one(scene: Scene) -> None:
    key, scene.music.key = scene.music.key, "another"
    try:
        while "✗ does not answer" not in await engines(scene, "noor"):
            pass
    finally:
        scene.music.key = key
    while "✗" in await engines(scene, "noor"):
        pass
