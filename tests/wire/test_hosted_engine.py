"""What a hosted engine sends, against the music stand-in, and what each answer to a create leads to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from bot.clock import Clock
from bot.engines.hosted import legacy
from bot.engines.hosted.build import build
from bot.engines.hosted.client import MusicClient, NoAnswer, NotConnected
from bot.engines.hosted.engine import HostedEngine
from bot.engines.hosted.legacy import INERT_CALLBACK
from bot.engines.port import Ambiguous, Later, Order, TaskState
from bot.errors import Code, Refusal, Refused
from bot.playground.music import Music
from bot.playground.music_task import Task
from bot.request import EngineName, Operation, mode_of, model_named, read_request
from bot.settings import DownloadSettings, HostedSettings
from bot.worker.pool import Pool
from tests.wire.test_download import served

HOSTED = (EngineName.KIE, EngineName.SUNOAPI, EngineName.APIBOX)
UPLOADS = ("https://files.example/one.audio", "https://files.example/two.audio")
PUBLIC = "https://bot.example/prefix"


@pytest_asyncio.fixture
async def music() -> AsyncIterator[Music]:
    standin = Music()
    await standin.start()
    yield standin
    await standin.close()


@asynccontextmanager
async def engine_of(
    name: EngineName,
    url: str,
    folder: Path,
    *,
    key: str = "music-key",
    public_url: str = PUBLIC,
    dialect: str = "legacy",
    overlays: Path | None = None,
) -> AsyncGenerator[HostedEngine]:
    host = urlsplit(url).netloc
    account = HostedSettings(api_key=SecretStr(key), base_url=url, upload_url=f"http://{host}", dialect=dialect)
    downloads = DownloadSettings.model_validate({"TWODECK_DOWNLOAD_HOSTS": host})
    pool = Pool(1)
    engine = build({name: account}, public_url, downloads, pool, folder, Clock(), overlays)[0]
    try:
        yield engine
    finally:
        await engine.close()
        await pool.close()


def order(
    engine: HostedEngine,
    given: Mapping[str, Any],
    sources: tuple[Path, ...] | None = None,
    operation: Operation = Operation.MASHUP,
    uploads: tuple[str, ...] | None = None,
) -> Order:
    """An order as the bot makes it of what a member typed."""
    mode = mode_of(operation, given)
    offered = engine.capabilities(operation, mode)
    assert offered is not None
    model = model_named(given.get("model"), offered.models, offered.default_model)
    capabilities = engine.capabilities(operation, mode, model)
    assert capabilities is not None
    number = 2 if operation is Operation.MASHUP else 1
    request = read_request(
        operation,
        {**given, "model": model},
        engine=engine.name,
        limits=capabilities.limits,
        uses=capabilities.uses,
        needs=capabilities.needs,
        names=("Night Drive.mp3", "Paper_Lanterns.wav")[:number],
    )
    return Order(
        job="job1",
        attempt=1,
        operation=operation,
        sources=sources or (Path("a"), Path("b"))[:number],
        request=request.model_dump(mode="json"),
        seed=1,
        max_bytes=1 << 20,
        seconds=(95.0, 200.4)[:number],
        uploads=uploads or UPLOADS[:number],
        secret="s3cret",
    )


GOOD = {
    "uploadUrlList": list(UPLOADS),
    "callBackUrl": INERT_CALLBACK,
    "model": "V5",
    "customMode": False,
    "prompt": "calm piano",
}
BASE = {"uploadUrlList": list(UPLOADS), "model": "V5"}
TITLE = "Night Drive × Paper Lanterns"
EXTRAS = {"vocal_gender": "f", "style_weight": 0.61, "weirdness": 0.72, "audio_weight": 0.65}
WIRE_EXTRAS = {"vocalGender": "f", "styleWeight": 0.61, "weirdnessConstraint": 0.72, "audioWeight": 0.65}
SIMPLE = {**BASE, "customMode": False, "instrumental": False, "prompt": "calm piano"}
CUSTOM = {**BASE, "customMode": True, "style": "Jazz", "title": "Mine"}
TABLE: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, str]]] = [
    ("simple", {"prompt": "calm piano"}, SIMPLE, {"style": "mashup", "title": TITLE}),
    (
        "simple with custom options",
        {"prompt": "calm piano", "mode": "simple", "style": "Dub", "title": "Mine", **EXTRAS},
        SIMPLE,
        {"style": "Dub", "title": "Mine"},
    ),
    (
        "simple instrumental",
        {"prompt": "calm piano", "instrumental": True, "model": "v4_5plus"},
        {**SIMPLE, "instrumental": True, "model": "V4_5PLUS"},
        {"style": "mashup", "title": TITLE},
    ),
    (
        "custom sung",
        {"prompt": "la la", "style": "Jazz", "title": "Mine", **EXTRAS},
        {**CUSTOM, "instrumental": False, "prompt": "la la", **WIRE_EXTRAS},
        {},
    ),
    (
        "custom instrumental",
        {"prompt": "never sung", "style": "Jazz", "title": "Mine", "instrumental": True},
        {**CUSTOM, "instrumental": True},
        {},
    ),
    ("custom title of the files", {"style": "Jazz", "instrumental": True},
     {**CUSTOM, "title": TITLE, "instrumental": True}, {}),
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTED)
@pytest.mark.parametrize(("row", "given", "expected", "kie_too"), TABLE, ids=[row[0] for row in TABLE])
async def test_the_exact_json_of_each_mode(
    music: Music,
    tmp_path: Path,
    name: EngineName,
    row: str,
    given: dict[str, Any],
    expected: dict[str, Any],
    kie_too: dict[str, Any],
) -> None:
    async with engine_of(name, music.url, tmp_path) as engine:
        await engine.submit(order(engine, given))
    wanted = {**expected, "callBackUrl": f"{PUBLIC}/callbacks/{name}/job1/s3cret"}
    assert music.creates == [{**wanted, **(kie_too if name is EngineName.KIE else {})}]


@pytest.mark.parametrize("dialect", ["legacy", "unified"])
async def test_without_a_public_address_the_callback_is_inert_or_left_out(
    music: Music, tmp_path: Path, dialect: str
) -> None:
    async with engine_of(EngineName.KIE, music.url, tmp_path, public_url="", dialect=dialect) as engine:
        task = await engine.submit(order(engine, {"prompt": "x", "style": "dub"}))
        assert (await engine.status(task)).state is TaskState.RUNNING
    assert music.creates[0].get("callBackUrl") == (INERT_CALLBACK if dialect == "legacy" else None)


@pytest.mark.parametrize("fault", ["reset", "html", "no-task", "599"])
async def test_an_answer_that_proves_nothing_is_ambiguous(music: Music, tmp_path: Path, fault: str) -> None:
    music.knobs.create = fault
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path) as engine:
        with pytest.raises(Ambiguous):
            await engine.submit(order(engine, {"prompt": "x"}))
    assert len(music.creates) == 1


async def test_a_late_answer_is_no_answer(music: Music) -> None:
    music.knobs.create_seconds = 0.6
    client = MusicClient(music.url, music.url, SecretStr(music.key), seconds=0.3)
    with pytest.raises(NoAnswer):
        await client.create("/api/v1/generate/mashup", GOOD)
    await client.close()
    assert music.charged == 1
    await asyncio.sleep(0.5)


async def test_nobody_there_means_nothing_was_sent(tmp_path: Path) -> None:
    async with engine_of(EngineName.SUNOAPI, "http://127.0.0.1:9", tmp_path) as engine:
        with pytest.raises(Later):
            await engine.submit(order(engine, {"prompt": "x"}))
    client = MusicClient("http://127.0.0.1:9", "http://127.0.0.1:9", SecretStr("k"))
    with pytest.raises(NotConnected):
        await client.read(legacy.RECORD, {})
    await client.close()


async def test_http_errors_count_where_the_body_says_nothing_worse(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"code": 200, "msg": "ok", "data": {"taskId": "t"}}, status=503)

    async with served(handler) as host, engine_of(EngineName.KIE, f"http://{host}", tmp_path) as engine:
        with pytest.raises(Ambiguous):
            await engine.submit(order(engine, {"prompt": "x"}))


@pytest.mark.parametrize("body", [b"[]", b'"x"', b'{"code": "many"}', b"\xff", b"[" * 5000, b'{"a": 1}'])
async def test_garbage_is_no_answer(body: bytes) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    async with served(handler) as host:
        client = MusicClient(f"http://{host}", f"http://{host}", SecretStr("k"))
        with pytest.raises(NoAnswer):
            await client.create("/api/v1/generate/mashup", {})
        await client.close()


async def test_uploads_have_random_names_and_a_wrong_key_stops_them(music: Music, tmp_path: Path) -> None:
    source = tmp_path / "mine.mp3"
    source.write_bytes(b"ID3 not really")
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path) as engine:
        first, second = await engine.prepare(order(engine, {"prompt": "x"}, (source, source)))
    assert first != second
    assert "mine" not in first
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path, key="wrong") as engine:
        with pytest.raises(Refused) as caught:
            await engine.prepare(order(engine, {"prompt": "x"}, (source, source)))
    assert caught.value.refusal == Refusal(Code.ENGINE_UNAVAILABLE, {"status": 401})


async def test_a_record_is_believed_only_when_it_names_our_uploads(music: Music, tmp_path: Path) -> None:
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path) as engine:
        task = await engine.submit(order(engine, {"prompt": "x"}))
        assert await engine.recognises(task, UPLOADS)
        assert not await engine.recognises(task, ("https://files.example/other.audio", UPLOADS[1]))
        assert not await engine.recognises(task, ())
        music.knobs.records = 500
        with pytest.raises(Later):
            await engine.recognises(task, UPLOADS)
        assert (await engine.status(task)).state is TaskState.RUNNING


async def test_what_is_no_audio_is_asked_for_again_and_other_hosts_never(music: Music, tmp_path: Path) -> None:
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path) as engine:
        for address, end in ((f"{music.url}/files/none", Later), ("https://evil.example/a.mp3", Refused)):
            music.tasks["t"] = Task("t", {"uploadUrlList": list(UPLOADS)}, (address,), stage="complete")
            with pytest.raises(end):
                await engine.finished("t", 10 << 20)


async def test_the_rate_of_creates_is_kept(music: Music, tmp_path: Path) -> None:
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path, public_url="") as engine:
        room = engine.free()
        assert engine.opens_in() is None
        await asyncio.gather(*(engine.submit(order(engine, {"prompt": "x"})) for _ in range(room)))
        assert (room, engine.free()) == (10, 0)
        opens_in = engine.opens_in()
        assert opens_in is not None
        assert 0 < opens_in <= 10


async def test_an_engine_without_an_upload_host_is_not_there(tmp_path: Path) -> None:
    pool = Pool(1)
    account = HostedSettings(api_key=SecretStr("k"))
    downloads = DownloadSettings.model_validate({})
    assert build({EngineName.APIBOX: account}, "", downloads, pool, tmp_path, Clock()) == []
    assert build({EngineName.KIE: HostedSettings()}, "", downloads, pool, tmp_path, Clock()) == []
    await pool.close()


def test_the_key_is_never_shown() -> None:
    account = HostedSettings(api_key=SecretStr("canary"))
    assert "canary" not in repr(account)
    assert "canary" not in json.dumps(account.model_dump(mode="json"))
