"""What an operator does to a running bot, and what they are told of it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.jobs.view import SLOW_MS
from bot.playground.music import Music
from bot.playground.music_task import MusicKnobs
from tests.playground import Playground, shown_text
from tests.story.test_hosted import Scene
from tests.wire.test_operator_tools import tool

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory, short_songs: tuple[Path, Path]) -> AsyncIterator[Scene]:
    """A bot that is told of callbacks nowhere, and tells its operator in #lounge."""
    music = Music()
    await music.start()
    async with Playground(tmp_path_factory.mktemp("operator")) as play:
        settings: dict[str, Any] = {
            **music.settings("sunoapi"),
            **music.settings("kie"),
            "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": "127.0.0.1:0",
            "TWODECK_POLL_SECONDS": "0.2",
            "TWODECK_GRACE_SECONDS": "2",
            "TWODECK_ALERT_CHANNEL": str(play.world.channel("lounge").id),
        }
        await play.start_bot(**settings)
        yield Scene(play, music, short_songs)
    await music.close()


@pytest.fixture
def scene(hall: Scene) -> Scene:
    hall.music.knobs = MusicKnobs()
    return hall


def data(scene: Scene) -> Path:
    assert scene.play.directory is not None
    return scene.play.directory / "bot"


def alerts(scene: Scene, words: str) -> list[str]:
    return [text for m in scene.play.messages("lounge") if words in (text := shown_text(m))]


async def test_an_engine_is_switched_off_and_on_and_stays_off_through_a_restart(scene: Scene) -> None:
    assert (await tool(data(scene), "engine", "list")).stdout == "local: on\nkie: on\nsunoapi: on\n"
    unknown = await tool(data(scene), "engine", "off", "apibox")
    assert (unknown.returncode, unknown.stderr) == (1, "twodeck: Set up here: local, kie, sunoapi.\n")
    off = await tool(data(scene), "engine", "off", "sunoapi", "--why", "New fans *today*.")
    assert off.stdout == "sunoapi: off (New fans *today*.)\n"
    await scene.play.restart_bot()
    songs = scene._songs
    act = await scene.play.slash(
        "mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], engine="sunoapi", prompt="x"
    )
    said = shown_text(await act.says("is switched off for now"))
    assert "New fans \\*today\\*. Ready here: local, kie." in said
    assert scene.play.messages("mashups") == []
    offers = await scene.play.autocomplete("mika", "mashups", "mashup", "engine", engine="")
    assert [offer["value"] for offer in offers] == ["local", "kie"]
    assert (await tool(data(scene), "engine", "on", "sunoapi")).stdout == "sunoapi: on\n"
    await scene.reaches(await scene.ask(), "done")


async def test_everybody_sees_the_engines_and_only_operators_switch_them(scene: Scene) -> None:
    seen = shown_text(await (await scene.play.slash("noor", "mashups", "engines list")).says("Engines of this bot"))
    assert seen.count("✓ ready") == 3
    assert "does `/mashup`" in seen
    assert "**V5**" in seen
    assert "delete their files after 14 or 15 days" in seen
    act = await scene.play.slash("sam", "mashups", "engines off", engine="local", why="Rest *well*")
    await act.says("Only those who run this bot")
    owner = scene.play.world.owner.name.lower()
    act = await scene.play.slash(owner, "mashups", "engines off", engine="local", why="Rest *well*")
    assert "✗ switched off: Rest \\*well\\*" in shown_text(await act.says("switched off"))
    await (await scene.play.slash(owner, "mashups", "engines off", engine="kai", why="xyz")).says("Choose one of")
    await (await scene.play.slash(owner, "mashups", "engines on", engine="local")).says("✓ ready")


async def test_an_empty_account_rests_and_its_operator_is_told_once(scene: Scene) -> None:
    scene.turn(create="402")  # the balance is good all the same: nobody but a create can tell
    first, second = (
        await scene.ask(engine="kie", title="One", style="dub"),
        await scene.ask(engine="kie", title="Two", style="dub"),
    )
    await scene.play.wait_for(lambda: alerts(scene, "engine kie is out of credits"), 20)
    shown = (await tool(data(scene), "engine", "list")).stdout
    assert "kie: out of credits" in shown
    scene.turn(create="")
    before = len(scene.music.creates)
    assert (await tool(data(scene), "engine", "on", "kie")).stdout == "kie: on\n"
    for job in (first, second):
        await scene.reaches(job, "done", 90)
    assert len(scene.music.creates) == before + 2
    assert len(alerts(scene, "engine kie is out of credits")) == 1


