"""The exact JSON of every dialect and operation: each mode, sung or not, with each model, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from bot.engines.hosted import profile
from bot.engines.hosted.client import MusicClient
from bot.errors import Code, Refused
from bot.playground.music import Music
from bot.request import MODED, OPTIONS, EngineName, Mode, Operation
from tests import music_documents
from tests.music_documents import document
from tests.wire.test_hosted_engine import PUBLIC, UPLOADS, engine_of, order

KIE, SUNOAPI, APIBOX = EngineName.KIE, EngineName.SUNOAPI, EngineName.APIBOX
MASHUP, COVER, INSTRUMENTAL, VOCALS = Operation
needs_documents = pytest.mark.skipif(
    music_documents.FOLDER is None, reason=f"no OpenAPI documents of providers here: {music_documents.VARIABLE}"
)
SPOKEN = ((KIE, "unified"), (KIE, "legacy"), (SUNOAPI, "modeless"), (SUNOAPI, "legacy"),
          (APIBOX, "modeless"), (APIBOX, "legacy"))  # fmt: skip
CELLS = [(name, dialect, operation) for name, dialect in SPOKEN for operation in Operation]

MODELS = {
    ("legacy", KIE): "V4 V4_5 V4_5PLUS V4_5ALL V5 V5_5",
    ("legacy", SUNOAPI): "V4 V4_5 V4_5PLUS V4_5ALL V5",
    ("legacy", APIBOX): "V4 V4_5 V4_5PLUS V4_5ALL V5 V5_5",
    ("legacy", SUNOAPI, COVER): "V3_5 V4 V4_5 V4_5PLUS V5",
    ("legacy", APIBOX, COVER): "V3_5 V4 V4_5 V4_5PLUS V5",
    ("legacy", KIE, INSTRUMENTAL): "V4_5PLUS V5 V5_5",
    ("legacy", KIE, VOCALS): "V4_5PLUS V5 V5_5",
    ("legacy", SUNOAPI, INSTRUMENTAL): "V4_5PLUS V5",
    ("legacy", SUNOAPI, VOCALS): "V4_5PLUS V5",
    ("legacy", APIBOX, INSTRUMENTAL): "V4_5PLUS V5",
    ("legacy", APIBOX, VOCALS): "V4_5PLUS V5",
    ("modeless", SUNOAPI): "V6 V6_WILD V6_MINI V5_5 V5 V4_5PLUS V4_5ALL V4_5 V4",
    ("modeless", APIBOX): "V6 V6_WILD V6_MINI V5_5 V5 V4_5PLUS V4_5ALL V4_5 V4",
    ("unified", KIE): "V6 V6_WILD V6_MINI",
}
EVERYTHING = {
    "prompt": "la la",
    "style": "Jazz",
    "title": "Mine",
    "tags": "piano",
    "negative_tags": "drums",
    "vocal_gender": "f",
    "style_weight": 0.61,
    "weirdness": 0.72,
    "audio_weight": 0.65,
}
VOICE = {"vocalGender": "f", "styleWeight": 0.61, "weirdnessConstraint": 0.72, "audioWeight": 0.65}
SNAKE = {
    "customMode": "custom_mode",
    "negativeTags": "negative_tags",
    "vocalGender": "vocal_gender",
    "styleWeight": "style_weight",
    "weirdnessConstraint": "weirdness_constraint",
    "audioWeight": "audio_weight",
    "uploadUrl": "upload_url",
    "uploadUrlList": "upload_url_list",
}
UNIFIED = {
    MASHUP: "ai-music-api/mashup",
    COVER: "ai-music-api/upload-and-cover-audio",
    INSTRUMENTAL: "ai-music-api/add-instrumental",
    VOCALS: "ai-music-api/add-vocals",
}
TEXTS = {"prompt": "la la", "style": "Jazz", "title": "Mine"}
SINGLE = {
    INSTRUMENTAL: {"title": "Mine", "tags": "piano", "negativeTags": "drums", **VOICE},
    VOCALS: {**TEXTS, "negativeTags": "drums", **VOICE},
}
DOCUMENTS = {
    (KIE, "legacy", MASHUP): "kie-legacy-generate-mashup",
    (KIE, "legacy", COVER): "kie-legacy-upload-cover",
    (KIE, "legacy", INSTRUMENTAL): "kie-legacy-add-instrumental",
    (KIE, "legacy", VOCALS): "kie-legacy-add-vocals",
    (KIE, "unified", MASHUP): "kie-jobs-createTask-mashup.RECONSTRUCTED",
    (SUNOAPI, "legacy", MASHUP): "sunoapi-2026-spring-generate-mashup",
    **{
        (name, "modeless", operation): f"sunoapi-2026-autumn-{page}"
        for name in (SUNOAPI, APIBOX)
        for operation, page in (
            (MASHUP, "generate-mashup"),
            (COVER, "upload-cover"),
            (INSTRUMENTAL, "add-instrumental"),
        )
    },
}


def models(name: EngineName, dialect: str, operation: Operation) -> list[str]:
    return (MODELS.get((dialect, name, operation)) or MODELS[dialect, name]).split()


def rows(name: EngineName, dialect: str, operation: Operation) -> Iterator[tuple[Mode, bool, str]]:
    """Mode, instrumental and model: everything that this dialect has."""
    modes = (Mode.SIMPLE, Mode.CUSTOM) if dialect == "legacy" and operation in MODED else (Mode.CUSTOM,)
    silent = operation is COVER or (operation is MASHUP and dialect == "legacy")
    for mode in modes:
        for instrumental in (False, True) if silent else (False,):
            for model in models(name, dialect, operation):
                yield mode, instrumental, model


def asked(operation: Operation, mode: Mode, instrumental: bool, model: str) -> dict[str, Any]:
    """Every option that there is, given."""
    given = {**EVERYTHING, "model": model, "instrumental": instrumental}
    return {**{key: value for key, value in given.items() if key in OPTIONS[operation]}, "mode": mode.value}


def expected(
    name: EngineName, dialect: str, operation: Operation, mode: Mode, instrumental: bool, model: str
) -> dict[str, Any]:
    """What the documents ask for, in camelCase."""
    sources = {"uploadUrlList": list(UPLOADS)} if operation is MASHUP else {"uploadUrl": UPLOADS[0]}
    if operation not in MODED:
        return {**sources, "model": model, **SINGLE[operation]}
    fields: dict[str, Any] = {**sources, "model": model, "prompt": "la la"}
    if dialect == "legacy":
        fields |= {"customMode": mode is Mode.CUSTOM}
    if dialect == "legacy" or operation is COVER:
        fields |= {"instrumental": instrumental}
    if mode is Mode.CUSTOM or (name is KIE and operation is MASHUP):
        fields |= {"style": "Jazz", "title": "Mine"}
    if mode is Mode.CUSTOM:
        fields |= VOICE | ({"negativeTags": "drums"} if operation is COVER else {})
    if mode is Mode.CUSTOM and instrumental:
        del fields["prompt"]  # never where it could be sung
        if (name, dialect) == (KIE, "legacy") and operation is COVER:
            fields["prompt"] = "Jazz"  # the schema requires one, the style does no harm
    if dialect != "legacy" and model in ("V5_5", "V6", "V6_WILD", "V6_MINI"):
        fields["duration"] = 201 if operation is MASHUP else 95
    return fields


def enveloped(dialect: str, operation: Operation, fields: Mapping[str, Any]) -> dict[str, Any]:
    callback = {"callBackUrl": f"{PUBLIC}/callbacks/{{}}/job1/s3cret"}
    if dialect != "unified":
        return {**fields, **callback}
    inner = {SNAKE.get(key, key): value for key, value in fields.items()}
    return {"model": UNIFIED[operation], "input": inner, **callback}


@pytest_asyncio.fixture
async def music() -> AsyncIterator[Music]:
    standin = Music()
    standin.credits = 100_000
    standin.knobs.callbacks = "lost"
    await standin.start()
    yield standin
    await standin.close()


async def send_all(
    music: Music, folder: Path, cell: tuple[EngineName, str, Operation], given: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Submit each; every one is taken. Returns the bodies that arrived."""
    name, dialect, operation = cell
    async with engine_of(name, music.address(dialect), folder, dialect=dialect) as engine:
        for options in given:
            await engine.submit(order(engine, options, operation=operation))
    assert music.charged == len(given)
    return music.creates


