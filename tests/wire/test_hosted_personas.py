"""Personas against the music stand-in: who makes and takes them, the exact JSON, what each answer leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.engines.hosted import profile
from bot.engines.hosted.profile import ProfileError, checked
from bot.engines.hosted.records import made_of, persona_of
from bot.engines.port import Ambiguous, Likeness
from bot.errors import Code, Refused
from bot.playground.music import Music
from bot.request import EngineName, Mode, Operation
from tests.music_documents import FOLDER, document
from tests.wire.test_hosted_codes import SPOKEN, SUNG
from tests.wire.test_hosted_engine import engine_of, order

MODELESS = (EngineName.SUNOAPI, EngineName.APIBOX)
BOTH = {Operation.MASHUP, Operation.COVER}
DOCUMENTS = {
    ("modeless", Operation.MASHUP): "sunoapi-2026-autumn-generate-mashup",
    ("modeless", Operation.COVER): "sunoapi-2026-autumn-upload-cover",
    ("legacy", Operation.COVER): "kie-legacy-upload-cover",
}


@pytest_asyncio.fixture
async def music() -> AsyncIterator[Music]:
    standin = Music()
    standin.knobs.callbacks = "lost"
    await standin.start()
    yield standin
    await standin.close()


def finished(music: Music) -> Likeness:
    """A track of the newest task, which is complete now."""
    task = list(music.tasks.values())[-1]
    task.stage = "complete"
    (track, _) = made_of(task.record())
    return Likeness(task.id, track.audio_id, "Rain", "soft and wet")


@pytest.mark.parametrize(("name", "dialect"), SPOKEN)
def test_who_makes_and_who_takes_them(name: EngineName, dialect: str) -> None:
    known = profile.load(name, dialect)
    made = BOTH if dialect == "modeless" else set[Operation]()
    if (name, dialect) == ("kie", "legacy"):
        made = {Operation.COVER}
    assert set(known.spoken.personas.of if known.spoken.personas else ()) == made
    for operation in Operation:
        offered = known.capabilities(operation, Mode.CUSTOM)
        assert offered is not None
        assert ("persona" in offered.uses) is (operation in made)
        assert ("persona" in offered.lacks) is (operation in BOTH - made)
        simple = known.capabilities(operation, Mode.SIMPLE)
        assert simple is None or operation not in BOTH or "persona" in simple.lacks


@pytest.mark.parametrize(
    ("name", "dialect", "operation"),
    [
        *((name, "modeless", operation) for name in MODELESS for operation in sorted(BOTH)),
        (EngineName.KIE, "legacy", Operation.COVER),
    ],
)
async def test_one_is_made_and_used(
    music: Music, tmp_path: Path, name: EngineName, dialect: str, operation: Operation
) -> None:
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        await engine.submit(order(engine, SUNG, operation=operation))
        likeness = finished(music)
        assert engine.offers_persona(operation)
        persona = await engine.make_persona(likeness)
        assert music.personas[persona] == {
            "taskId": likeness.task,
            "audioId": likeness.audio,
            "name": "Rain",
            "description": "soft and wet",
        }
        await engine.submit(order(engine, {**SUNG, "persona": persona}, operation=operation))
        with pytest.raises(Refused):
            await engine.submit(order(engine, {**SUNG, "persona": "nobody"}, operation=operation))
    body = music.creates[1]
    sent = {key: body[key] for key in body if key.startswith("persona")}
    model = {"personaModel": "style_persona"} if dialect == "modeless" else {}
    assert sent == {"personaId": persona, **model}
    assert not {key for key in music.creates[0] if key.startswith("persona")}
    if FOLDER is not None:
        assert document(DOCUMENTS[dialect, operation]).request_faults(body) == []


@pytest.mark.parametrize(
    ("knob", "end"),
    [
        ("409", Code.PERSONA_EXISTS),
        ("422", Code.ENGINE_REFUSED),
        ("401", Code.ENGINE_UNAVAILABLE),
        ("402", Code.ENGINE_UNAVAILABLE),
        ("455", Code.ENGINE_UNAVAILABLE),
        ("500", None),
        ("599", None),
        ("reset", None),
    ],
)
async def test_a_definite_no_and_no_answer(music: Music, tmp_path: Path, knob: str, end: Code | None) -> None:
    async with engine_of(EngineName.SUNOAPI, music.address("modeless"), tmp_path, dialect="modeless") as engine:
        await engine.submit(order(engine, SUNG))
        music.knobs.persona = knob
        with pytest.raises(Refused if end else Ambiguous) as caught:
            await engine.make_persona(finished(music))
        if isinstance(caught.value, Refused):
            assert caught.value.refusal.code is end
    assert music.wishes == 1


async def test_nobody_there_means_that_none_was_made(tmp_path: Path) -> None:
    async with engine_of(EngineName.SUNOAPI, "http://127.0.0.1:9", tmp_path, dialect="modeless") as engine:
        with pytest.raises(Refused):
            await engine.make_persona(Likeness("t", "a", "n", "d"))


async def test_there_is_one_of_each_track(music: Music, tmp_path: Path) -> None:
    async with engine_of(EngineName.APIBOX, music.address("modeless"), tmp_path, dialect="modeless") as engine:
        await engine.submit(order(engine, SUNG))
        await engine.make_persona(finished(music))
        with pytest.raises(Refused) as caught:
            await engine.make_persona(finished(music))
    assert caught.value.refusal.code is Code.PERSONA_EXISTS


@pytest.mark.parametrize("data", [None, [], {}, {"personaId": 7}, {"personaId": ""}, {"personaId": "x" * 101}])
def test_an_answer_without_an_id_names_none(data: Any) -> None:
    assert persona_of(data) is None


def test_a_profile_that_takes_what_nobody_can_make_is_refused() -> None:
    good = profile.load(EngineName.SUNOAPI).provider.model_dump(mode="json", exclude_defaults=True)
    checked(good, "good.toml")
    del good["dialects"]["modeless"]["personas"]
    with pytest.raises(ProfileError, match="takes a persona, and nothing says how one is made"):
        checked(good, "bad.toml")
