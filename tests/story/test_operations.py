"""`/cover`, `/instrumental`, `/vocals`: one file and a hosted engine, in each dialect; what is refused before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Act, Playground, shown_text
from tests.story.test_hosted import Scene, polling

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory, short_songs: tuple[Path, Path]) -> AsyncIterator[Scene]:
    """A bot with one engine of each dialect, which only polls."""
    dialects = ("kie", "unified"), ("sunoapi", "legacy"), ("apibox", "modeless")
    async with polling(tmp_path_factory.mktemp("operations"), short_songs, *dialects) as scene:
        yield scene


async def ask(scene: Scene, command: str, **options: Any) -> Act:
    scene.before = len(scene.play.messages("mashups"))
    return await scene.play.slash("mika", "mashups", command, **{"track": scene._songs[0], **options})


async def delivered(scene: Scene, act: Act) -> dict[str, Any]:
    """Wait for the result; returns the body of the create."""
    job = shown_text(await act.says("On it.")).rsplit("Job `", 1)[1][:12]
    await scene.reaches(job, "done")
    (posted,) = scene.results()
    assert " is ready" in posted.content
    assert "roles swapped" not in posted.content
    assert scene.rows("SELECT count(*) AS n FROM sources WHERE job = ?", job)[0]["n"] == 1
    return scene.music.creates[-1]


@pytest.mark.parametrize("engine", ["kie", "sunoapi", "apibox"])
async def test_a_cover_by_each_dialect(scene: Scene, engine: str) -> None:
    act = await ask(
        scene, "cover", engine=engine, prompt="la la la", style="dub", title="Cover", negative_tags="metal"
    )
    assert "metal" in str(await delivered(scene, act))


async def test_an_accompaniment_and_a_voice(scene: Scene) -> None:
    act = await ask(scene, "instrumental", engine="sunoapi", title="Bed", tags="piano", negative_tags="drums")
    body = await delivered(scene, act)
    assert {key: body[key] for key in ("title", "tags", "negativeTags", "model")} == {
        "title": "Bed",
        "tags": "piano",
        "negativeTags": "drums",
        "model": "V4_5PLUS",
    }
    words = "Rain on the roof\n\nand rain on the floor"
    act = await ask(
        scene,
        "vocals",
        engine="sunoapi",
        title="Rain",
        style="soul",
        negative_tags="metal",
        lyrics_file=("words.txt", words.replace("\n", "\r\n").encode("utf-8-sig")),
    )
    assert (await delivered(scene, act))["prompt"] == words


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        (
            "cover",
            {"engine": "local"},
            "does not do `cover`. Able to here: kie, sunoapi, apibox.",
        ),
        ("cover", {"engine": "sunoapi", "prompt": "x" * 401}, "at most 400"),
        ("cover", {"engine": "apibox", "prompt": "an idea"}, "has no simple mode: it would sing your idea"),
        ("vocals", {"title": "a", "style": "b", "negative_tags": "c"}, "needs `prompt`"),
        (
            "vocals",
            {"title": "a", "style": "b", "negative_tags": "c", "lyrics_file": ("song.pdf", b"%PDF")},
            "is not a text with lyrics",
        ),
        ("cover", {"lyrics_file": ("w.txt", b"\xff\xfe\x00x"), "style": "x"}, "is not a text with lyrics"),
        ("cover", {"lyrics_file": ("w.txt", b"words"), "prompt": "words"}, "Give the words once"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_happens(
    scene: Scene, command: str, options: dict[str, Any], words: str
) -> None:
    creates, jobs = len(scene.music.creates), len(scene.rows("SELECT 1 FROM jobs"))
    act = await ask(scene, command, **options)
    assert words in shown_text(await act.says(words)).replace("\\", "")
    assert (len(scene.music.creates), len(scene.rows("SELECT 1 FROM jobs"))) == (creates, jobs)


async def test_a_source_that_is_too_long_for_the_model_is_named(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory
) -> None:
    long = write_mp3(tmp_path_factory.mktemp("long") / "long.mp3", stereo(Song(seconds=63)))
    creates = len(scene.music.creates)
    act = await ask(
        scene, "cover", track=long, engine="apibox", prompt="la", style="dub", title="x", model="V4_5ALL"
    )
    await act.says("On it.")
    await scene.play.wait_for(scene.notices, 20)
    assert "“long.mp3” is longer than 60 s" in shown_text(scene.notices()[0]).replace("\\", "")
    assert len(scene.music.creates) == creates


async def test_without_a_hosted_engine_it_is_said(tmp_path: Path, short_songs: tuple[Path, Path]) -> None:
    async with Playground(tmp_path) as play:
        await play.start_bot()
        act = await play.slash("mika", "mashups", "cover", track=short_songs[0])
        await act.says("`cover` needs a hosted engine")
        assert await play.autocomplete("mika", "mashups", "cover", "engine", engine="") == []
