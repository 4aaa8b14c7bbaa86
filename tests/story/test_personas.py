"""`/persona` and the option `persona`, with the real bot: one of each take, for its member alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.music_task import MusicKnobs
from tests.playground import Act, shown_text
from tests.story.test_hosted import Scene, polling
from tests.story.test_operator import edit_job

pytestmark = pytest.mark.asyncio(loop_scope="module")
SUNG = {"prompt": "la la", "style": "dub", "title": "Rain"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory, short_songs: tuple[Path, Path]) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("personas")
    async with polling(folder, short_songs, ("sunoapi", "modeless"), ("kie", "unified")) as scene:
        yield scene


@pytest.fixture
def scene(hall: Scene) -> Scene:
    hall.music.knobs = MusicKnobs()
    return hall


async def result(scene: Scene, **options: object) -> str:
    job = await scene.ask(**{**SUNG, **options})
    await scene.reaches(job, "done")
    return job


async def create(scene: Scene, job: str, member: str = "mika", **options: Any) -> Act:
    given = {"job": job, "name": "Rainy *me*", "description": "soft and wet", **options}
    return await scene.play.slash(member, "mashups", "persona create", **given)


async def test_one_is_made_of_a_take_once_and_used_by_its_member_alone(scene: Scene) -> None:
    job = await result(scene)
    offers = await scene.play.autocomplete("mika", "mashups", "persona create", "job", job="")
    assert [offer["value"] for offer in offers] == [job]
    assert await scene.play.autocomplete("noor", "mashups", "persona create", "job", job="") == []
    await (await create(scene, job, "noor")).says("a persona is made of one's own results")
    await (await create(scene, job, take=3)).says("Choose one of: 1, 2")
    assert scene.music.wishes == 0
    made = shown_text(await (await create(scene, job)).says("is there"))
    assert "Rainy \\*me\\*" in made
    await (await create(scene, job, name="Another")).says("Rainy")
    assert scene.music.wishes == 1
    (persona,) = scene.music.personas

    listed = await (await scene.play.slash("mika", "mashups", "persona list")).says("sunoapi.org")
    assert "soft and wet" in shown_text(listed)
    await (await scene.play.slash("noor", "mashups", "persona list")).says("None yet.")
    choices = await scene.play.autocomplete("mika", "mashups", "cover", "persona", persona="rain")
    assert [choice["value"] for choice in choices] == [persona]
    assert await scene.play.autocomplete("noor", "mashups", "cover", "persona", persona="") == []
    act = await scene.play.slash("noor", "mashups", "cover", track=scene._songs[0], persona=persona, **SUNG)
    await act.says("You have no persona")

    second = await scene.ask(**SUNG, engine=None, persona="rainy *ME*")
    await scene.reaches(second, "done")
    body = scene.music.creates[-1]
    assert (body["personaId"], body["personaModel"]) == (persona, "style_persona")
    assert scene.rows("SELECT engine FROM jobs WHERE id = ?", second)[0]["engine"] == "sunoapi"


async def test_engines_without_them_say_so(scene: Scene) -> None:
    songs = scene._songs
    (persona,) = scene.music.personas
    for engine in ("local", "kie"):
        act = await scene.play.slash(
            "mika",
            "mashups",
            "mashup",
            track_a=songs[0],
            track_b=songs[1],
            engine=engine,
            persona=persona,
            style="x",
        )
        assert "Here: sunoapi." in shown_text(await act.says("does not know `persona`"))
    for engine in ("local", "kie"):
        job = await result(scene, engine=engine)
        said = shown_text(await (await create(scene, job)).says("makes no persona of this"))
        assert f"“{engine}”" in said
        assert "make some: sunoapi." in said
    assert scene.music.wishes == 1


async def test_a_lost_answer_is_never_asked_for_again_and_a_no_may_be(scene: Scene) -> None:
    job = await result(scene)
    before = scene.music.wishes
    scene.turn(persona="455")
    await (await create(scene, job, take=2)).says("takes nothing right now (code 455)")
    scene.turn(persona="")
    await (await create(scene, job, take=2)).says("is there")
    assert scene.music.wishes == before + 2
    scene.turn(persona="reset")
    await (await create(scene, job)).says("It is not asked for twice")
    scene.turn(persona="")
    await scene.play.restart_bot()
    await (await create(scene, job)).says("It is not asked for twice")
    assert scene.music.wishes == before + 3


async def test_a_result_of_before_has_none(scene: Scene) -> None:
    job = await result(scene)
    await edit_job(scene, "UPDATE tracks SET audio = NULL WHERE job = ?", job)
    await (await create(scene, job)).says("This result is older than personas here")
    offers = await scene.play.autocomplete("mika", "mashups", "persona create", "job", job=job)
    assert offers == []
