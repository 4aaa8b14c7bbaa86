"""What every documented code leads to, of a create and of a task, and what every record means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.engines.hosted import legacy, profile, unified
from bot.engines.hosted.records import Made, made_of, names_uploads, task_of
from bot.engines.hosted.rules import Ending, Outcome
from bot.engines.port import Account, Ambiguous, Later, TaskState
from bot.errors import Code, Refused
from bot.playground.music import Music
from bot.request import EngineName, Operation
from tests.wire.test_hosted_engine import HOSTED, UPLOADS, engine_of, order

SPOKEN = [(name, dialect.value) for name in HOSTED for dialect in profile.load(name).provider.dialects]
IDS = ["-".join(pair) for pair in SPOKEN]
SUNG = {"prompt": "la la", "style": "dub", "mode": "custom"}
ENDINGS = profile.load(EngineName.KIE).spoken.task_codes
DOCUMENTED = (400, 401, 402, 404, 405, 408, 409, 413, 422, 429, 430, 433, 451, 455, 500, 501, 505, 531)
"""Every code but 200 of all documents together."""
REFUSALS = {
    Ending.FAILED: Code.ENGINE_FAILED,
    Ending.TEXT_REFUSED: Code.TEXT_REFUSED,
    Ending.CATALOGUE_MATCH: Code.CATALOGUE_MATCH,
}


@pytest_asyncio.fixture
async def music() -> AsyncIterator[Music]:
    standin = Music()
    standin.knobs.callbacks = "lost"
    await standin.start()
    yield standin
    await standin.close()


def check(end: BaseException, code: int, outcome: Outcome) -> None:
    """Released and told, later, or never sent again."""
    match outcome:
        case Outcome.REFUSE:
            assert isinstance(end, Refused)
            assert end.refusal.code is Code.ENGINE_REFUSED
        case Outcome.OPERATOR:
            assert isinstance(end, Refused)
            assert end.refusal.code is Code.ENGINE_UNAVAILABLE
        case Outcome.LATER | Outcome.PAUSE_ENGINE | Outcome.CREDITS_OR_RATE:
            assert isinstance(end, Later)
            assert end.refusal.values == {"status": code}
            assert (end.tries == 2) is (code in (451, 531))
        case Outcome.UNKNOWN:
            assert isinstance(end, Ambiguous)
    assert getattr(end, "pause", False) is (outcome is Outcome.PAUSE_ENGINE)


@pytest.mark.parametrize("told", ["body", "status", "both"])
@pytest.mark.parametrize(("name", "dialect"), SPOKEN, ids=IDS)
async def test_every_documented_code_of_a_create(
    music: Music, tmp_path: Path, name: EngineName, dialect: str, told: str
) -> None:
    music.knobs.told = told
    codes = profile.load(name, dialect).spoken.create_codes
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        everything = {**dict.fromkeys((*DOCUMENTED, 418, 599), Outcome.UNKNOWN), **codes}
        for code, outcome in everything.items():
            music.knobs.create = str(code)
            with pytest.raises((Refused, Later, Ambiguous)) as caught:
                await engine.submit(order(engine, SUNG))
            check(caught.value, code, outcome)
        music.knobs.create = ""
        assert await engine.submit(order(engine, SUNG)) in music.tasks, "200 is the only code that is a yes"
    assert (len(music.creates), music.charged) == (len(everything) + 1, 1)


def test_every_documented_code_has_a_row() -> None:
    spoken = [profile.load(name, dialect).spoken for name, dialect in SPOKEN]
    assert {code for speech in spoken for code in (*speech.create_codes, *speech.task_codes)} == set(DOCUMENTED)


@pytest.mark.parametrize("told", ["body", "status", "both"])
@pytest.mark.parametrize(("name", "dialect"), SPOKEN, ids=IDS)
async def test_every_documented_code_of_an_upload_a_record_and_a_balance(
    music: Music, tmp_path: Path, name: EngineName, dialect: str, told: str
) -> None:
    """Only a wrong key ends something; a record with any code but 200 means that the task runs on."""
    music.knobs.told = told
    source = tmp_path / "a"
    source.write_bytes(b"ID3")
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        wanted = order(engine, SUNG, (source, source))
        task = await engine.submit(wanted)
        await music.settled()
        for code in DOCUMENTED:
            music.knobs.codes = dict.fromkeys(("upload", "record", "credit"), code)
            assert (await engine.status(task)).state is TaskState.RUNNING
            assert not (await engine.balance()).reached
            with pytest.raises(Later):
                await engine.recognises(task, UPLOADS)
            with pytest.raises(Later):
                await engine.finished(task, 1 << 20)
            with pytest.raises(Refused if code == 401 else Later) as caught:
                await engine.prepare(wanted)
            assert caught.value.refusal.values == {"status": code}
        music.knobs.codes = {}
        assert (await engine.status(task)).state is TaskState.READY
        assert len(await engine.prepare(wanted)) == 2


@pytest.mark.parametrize(
    ("message", "credit", "paused"),
    [
        ("The current credits are insufficient", 1000, True),
        ("Your account balance isn't enough", 1000, True),
        ("Too many requests", 1000, False),
        ("error", 12, False),
        ("error", 11, True),
    ],
)
@pytest.mark.parametrize("name", [EngineName.SUNOAPI, EngineName.APIBOX])
async def test_both_meanings_of_429(
    music: Music, tmp_path: Path, name: EngineName, message: str, credit: int, paused: bool
) -> None:
    music.knobs.create, music.knobs.message, music.credits = "429", message, credit
    async with engine_of(name, music.url, tmp_path) as engine:
        with pytest.raises(Later) as caught:
            await engine.submit(order(engine, SUNG))
    assert caught.value.pause is paused


async def test_a_balance(music: Music, tmp_path: Path) -> None:
    for name, dialect in SPOKEN:
        async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
            before = await engine.balance()
            await engine.submit(order(engine, SUNG))
            assert before.credits is not None
            assert (await engine.balance()).credits == before.credits - 12
    async with engine_of(EngineName.KIE, music.url, tmp_path, key="wrong") as engine:
        assert await engine.balance() == Account(12, None, reached=False)
    async with engine_of(EngineName.KIE, "http://127.0.0.1:9", tmp_path) as engine:
        assert await engine.balance() == Account(12, None, reached=False)


@pytest.mark.parametrize(("name", "dialect"), SPOKEN, ids=IDS)
async def test_every_documented_code_of_a_task(
    music: Music, tmp_path: Path, name: EngineName, dialect: str
) -> None:
    codes = profile.load(name, dialect).spoken.task_codes
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        task = music.tasks[await engine.submit(order(engine, SUNG))]
        for code, ending in {**codes, 999: Ending.FAILED}.items():
            task.failed, task.error_code = "GENERATE_AUDIO_FAILED", code
            status = await engine.status(task.id)
            assert status.state is TaskState.REFUSED
            assert status.refusal is not None
            assert status.refusal.code is REFUSALS[ending], code


SONGS = [{"audio_url": "https://x/1", "title": "One", "tags": "dub"}, {"audioUrl": "https://x/2"}]
SHAPES = [
    json.dumps({"data": SONGS}),
    json.dumps({"code": 200, "data": SONGS}),
    json.dumps({"sunoData": SONGS}),
    json.dumps({"data": {"sunoData": SONGS}}),
    {"data": SONGS},
    json.dumps({"resultUrls": ["https://x/1", "https://x/2"]}),
]


@pytest.mark.parametrize("place", ["resultJson", "response"])
@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_tracks_are_found_in_every_shape(place: str, shape: Any) -> None:
    record = {"state": "success", "resultJson": "", "response": None, place: shape}
    assert [made.url for made in made_of(record)] == ["https://x/1", "https://x/2"]
    assert unified.status_of(record, ENDINGS).state is TaskState.READY


def test_half_a_character_is_no_task_and_no_title() -> None:
    assert task_of({"taskId": "\ud800"}) is None
    record = {"response": {"data": [{"audioUrl": "https://x/1", "title": "A\ud800", "tags": "\udfff"}]}}
    assert made_of(record) == (Made("https://x/1", "A?", "?"),)


@pytest.mark.parametrize(
    "param",
    [
        json.dumps({"uploadUrlList": UPLOADS}),
        json.dumps({"model": "m", "input": {"upload_url_list": UPLOADS}}),
        json.dumps({"model": "m", "input": json.dumps({"upload_url_list": UPLOADS})}),
        {"input": {"upload_url": UPLOADS[0], "second": UPLOADS[1]}},
    ],
)
def test_a_record_names_its_uploads(param: Any) -> None:
    assert names_uploads({"param": param}, UPLOADS)
    assert not names_uploads({"param": param}, (*UPLOADS, "https://files.example/three.audio"))
    assert not names_uploads({"param": param}, ())


READY, RUNNING, REFUSED = TaskState.READY, TaskState.RUNNING, TaskState.REFUSED


@pytest.mark.parametrize(
    ("record", "state", "code"),
    [
        ({"state": "waiting"}, RUNNING, None),
        ({"state": "queuing"}, RUNNING, None),
        ({"state": "generating", "progress": 45}, RUNNING, None),
        ({"state": "generating", "progress": "most"}, RUNNING, None),
        ({"state": "dreaming"}, RUNNING, None),
        ({"state": None}, RUNNING, None),
        ({"state": "success", "resultJson": ""}, RUNNING, None),
        ({"state": "success", "resultJson": "{"}, RUNNING, None),
        ({"state": "success", "resultJson": '{"data": [{"audio_url": ""}]}'}, RUNNING, None),
        ({"state": "success", "resultJson": '{"data": [3]}'}, RUNNING, None),
        ({"state": "SUCCESS", "resultJson": '{"data": [{"audio_url": "u"}]}'}, READY, None),
        ({"state": "fail", "failCode": "413"}, REFUSED, Code.CATALOGUE_MATCH),
        ({"state": "fail", "failCode": 400}, REFUSED, Code.TEXT_REFUSED),
        ({"state": "fail", "failCode": ""}, REFUSED, Code.ENGINE_FAILED),
        ({"state": "fail", "failCode": "E-17"}, REFUSED, Code.ENGINE_FAILED),
        ({"state": "fail"}, REFUSED, Code.ENGINE_FAILED),
        (None, RUNNING, None),
        ("text", RUNNING, None),
    ],
)
def test_what_a_unified_record_means(record: Any, state: TaskState, code: Code | None) -> None:
    found = unified.status_of(record, ENDINGS)
    assert found.state is state
    assert (found.refusal.code if found.refusal else None) is code


@pytest.mark.parametrize(
    ("record", "state", "code"),
    [
        ({"status": "PENDING"}, RUNNING, None),
        ({"status": "SOMETHING_NEW"}, RUNNING, None),
        ({"status": None}, RUNNING, None),
        ({"status": "SUCCESS", "response": None}, RUNNING, None),
        ({"status": "SUCCESS", "response": {"sunoData": [{"audioUrl": ""}]}}, RUNNING, None),
        ({"status": "SUCCESS", "response": {"sunoData": [{"audio_url": "https://x/1"}]}}, READY, None),
        ({"status": "SUCCESS", "response": '{"data": [{"audioUrl": "https://x/1"}]}'}, READY, None),
        ({"status": "CALLBACK_EXCEPTION", "response": {"sunoData": [{"audioUrl": "u"}]}}, READY, None),
        ({"status": "CALLBACK_EXCEPTION"}, RUNNING, None),
        ({"status": "GENERATE_AUDIO_FAILED", "errorCode": 413}, REFUSED, Code.CATALOGUE_MATCH),
        ({"status": "GENERATE_AUDIO_FAILED", "errorCode": "400"}, REFUSED, Code.TEXT_REFUSED),
        ({"status": "CREATE_TASK_FAILED"}, REFUSED, Code.ENGINE_FAILED),
        ({"status": "SENSITIVE_WORD_ERROR"}, REFUSED, Code.TEXT_REFUSED),
        (None, RUNNING, None),
        ("text", RUNNING, None),
    ],
)
def test_what_a_record_of_the_paths_means(record: Any, state: TaskState, code: Code | None) -> None:
    found = legacy.status_of(record, ENDINGS)
    assert found.state is state
    assert (found.refusal.code if found.refusal else None) is code


async def test_a_state_nobody_knows_is_running_and_told(music: Music, tmp_path: Path) -> None:
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path) as engine:
        task = music.tasks[await engine.submit(order(engine, SUNG))]
        for state in sorted(legacy.STATES):
            task.failed = state
            assert (await engine.status(task.id)).unheard == ""
        task.failed = "Dreaming <@everyone> " * 9
        status = await engine.status(task.id)
    assert status.state is RUNNING
    assert status.unheard == "DREAMING???EVERYONE??DREAMING???EVERYONE"


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize(("name", "dialect"), SPOKEN, ids=IDS)
async def test_the_record_of_every_operation_names_its_uploads(
    music: Music, tmp_path: Path, name: EngineName, dialect: str, operation: Operation
) -> None:
    given = {**SUNG, "title": "Mine", "tags": "piano", "negative_tags": "drums"}
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        wanted = order(engine, given, operation=operation)
        task = await engine.submit(wanted)
        assert await engine.recognises(task, wanted.uploads)
        assert not await engine.recognises(task, ("https://files.example/other.audio",))
