"""From the sources to two finished tracks, in every dialect; and what stops an engine from being set up."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.clock import Clock
from bot.engines.hosted.build import build
from bot.engines.hosted.engine import HostedEngine
from bot.engines.port import Later, TaskState
from bot.errors import Code, Refusal
from bot.playground.music import PRICE, Music
from bot.posts.post import Result, ResultTrack
from bot.request import EngineName, Mode, Operation
from bot.settings import DownloadSettings, HostedSettings, SettingsError
from bot.worker.pool import Pool
from cogs.views.cards import result_cards
from tests.audio.synth import Song, stereo, write_mp3
from tests.wire.test_hosted_engine import engine_of, order

CELLS = [
    (EngineName.KIE, "unified", Operation.MASHUP),
    (EngineName.KIE, "unified", Operation.VOCALS),
    (EngineName.SUNOAPI, "modeless", Operation.INSTRUMENTAL),
    (EngineName.APIBOX, "legacy", Operation.COVER),
]
GIVEN = {
    "prompt": "la",
    "style": "dub",
    "title": "Mine",
    "tags": "piano",
    "negative_tags": "drums",
    "mode": "custom",
}


@pytest_asyncio.fixture
async def music() -> AsyncIterator[Music]:
    standin = Music()
    standin.knobs.callbacks = "lost"
    await standin.start()
    yield standin
    await standin.close()


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("songs")
    first = write_mp3(folder / "a.mp3", stereo(Song(tempo=120, seconds=4, tonic=9)))
    return first, write_mp3(folder / "b.mp3", stereo(Song(tempo=112, seconds=4, tonic=0)))


async def ready(engine: HostedEngine, task: str) -> list[str]:
    """Ask until it is ready; the stages that were told on the way."""
    stages: list[str] = []
    async with asyncio.timeout(20):
        while (status := await engine.status(task)).state is not TaskState.READY:
            stages += [status.stage] if status.stage not in stages else []
            await asyncio.sleep(0.01)
    return stages


@pytest.mark.parametrize(("name", "dialect", "operation"), CELLS, ids=["-".join(cell) for cell in CELLS])
async def test_from_the_sources_to_two_tracks(
    music: Music, tmp_path: Path, songs: tuple[Path, Path], name: EngineName, dialect: str, operation: Operation
) -> None:
    before = music.credits
    async with engine_of(name, music.address(dialect), tmp_path, dialect=dialect) as engine:
        sources = songs if operation is Operation.MASHUP else songs[:1]
        wanted = order(engine, GIVEN, sources, operation)
        uploads = await engine.prepare(wanted)
        assert len(uploads) == len(sources)
        task = await engine.submit(order(engine, GIVEN, sources, operation, uploads))
        stages = await ready(engine, task)
        finished = await engine.finished(task, 10 << 20)
    assert set(stages) <= {"working", "text", "first"}
    assert len({hashlib.sha256(track.audio.read_bytes()).digest() for track in finished.tracks}) == 2
    assert {track.title for track in finished.tracks} == {"Mine"}
    assert music.credits == before - PRICE


def built(folder: Path, account: HostedSettings, overlays: Path | None = None) -> list[HostedEngine]:
    downloads, pool = DownloadSettings.model_validate({}), Pool(1)
    return build({EngineName.KIE: account}, "", downloads, pool, folder, Clock(), overlays)


@pytest.mark.parametrize("key", ["", "set"])
def test_a_wrong_file_of_the_operators_stops_the_start(tmp_path: Path, key: str) -> None:
    (tmp_path / "kie.toml").write_text("dialects.unified.operations.mashup.price = 'free'", "utf-8")
    with pytest.raises(SettingsError, match=r"kie\.toml is wrong: dialects\.unified\.operations\.mashup\.price: "):
        built(tmp_path, HostedSettings(api_key=SecretStr(key)), tmp_path)


def test_a_dialect_that_the_provider_does_not_speak_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KIE_DIALECT is wrong: kie speaks unified, legacy, not martian"):
        built(tmp_path, HostedSettings(api_key=SecretStr("k"), dialect="martian"))


async def test_the_newest_dialect_is_spoken_unless_another_is_set(tmp_path: Path) -> None:
    for dialect, model in (("", "V6"), ("unified", "V6"), ("legacy", "V5")):
        (engine,) = built(tmp_path, HostedSettings(api_key=SecretStr("k"), dialect=dialect))
        offered = engine.capabilities(Operation.MASHUP, Mode.CUSTOM)
        assert offered is not None
        assert offered.default_model == model
        await engine.close()


async def made(music: Music, engine: HostedEngine, songs: tuple[Path, Path], dialect: str) -> str:
    """A finished mashup's task; both takes are of the same upload where the knob says so."""
    uploads = await engine.prepare(order(engine, GIVEN, (songs[0], songs[0])))
    task = await engine.submit(order(engine, GIVEN, songs, uploads=(uploads[0], uploads[0])))
    await music.settled()
    return task