async def test_a_task_that_is_late_is_told_as_unknown_and_delivered_free_by_polling(scene: Scene) -> None:
    scene.turn(stage_seconds=600)
    job = await scene.ask()
    await scene.reaches(job, "submitted")
    await edit_job(scene, "UPDATE jobs SET deadline = 1 WHERE id = ?", job)
    await scene.reaches(job, "unknown")
    assert len(scene.notices()) == 1
    await scene.play.wait_for(lambda: alerts(scene, f"Job {job} was handed in"), 20)
    (task,) = (t for t in scene.music.tasks.values() if t.id in _task(scene, job))
    task.stage = "complete"
    await scene.reaches(job, "done", 60)
    assert len(scene.results()) == 1
    assert len(scene.notices()) == 1
    assert {row["kind"] for row in scene.rows("SELECT kind FROM ledger WHERE job = ?", job)} == {
        "reserve",
        "release",
    }


async def test_the_card_tells_of_the_first_take_and_of_a_slow_engine_and_a_strange_word_is_told_once(
    scene: Scene,
) -> None:
    scene.turn(stage_seconds=600)
    job = await scene.ask()
    await scene.reaches(job, "submitted")
    task = next(t for t in scene.music.tasks.values() if t.id in _task(scene, job))
    task.stage = "first"
    await scene.play.wait_for(lambda: card(scene, job, "The first take is ready"))
    task.failed = "DREAMING"
    await scene.play.wait_for(lambda: alerts(scene, "a state that no document names: DREAMING"))
    assert card(scene, job, "longer than usual") is None
    await edit_job(scene, "UPDATE jobs SET marked_at = marked_at - ? WHERE id = ?", SLOW_MS, job)
    shown = await scene.play.wait_for(lambda: card(scene, job, "This takes longer than usual"))
    assert "Ready <t:" not in shown
    task.failed, task.stage = "", "complete"
    await scene.reaches(job, "done")
    assert len(alerts(scene, "DREAMING")) == 1


def card(scene: Scene, job: str, words: str) -> str | None:
    """What the card of a job shows, if it shows `words`."""
    texts = (shown_text(m) for m in scene.play.messages("mashups") if not m.content)
    return next((text for text in texts if job in text and words in text), None)


async def edit_job(scene: Scene, sql: str, *values: object) -> None:
    """Change a row while the bot is down."""
    assert scene.play.bot is not None
    settings: dict[str, Any] = scene.play.bot.settings
    await scene.play.bot.kill()
    with closing(sqlite3.connect(data(scene) / "twodeck.db")) as database:
        database.execute(sql, values)
        database.commit()
    await scene.play.start_bot(**settings)


def _task(scene: Scene, job: str) -> str:
    return scene.rows("SELECT task FROM jobs WHERE id = ?", job)[0]["task"]


async def test_a_fault_of_the_program_is_told(scene: Scene) -> None:
    scene.turn(create="402")
    job = await scene.ask(engine="kie")
    await scene.play.wait_for(lambda: scene.rows("SELECT 1 FROM engines WHERE paused_until > 0"), 20)
    (digest,) = (r["hash"] for r in scene.rows("SELECT hash FROM sources WHERE job = ? AND side = 'a'", job))
    (data(scene) / "files" / digest[:2] / digest).unlink()
    await tool(data(scene), "engine", "on", "kie")
    await scene.play.wait_for(lambda: alerts(scene, job), 60)


async def test_a_bot_without_an_engine_says_so(tmp_path: Path) -> None:
    async with Playground(tmp_path) as play:
        with pytest.raises(AssertionError, match="No engine is set up: LOCAL_ENABLED is false"):
            await play.start_bot(LOCAL_ENABLED="false")