@pytest.mark.parametrize("cell", CELLS, ids=["-".join(cell) for cell in CELLS])
async def test_the_exact_json_of_every_row(
    music: Music, tmp_path: Path, cell: tuple[EngineName, str, Operation]
) -> None:
    name, dialect, operation = cell
    table = list(rows(*cell))
    bodies = await send_all(music, tmp_path, cell, [asked(operation, *row) for row in table])
    for row, body in zip(table, bodies, strict=True):
        wanted = enveloped(dialect, operation, expected(*cell, *row))
        wanted["callBackUrl"] = wanted["callBackUrl"].format(name.value)
        assert body == wanted, row


@needs_documents
@pytest.mark.parametrize("cell", DOCUMENTS, ids=["-".join(cell) for cell in DOCUMENTS])
async def test_every_row_is_as_the_providers_document_says(
    music: Music, tmp_path: Path, cell: tuple[EngineName, str, Operation]
) -> None:
    page, (name, dialect, operation) = document(DOCUMENTS[cell]), cell
    bodies = await send_all(music, tmp_path, cell, [asked(operation, *row) for row in rows(*cell)])
    assert [page.request_faults(body) for body in bodies] == [[]] * len(bodies)
    assert page.models() == set(models(*cell))
    assert page.request_faults({**bodies[0], "shrug": 1}), "the check finds what is not in the document"
    rules = profile.load(name, dialect).rules(operation)
    assert rules is not None
    assert page.path == ("/api/v1/jobs/createTask" if dialect == "unified" else rules.name)