async def test_equal_takes_are_fetched_again_and_then_delivered_once(
    music: Music, tmp_path: Path, songs: tuple[Path, Path]
) -> None:
    music.knobs.same_takes = True
    async with engine_of(EngineName.KIE, music.address("unified"), tmp_path, dialect="unified") as engine:
        task = await made(music, engine, songs, "unified")
        for _ in range(3):
            with pytest.raises(Later) as caught:
                await engine.finished(task, 10 << 20)
            assert caught.value.seconds == 35
        finished = await engine.finished(task, 10 << 20)
        assert (len(finished.tracks), finished.report["same"]) == (1, True)
        assert len(finished.report["tracks"]) == 1
        await engine.discard(task)

        music.knobs.same_takes = False
        finished = await engine.finished(task, 10 << 20)
        assert len(finished.tracks) == 2
        assert "same" not in finished.report


@pytest.mark.parametrize("dialect", ["unified", "legacy"])
async def test_a_finished_task_without_files_waits_a_little_for_them(
    music: Music, tmp_path: Path, songs: tuple[Path, Path], dialect: str
) -> None:
    music.knobs.links, music.knobs.streams_die = "streams", False
    now = 0.0
    async with engine_of(EngineName.KIE, music.address(dialect), tmp_path, dialect=dialect) as engine:
        engine._monotonic = lambda: now
        task = await made(music, engine, songs, dialect)
        assert (await engine.status(task)).state is TaskState.RUNNING
        now = 119.0
        assert (await engine.status(task)).state is TaskState.RUNNING
        music.knobs.links = "none"
        now = 121.0
        assert (await engine.status(task)).state is TaskState.RUNNING, "there is nothing to listen to either"
        music.knobs.links = "streams"
        assert (await engine.status(task)).state is TaskState.READY
        assert len((await engine.finished(task, 10 << 20)).tracks) == 2


async def test_a_dead_stream_is_no_audio_and_never_taken_before_a_file(
    music: Music, tmp_path: Path, songs: tuple[Path, Path]
) -> None:
    async with engine_of(EngineName.SUNOAPI, music.url, tmp_path) as engine:
        task = await made(music, engine, songs, "legacy")
        music.knobs.links = "streams"
        with pytest.raises(Later) as caught:
            await engine.finished(task, 10 << 20)
        assert caught.value.refusal == Refusal(Code.RESULT_UNUSABLE, {"reason": "file-empty"})
        music.knobs.links = "files"
        finished = await engine.finished(task, 10 << 20)
    for track in finished.tracks:
        tag = track.audio.read_bytes()[:200]
        assert tag.startswith(b"ID3\x03")
        assert b"Mine" in tag
        assert b"dub (simulated)" in tag


async def test_an_mp3_that_fits_needs_no_child(music: Music, tmp_path: Path, songs: tuple[Path, Path]) -> None:
    async with engine_of(EngineName.KIE, music.address("unified"), tmp_path, dialect="unified") as engine:
        task = await made(music, engine, songs, "unified")
        await engine._collector._pool.close()
        finished = await engine.finished(task, 10 << 20)
        assert [track.picture for track in finished.tracks] == [None, None]
        assert [track.seconds for track in finished.tracks] == pytest.approx([4, 4], abs=0.1)
        with pytest.raises(Later) as caught:
            await engine.finished(task, songs[0].stat().st_size // 2)
        assert caught.value.refusal.code is Code.STOPPING, "one that is too large is a child's"


async def test_what_headers_cannot_tell_goes_through_a_child(
    music: Music, tmp_path: Path, songs: tuple[Path, Path]
) -> None:
    sound = songs[0].read_bytes()
    odd = tmp_path / "odd.mp3"
    odd.write_bytes(sound[:20_000] + b"<html>" + sound[20_000:])
    async with engine_of(EngineName.KIE, music.address("unified"), tmp_path, dialect="unified") as engine:
        task = await made(music, engine, (odd, odd), "unified")
        finished = await engine.finished(task, 10 << 20)
    assert all(track.picture is not None and track.picture.is_file() for track in finished.tracks)


def test_the_card_says_that_there_is_one_take_only() -> None:
    tracks = (ResultTrack(1, "Mine", "a" * 64, "b" * 64, 60.0),)
    for report, told in (({"same": True}, True), ({}, False)):
        facts = {"tracks": [{"title": "Mine", "tags": "dub", "seconds": 60.0}], "model": "V6", **report}
        result = Result("j", "1", "en", "Mine", "kie", ("a", "b"), tracks, facts)
        (card,) = result_cards(result, "p")
        assert ("the same recording for both takes" in (card.description or "")) is told
