"""The real bot in the newer dialects: every operation, from the command to two posted tracks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.music import PRICE, Music
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground, shown_text
from tests.story.test_hosted import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENGINES = {"kie": "unified", "sunoapi": "modeless"}
ASKED: dict[str, dict[str, Any]] = {
    "mashup": {"style": "dub"},
    "cover": {"style": "dub", "negative_tags": "drums", "instrumental": True},
    "instrumental": {"title": "Mine", "tags": "piano", "negative_tags": "drums"},
    "vocals": {"prompt": "la la la", "title": "Mine", "style": "dub", "negative_tags": "drums"},
}


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("songs")
    first = write_mp3(folder / "a.mp3", stereo(Song(tempo=120, seconds=9, tonic=9)))
    return first, write_mp3(folder / "b.mp3", stereo(Song(tempo=112, seconds=9, tonic=0)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Playground, Music]]:
    music = Music()
    music.knobs.webhook_key = "canary-webhook-key"
    await music.start()
    port = free_port()
    async with Playground(tmp_path_factory.mktemp("dialects")) as play:
        settings: dict[str, Any] = {
            "KIE_WEBHOOK_KEY": music.knobs.webhook_key,
            "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": f"127.0.0.1:{port}",
            "TWODECK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "TWODECK_POLL_SECONDS": "1",
        }
        for engine, dialect in ENGINES.items():
            settings |= music.settings(engine, dialect)
        await play.start_bot(**settings)
        yield play, music
        log = (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]
        assert music.key not in log
        assert music.knobs.webhook_key not in log
    await music.close()


@pytest.mark.parametrize("operation", ASKED)
@pytest.mark.parametrize("engine", ENGINES)
async def test_every_operation(
    hall: tuple[Playground, Music], songs: tuple[Path, Path], engine: str, operation: str
) -> None:
    play, music = hall
    before, known = music.credits, len(play.messages("mashups"))
    files = {"track_a": songs[0], "track_b": songs[1]} if operation == "mashup" else {"track": songs[0]}
    act = await play.slash("mika", "mashups", operation, engine=engine, **files, **ASKED[operation])
    await act.says("On it.")
    await play.wait_for(lambda: [m for m in play.messages("mashups")[known:] if len(m.attachments) == 2], 40)
    assert music.credits == before - PRICE
    body = music.creates[-1]
    fields = body.get("input", body)
    assert ("input" in body) is (engine == "kie")
    assert fields["model"] == "V6"
    assert fields.get("duration") == (30 if operation in ("mashup", "cover") else None)
    task = list(music.tasks.values())[-1]
    await play.wait_for(lambda: task.answers, 10)
    assert set(task.answers) == {200}, "callbacks were taken"


async def test_a_card_tells_on_request_how_well_its_sources_go_together(
    hall: tuple[Playground, Music], songs: tuple[Path, Path]
) -> None:
    play, music = hall
    known, asked = len(play.messages("mashups")), len(music.creates)
    music.knobs.stage_seconds = 20
    try:
        await play.slash("mika", "mashups", "mashup", engine="kie", track_a=songs[0], track_b=songs[1], style="dub")
        card = await play.wait_for(lambda: (play.messages("mashups")[known:] or [None])[0], 20)
        await play.wait_for(lambda: "compare:" in json.dumps(card.components), 40)
        await play.wait_for(lambda: len(music.creates) > asked, 20)
    finally:
        music.knobs.stage_seconds = type(music.knobs)().stage_seconds
    answer = await (await play.click("mika", card, "Do they fit?")).says("Compatibility: ", 60)
    told = shown_text(answer)
    assert answer.ephemeral
    assert "a.mp3: 120 BPM" in told
    assert "Harmony: " in told