LEAST = [
    ((KIE, "unified", MASHUP), {"mode": "custom"}, {"style": "mashup", "title": "Night Drive × Paper Lanterns"}),
    ((KIE, "legacy", MASHUP), {"prompt": "calm"}, {"style": "mashup", "title": "Night Drive × Paper Lanterns"}),
    ((SUNOAPI, "legacy", MASHUP), {"prompt": "calm"}, {"style": None, "title": None, "prompt": "calm"}),
    ((SUNOAPI, "modeless", MASHUP), {"mode": "custom"}, {"style": "mashup", "prompt": None}),
    ((APIBOX, "modeless", COVER), {"mode": "custom"}, {"style": None, "title": "Night Drive"}),
    ((APIBOX, "legacy", COVER), {"prompt": "calm"}, {"prompt": "calm", "style": None, "negativeTags": None}),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "given", "there"), LEAST, ids=["-".join(row[0]) for row in LEAST])
async def test_the_least_that_can_be_asked(
    music: Music,
    tmp_path: Path,
    cell: tuple[EngineName, str, Operation],
    given: dict[str, Any],
    there: dict[str, Any],
) -> None:
    (body,) = await send_all(music, tmp_path, cell, [given])
    fields = body.get("input", body)
    assert {key: fields.get(key) for key in there} == there
    assert not {"vocalGender", "vocal_gender", "styleWeight", "style_weight"} & fields.keys()


NEWER = [cell for cell in CELLS if cell[2] is MASHUP and cell[1] != "legacy"]


@pytest.mark.parametrize("cell", NEWER, ids=["-".join(cell) for cell in NEWER])
async def test_what_a_dialect_lacks_can_be_refused_and_is_never_sung(
    music: Music, tmp_path: Path, cell: tuple[EngineName, str, Operation]
) -> None:
    name, dialect, _ = cell
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        assert engine.capabilities(MASHUP, Mode.SIMPLE) is None
        custom = engine.capabilities(MASHUP, Mode.CUSTOM)
        assert custom is not None
        assert custom.lacks - {"persona"} == {"instrumental"}
        await engine.submit(order(engine, {"prompt": "an idea", "instrumental": True, "mode": "custom"}))
    assert "an idea" not in str(music.creates)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mode": "simple"}, Code.MODE_NOT_OFFERED),
        ({"instrumental": True}, Code.OPTION_NOT_OFFERED),
        ({"model": "V5"}, Code.UNKNOWN_CHOICE),
    ],
)
async def test_an_order_accepted_in_another_dialect_is_refused_before_anything_is_sent(
    music: Music, tmp_path: Path, change: dict[str, Any], code: Code
) -> None:
    async with engine_of(KIE, music.url, tmp_path, dialect="unified") as engine:
        good = order(engine, {"prompt": "an idea", "mode": "custom"})
        with pytest.raises(Refused) as caught:
            await engine.prepare(replace(good, request={**good.request, **change}))
    assert caught.value.refusal.code is code
    assert music.creates == []


