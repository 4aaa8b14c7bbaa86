"""The real bot at DEBUG while its provider goes wrong: every job ends, once, and no secret is told to anybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.music import Music
from bot.playground.music_faults import Spoilt
from bot.playground.music_task import MusicKnobs
from tests.playground import Playground, shown_text
from tests.story.test_hosted import Scene, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY, WEBHOOK_KEY = "canary-api-key-77ab", "canary-webhook-key-19cd"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory, short_songs: tuple[Path, Path]) -> AsyncIterator[Scene]:
    music, port = Music(key=KEY), free_port()
    await music.start()
    async with Playground(tmp_path_factory.mktemp("faults")) as play:
        settings: dict[str, Any] = {
            **music.settings("kie"),
            "KIE_WEBHOOK_KEY": "another",
            "KIE_WEBHOOK_KEY_OLD": WEBHOOK_KEY,
            "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": f"127.0.0.1:{port}",
            "TWODECK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "TWODECK_POLL_SECONDS": "0.5",
            "TWODECK_GRACE_SECONDS": "3",
            "TWODECK_LOG_LEVEL": "DEBUG",
        }
        await play.start_bot(**settings)
        yield Scene(play, music, short_songs)
    await music.close()


@pytest.fixture
def scene(hall: Scene) -> Scene:
    hall.music.knobs = MusicKnobs(webhook_key=WEBHOOK_KEY)
    hall.music.key = KEY
    return hall


async def ask(scene: Scene) -> str:
    return await scene.ask(engine="kie", prompt="la la", style="dub", mode="custom")


@pytest.mark.parametrize(
    "knobs",
    [
        {"skips": ("text",)},
        {"skips": ("text", "first")},
        {"callbacks": "late", "late_seconds": 0.7},
        {"callbacks": "doubled"},
        {"callbacks": "early"},
        {"callbacks": "lost", "skips": ("text", "first")},
        {"webhook_key": "wrong"},
    ],
    ids=lambda knobs: " ".join(f"{name}={value}" for name, value in knobs.items()),
)
async def test_whatever_callbacks_do_there_is_one_result(scene: Scene, knobs: dict[str, Any]) -> None:
    scene.turn(**knobs)
    job = await ask(scene)
    await scene.reaches(job, "done")
    await scene.music.settled()
    assert len(scene.results()) == 1
    assert scene.creates(job) == 1
    assert scene.notices() == []


@pytest.mark.parametrize("fault", [Spoilt.HTML, Spoilt.HALF_CLOSED, Spoilt.TYPES, Spoilt.CODE_500])
async def test_a_record_that_cannot_be_read_for_a_while_costs_nothing_but_time(scene: Scene, fault: Spoilt) -> None:
    scene.turn(spoilt={"record": fault}, spoilt_seconds=0.2, callbacks="lost")
    job = await ask(scene)
    await scene.reaches(job, "submitted")
    await scene.music.settled()
    assert scene.results() == scene.notices() == []
    scene.turn(spoilt={})
    await scene.reaches(job, "done")
    assert len(scene.results()) == 1


async def test_a_dead_link_to_listen_to_is_not_posted(scene: Scene) -> None:
    scene.turn(links="streams")
    job = await ask(scene)
    await scene.reaches(job, "submitted")
    await scene.music.settled()
    assert scene.results() == scene.notices() == []
    scene.turn(links="files")
    await scene.reaches(job, "done")
    assert len(scene.results()) == 1


@pytest.mark.parametrize(
    ("knobs", "key", "words"),
    [
        ({"spoilt": {"file": Spoilt.REDIRECT}}, KEY, "cannot be used (host-not-allowed)"),
        ({"spoilt": {"record": Spoilt.FOREIGN}}, KEY, "cannot be used (host-not-allowed)"),
        ({}, "canary-new-key", "takes nothing right now (code 401)"),
        ({"create": "reset", "callbacks": "lost"}, KEY, "Nothing was charged"),
    ],
    ids=["redirect", "other host", "wrong key", "reset and no callback"],
)
async def test_what_cannot_be_mended_is_told_and_released(
    scene: Scene, knobs: dict[str, Any], key: str, words: str
) -> None:
    scene.turn(**knobs)
    scene.music.key = key
    job = await ask(scene)
    await scene.play.wait_for(scene.notices, 40)
    assert words in shown_text(scene.notices()[0])
    assert scene.results() == []
    kinds = [row["kind"] for row in scene.rows("SELECT kind FROM ledger WHERE job = ?", job)]
    assert sorted(set(kinds)) == ["release", "reserve"]


async def test_no_secret_was_told_to_anybody(scene: Scene) -> None:
    """The last test: everything that was logged or said until now."""
    assert scene.play.directory is not None
    rows = scene.rows("SELECT callback_secret FROM jobs WHERE callback_secret IS NOT NULL")
    secrets = [KEY, WEBHOOK_KEY, scene.play.world.token, *(row["callback_secret"] for row in rows)]
    assert len(secrets) > 10
    log = (scene.play.directory / "bot.log").read_text("utf-8")
    said = json.dumps([[call.path, call.body] for call in scene.play.history], default=str)
    seen = "\n".join(shown_text(message) for message in scene.play.messages("mashups"))
    for place, text in (("log", log), ("requests", said), ("messages", seen)):
        assert [secret for secret in secrets if secret in text] == [], place
    assert "DEBUG" in log
    assert "Traceback" not in log
