"""Every fault of a provider in every phase of a job: each ends in a typed end, and no secret is told of it.

The phases in which the bot asks; `test_callback_faults.py` has those in which it is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.clock import Clock
from bot.engines.hosted import profile
from bot.engines.hosted.client import MusicClient
from bot.engines.hosted.engine import HostedEngine
from bot.engines.hosted.tracks import Collector
from bot.engines.port import Ambiguous, Later, Order, TaskState
from bot.errors import Code, Refused
from bot.files.download import Downloader
from bot.playground.music import Music
from bot.playground.music_faults import Spoilt
from bot.request import EngineName
from bot.worker.pool import Pool
from cogs.views.refusals import sentence
from tests.audio.synth import Song, stereo, write_mp3
from tests.wire.canaries import CANARIES, told
from tests.wire.test_download import served
from tests.wire.test_hosted_engine import order

PATIENCE, DEADLINE = 30.0, 0.4
"""Seconds, for everybody and where somebody is slow on purpose."""
GIVEN = {"prompt": "la la", "style": "dub", "mode": "custom"}
S = Spoilt
WRONG_KEY, NO_CREDITS, UNREACHABLE = "wrong-key", "wrong-balance", "unreachable"


@dataclass
class Lab:
    """One engine with short deadlines, the stand-in it talks to, and a stranger who counts who comes by."""

    music: Music
    engine: HostedEngine
    folder: Path
    songs: tuple[Path, Path]
    visits: list[str] = field(default_factory=list[str])

    def order(self) -> Order:
        return replace(order(self.engine, GIVEN, self.songs), secret=CANARIES["callback secret"])

    async def made(self) -> str:
        """A task whose tracks are there."""
        wanted = self.order()
        uploads = await self.engine.prepare(wanted)
        task = await self.engine.submit(replace(wanted, uploads=uploads))
        await self.music.settled()
        return task


def unused_address() -> str:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@asynccontextmanager
async def laboratory(
    folder: Path,
    songs: tuple[Path, Path],
    dialect: str,
    fault: str = "",
    *,
    client: type[MusicClient] = MusicClient,
    trusting: bool = False,
) -> AsyncGenerator[Lab]:
    music, pool, name = Music(key=CANARIES["api key"]), Pool(2), EngineName.KIE
    music.knobs.callbacks = "lost"
    music.knobs.stage_seconds = 0
    music.knobs.spoilt_seconds = DEADLINE * 2.5
    await music.start()
    visits: list[str] = []

    async def stranger(request: web.Request) -> web.StreamResponse:
        visits.append(request.path)
        return web.Response(body=songs[0].read_bytes(), content_type="audio/mpeg")

    async with served(stranger) as elsewhere:
        music.knobs.elsewhere = f"http://{elsewhere}/stolen"
        hosts = (music.host, elsewhere) if trusting else (music.host,)
        downloader = Downloader(
            hosts, max_bytes=2 << 20, timeout_seconds=PATIENCE, user_agent="Twodeck", pauses=(0,)
        )
        engine = HostedEngine(
            profile.load(name, dialect),
            client(music.address(dialect), music.url, SecretStr(music.key), seconds=PATIENCE),
            Collector(downloader, pool),
            folder,
            public_url="https://bot.example",
            monotonic=Clock().monotonic,
            new_id=Clock().new_id,
        )
        lab = Lab(music, engine, folder, songs, visits)
        try:
            yield lab
        finally:
            await engine.close()
            await pool.close()
            await music.close()


def breaks(lab: Lab, phase: str, fault: str) -> None:
    """From now on this goes wrong."""
    match fault:
        case "wrong-key":
            lab.music.key = "another"
        case "wrong-balance":
            lab.music.credits = 0
        case "unreachable":
            lab.engine._client._base_url = lab.engine._client._upload_url = f"http://{unused_address()}"
        case _:
            lab.music.knobs.spoilt[phase] = Spoilt(fault)
    if fault in (Spoilt.SLOW, Spoilt.STALLED):
        client, downloader = lab.engine._client, lab.engine._collector._downloader
        client._timeout = client._upload_timeout = aiohttp.ClientTimeout(total=DEADLINE)
        downloader._timeout = DEADLINE


async def end_of(work: Awaitable[Any]) -> str:
    """How it ended, in a word. Nothing but these ends may come; a member would read the sentence."""
    try:
        found = await work
    except Later as later:
        sentence(later.refusal, "en")
        return "pause" if later.pause else "later"
    except Ambiguous:
        return "ambiguous"
    except Refused as refused:
        sentence(refused.refusal, "en")
        return refused.refusal.code.value
    return getattr(getattr(found, "state", None), "value", "fine") if found is not None else "nothing"


async def upload(lab: Lab, fault: str) -> str:
    breaks(lab, "upload", fault)
    return await end_of(lab.engine.prepare(lab.order()))


async def create(lab: Lab, fault: str) -> str:
    breaks(lab, "create", fault)
    end = await end_of(lab.engine.submit(lab.order()))
    assert len(lab.music.creates) == (0 if fault == UNREACHABLE else 1), "a create is sent at most once"
    return end


async def poll(lab: Lab, fault: str) -> str:
    task = await lab.made()
    breaks(lab, "record", fault)
    return await end_of(lab.engine.status(task))


async def recognise(lab: Lab, fault: str) -> str:
    """After a create without an answer: is this task ours?"""
    wanted = lab.order()
    task = await lab.engine.submit(wanted)
    breaks(lab, "record", fault)
    end = await end_of(lab.engine.recognises(task, wanted.uploads))
    if end != "fine":
        return end
    return "ours" if await lab.engine.recognises(task, wanted.uploads) else "not ours"


async def collect(lab: Lab, fault: str) -> str:
    """The record says where the tracks are."""
    task = await lab.made()
    breaks(lab, "record", fault)
    return await end_of(lab.engine.finished(task, 10 << 20))


async def download(lab: Lab, fault: str) -> str:
    task = await lab.made()
    breaks(lab, "file", fault)
    if fault == UNREACHABLE:
        gone = unused_address()
        lab.engine._collector._downloader._reach = type(lab.engine._collector._downloader._reach)([gone])
        lab.music.tasks[task].tracks = (f"http://{gone}/a", f"http://{gone}/b")
    return await end_of(lab.engine.finished(task, 10 << 20))


async def balance(lab: Lab, fault: str) -> str:
    breaks(lab, "credit", fault)
    assert await end_of(lab.engine.balance()) == "fine", "whoever reads it is never stopped"
    return "fine" if lab.engine.account.reached else "nothing"


BROKEN = (
    S.HTML, S.HTML_200, S.EMPTY, S.GARBAGE, S.NULL, S.CODE_TYPE, S.TYPES, S.HUGE, S.SLOW, S.STALLED,
    S.HALF_CLOSED, S.RESET, S.REDIRECT, S.ENCODED, S.NOT_FOUND, S.SERVER_ERROR, S.CODE_500,
)  # fmt: skip
"""What makes an answer in JSON unusable."""
ASKED = (*BROKEN, WRONG_KEY, UNREACHABLE)
Phase = Callable[[Lab, str], Awaitable[str]]
UNAVAILABLE, UNUSABLE = Code.ENGINE_UNAVAILABLE.value, Code.RESULT_UNUSABLE.value

TABLE: dict[Phase, dict[str, str]] = {
    upload: {**dict.fromkeys(ASKED, "later"), WRONG_KEY: UNAVAILABLE, S.EXTRA: "fine", S.FOREIGN: "fine"},
    create: {
        **dict.fromkeys(BROKEN, "ambiguous"),
        # A documented code is an answer, whatever HTTP said beside it.
        S.NOT_FOUND: UNAVAILABLE,
        WRONG_KEY: UNAVAILABLE,
        NO_CREDITS: "pause",
        UNREACHABLE: "later",
        S.EXTRA: "fine",
    },
    poll: {**dict.fromkeys(ASKED, "running"), S.EXTRA: "ready", S.FOREIGN: "ready"},
    recognise: {**dict.fromkeys(ASKED, "later"), S.TYPES: "not ours", S.EXTRA: "ours", S.FOREIGN: "not ours"},
    collect: {**dict.fromkeys(ASKED, "later"), S.EXTRA: "fine", S.FOREIGN: UNUSABLE},
    download: {
        **dict.fromkeys((S.HTML, S.HTML_200, S.EMPTY, S.GARBAGE, S.NULL), "later"),
        **dict.fromkeys((S.SLOW, S.STALLED, S.HALF_CLOSED, S.RESET, S.LOOP, S.ENCODED), "later"),
        **dict.fromkeys((S.NOT_FOUND, S.EXPIRED, S.SERVER_ERROR, UNREACHABLE), "later"),
        S.HUGE: UNUSABLE,
        S.REDIRECT: UNUSABLE,
    },
    balance: {**dict.fromkeys(ASKED, "nothing"), S.EXTRA: "fine"},
}
CELLS = [(phase, fault, end) for phase, row in TABLE.items() for fault, end in row.items()]


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("songs")
    first = write_mp3(folder / "a.mp3", stereo(Song(tempo=120, seconds=2, tonic=9)))
    return first, write_mp3(folder / "b.mp3", stereo(Song(tempo=112, seconds=2, tonic=0)))


def test_the_table_is_large_enough() -> None:
    assert len(CELLS) >= 60


@pytest.mark.parametrize(
    ("phase", "fault", "end"), CELLS, ids=[f"{phase.__name__}-{fault}" for phase, fault, _ in CELLS]
)
async def test_every_fault_in_every_phase(
    tmp_path: Path,
    songs: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
    phase: Phase,
    fault: str,
    end: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with laboratory(tmp_path, songs, "legacy") as lab:
        assert await phase(lab, fault) == end
        assert lab.visits == [], "nobody else is asked for anything"
        assert left_behind(lab) == []
    assert told(caplog.records) == []


def left_behind(lab: Lab) -> list[str]:
    """Files that are neither a finished track nor its picture."""
    found = [path for path in lab.folder.rglob("*") if path.is_file()]
    return [path.name for path in found if path.suffix not in (".mp3", ".png")]


UNIFIED = [
    (phase, fault, end)
    for phase, fault, end in CELLS
    if phase in (create, poll, recognise, collect) and fault in (S.TYPES, S.EXTRA, S.FOREIGN, S.NULL, S.CODE_500)
]


@pytest.mark.parametrize(
    ("phase", "fault", "end"), UNIFIED, ids=[f"{phase.__name__}-{fault}" for phase, fault, _ in UNIFIED]
)
async def test_the_faults_that_a_dialect_reads_are_the_same_in_the_other(
    tmp_path: Path, songs: tuple[Path, Path], phase: Phase, fault: str, end: str
) -> None:
    async with laboratory(tmp_path, songs, "unified") as lab:
        assert await phase(lab, fault) == end
        assert lab.visits == []


@pytest.mark.parametrize(("phase", "fault"), [(download, S.REDIRECT), (collect, S.FOREIGN)])
async def test_the_look_for_strangers_turns_red_without_the_list_of_hosts(
    tmp_path: Path, songs: tuple[Path, Path], phase: Phase, fault: str
) -> None:
    async with laboratory(tmp_path, songs, "legacy", trusting=True) as lab:
        await phase(lab, fault)
        assert lab.visits


class Chatty(MusicClient):
    """The broken variant: tells the log what it sends."""

    async def create(self, path: str, body: Any) -> Any:
        logging.getLogger("bot.chatty").debug("sending %s with %s", body, self._key.get_secret_value())
        return await super().create(path, body)


async def test_the_look_for_secrets_turns_red_for_a_client_that_tells(
    tmp_path: Path, songs: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with laboratory(tmp_path, songs, "legacy", client=Chatty) as lab:
        await create(lab, S.HTML)
    assert sorted(told(caplog.records)) == ["api key", "callback secret"]


class Hopeful(MusicClient):
    """The broken variant: whatever comes is taken for an answer."""

    async def create(self, path: str, body: Any) -> Any:
        await super().create(path, body)
        raise KeyError("code")


async def test_an_end_without_a_type_turns_red(tmp_path: Path, songs: tuple[Path, Path]) -> None:
    async with laboratory(tmp_path, songs, "legacy", client=Hopeful) as lab:
        with pytest.raises(KeyError):
            await create(lab, S.EXTRA)


async def test_all_is_well_without_a_fault(tmp_path: Path, songs: tuple[Path, Path]) -> None:
    async with laboratory(tmp_path, songs, "legacy") as lab:
        task = await lab.made()
        assert (await lab.engine.status(task)).state is TaskState.READY
        assert len((await lab.engine.finished(task, 10 << 20)).tracks) == 2
        await lab.engine.discard(task)
        assert [path for path in lab.folder.iterdir()] == []  # noqa: C416
        await asyncio.sleep(0)