async def test_the_unverified_line_of_kie_gives_a_simple_mode(music: Music, tmp_path: Path) -> None:
    (tmp_path / "kie.toml").write_text(
        '[dialects.unified.operations.mashup]\nunverified = ["custom_mode", "instrumental"]\n', "utf-8"
    )
    async with engine_of(KIE, music.url, tmp_path, dialect="unified", overlays=tmp_path) as engine:
        await engine.submit(order(engine, {"prompt": "calm", "instrumental": True}))
        capabilities = engine.capabilities(MASHUP, Mode.CUSTOM)
        assert capabilities is not None
        assert capabilities.lacks == {"persona"}
    assert music.creates[0]["input"] == {
        "upload_url_list": list(UPLOADS),
        "model": "V6",
        "prompt": "calm",
        "style": "mashup",
        "title": "Night Drive × Paper Lanterns",
        "custom_mode": False,
        "instrumental": True,
        "duration": 201,
    }


REPLIES = [
    ("unified", "jobs/recordInfo", "kie-jobs-recordInfo"),
    ("legacy", "generate/record-info", "kie-legacy-record-info"),
    ("modeless", "generate/record-info", "sunoapi-record-info"),
]


@needs_documents
@pytest.mark.parametrize(("dialect", "path", "page"), REPLIES)
async def test_the_standins_records_are_as_documented(
    music: Music, tmp_path: Path, dialect: str, path: str, page: str
) -> None:
    name = KIE if dialect == "unified" else SUNOAPI
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        given = {"prompt": "x", "style": "dub", "mode": "custom"}
        task = music.tasks[await engine.submit(order(engine, given))]
    for stage, failed in (
        ("", ""),
        ("text", ""),
        ("first", ""),
        ("complete", ""),
        ("text", "GENERATE_AUDIO_FAILED"),
    ):
        task.stage, task.failed, task.error_code = stage, failed, 413 if failed else None
        answer = await _get(music, f"{music.address(dialect)}/api/v1/{path}?taskId={task.id}")
        assert document(page).reply_faults(answer) == []
    credit = await _get(music, f"{music.url}/api/v1/chat/credit")
    assert document("kie-credit").reply_faults(credit) == []


@needs_documents
async def test_the_standins_upload_is_as_documented(music: Music, tmp_path: Path) -> None:
    source = tmp_path / "a.mp3"
    source.write_bytes(b"ID3 not really")
    client = MusicClient(music.url, music.url, SecretStr(music.key))
    answer = await client.upload(source, "random.audio")
    await client.close()
    shown = {"code": answer.code, "msg": answer.message, "data": answer.data, "success": True}
    assert document("kie-file-stream-upload").reply_faults(shown) == []


async def _get(music: Music, url: str) -> Any:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {music.key}"}) as session,
        session.get(url) as answer,
    ):
        return await answer.json()


async def test_only_what_is_read_goes_over_a_connection_again() -> None:
    peers: dict[str, list[object]] = {"GET": [], "POST": []}

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers[request.method].append(request.transport.get_extra_info("peername"))
        return web.json_response({"code": 200, "data": {}})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, keepalive_timeout=0.3)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = MusicClient(url, url, SecretStr("key"))
    try:
        for _ in range(3):
            await client.read("/record", {"taskId": "t"})
            await client.create("/create", {})
        assert (len(set(peers["GET"])), len(set(peers["POST"]))) == (1, 3)
        await asyncio.sleep(0.6)  # the other end has closed it meanwhile
        assert (await client.read("/record", {"taskId": "t"})).code == 200
        assert len(set(peers["GET"])) == 2
    finally:
        await client.close()
        await runner.cleanup()
