"""What a running bot tells those who run it: alive, ready, its numbers and its log."""

from __future__ import annotations

import asyncio
import json
import math
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from bot.database.reading import read
from bot.playground.music import Music
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parents[2]
_PORTS = re.compile(r"(requests of providers|metrics).*? on 127\.0\.0\.1, port (\d+)")
FORGED = "\n2026-01-01 00:00:00,000 CRITICAL bot: forged"
Numbers = dict[tuple[str, frozenset[str]], float]


@dataclass(frozen=True)
class Scene:
    play: Playground
    music: Music
    songs: tuple[Path, Path]
    session: aiohttp.ClientSession
    public: int
    own: int

    async def get(self, port: int, path: str) -> tuple[int, str]:
        async with self.session.get(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, await answer.text()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        status, text = await self.get(self.own, "/readyz")
        return status, json.loads(text)

    async def becomes(self, part: str, *, ready: bool) -> dict[str, Any]:
        """Ask until that part is as expected; the whole answer agrees with it."""
        async with asyncio.timeout(60):
            while True:
                status, told = await self.ready()
                if told[part]["ready"] is ready and (ready is (status == 200)):
                    return told
                await asyncio.sleep(0.05)

    async def numbers(self) -> Numbers:
        """Every sample by its name and the values of its labels."""
        status, text = await self.get(self.own, "/metrics")
        assert status == 200
        families = text_string_to_metric_families(text)
        return {(s.name, frozenset(s.labels.values())): s.value for family in families for s in family.samples}

    async def until(self, name: str, *labels: str, least: float = 0, most: float = math.inf) -> Numbers:
        """Ask until a number is as expected."""
        async with asyncio.timeout(60):
            while True:
                numbers = await self.numbers()
                if least <= numbers.get((name, frozenset(labels)), 0) <= most:
                    return numbers
                await asyncio.sleep(0.05)

    @property
    def database(self) -> Path:
        return (self.play.directory or Path()) / "bot" / "twodeck.db"

    def column(self, query: str) -> list[Any]:
        return read(self.database, lambda tx: [row[0] for row in tx.all(query)])

    @property
    def log(self) -> list[str]:
        return (self.play.directory or Path()).joinpath("bot.log").read_text("utf-8").splitlines()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("seeing")
    songs = [write_mp3(folder / f"{n}.mp3", stereo(Song(tempo=118 + n, seconds=9))) for n in range(2)]
    music = Music()
    await music.start()
    async with Playground(folder) as play, aiohttp.ClientSession(trust_env=False) as session:
        settings: dict[str, Any] = {
            **music.settings("kie", "unified"),
            "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": "127.0.0.1:0",
            "TWODECK_POLL_SECONDS": "0.2",
            "TWODECK_BALANCE_SECONDS": "0.2",
            "TWODECK_LOG_FORMAT": "json",
        }
        play.world.bot.name += FORGED
        bot = await play.start_bot(**settings)
        ports = dict(_PORTS.findall(bot.log_file.read_text("utf-8")))
        yield Scene(
            play, music, (songs[0], songs[1]), session, int(ports["requests of providers"]), int(ports["metrics"])
        )
    await music.close()


async def test_each_listener_tells_what_is_meant_for_it(scene: Scene) -> None:
    for path in ("/metrics", "/readyz"):
        assert (await scene.get(scene.public, path))[0] == 404
    assert await scene.get(scene.public, "/healthz") == (200, '{"status": "ok"}')
    assert await scene.get(scene.own, "/healthz") == (200, '{"status": "ok"}')
    for path in ("/callbacks/kie/j/s", "/sources/a/b", "/"):
        assert (await scene.get(scene.own, path))[0] == 404
    await scene.becomes("workers", ready=True)
    assert await scene.ready() == (
        200,
        {"ready": True, "gateway": {"ready": True}, "database": {"ready": True}, "workers": {"ready": True}},
    )


async def test_a_hosted_job_moves_the_numbers(scene: Scene) -> None:
    before = await scene.numbers()
    paid = scene.music.credits
    tracks = {"track_a": scene.songs[0], "track_b": scene.songs[1]}
    act = await scene.play.slash("mika", "mashups", "mashup", engine="kie", style="dub", **tracks)
    await act.says("On it.")
    after = await scene.until("twodeck_jobs_ended_total", "done", least=1)
    assert before["twodeck_engine_credits", frozenset({"kie"})] == paid
    await scene.until("twodeck_engine_calls_total", "kie", "read", "200", least=1)
    grown = {
        ("twodeck_jobs_ended_total", "done"): 1,
        ("twodeck_job_state_seconds_count", "accepted"): 1,
        ("twodeck_job_state_seconds_count", "staged"): 1,
        ("twodeck_job_state_seconds_count", "submitted"): 1,
        ("twodeck_job_state_seconds_count", "posting"): 1,
        ("twodeck_engine_calls_total", "kie", "create", "200"): 1,
        ("twodeck_engine_calls_total", "kie", "upload", "200"): 2,
        ("twodeck_engine_call_seconds_count", "kie", "create"): 1,
        ("twodeck_deliveries_total", "card", "sent"): 1,
        ("twodeck_deliveries_total", "result", "sent"): 1,
        ("twodeck_ack_seconds_count",): 1,
    }
    for (name, *labels), by in grown.items():
        key = (name, frozenset(labels))
        assert after[key] == before.get(key, 0) + by, key
    assert after["twodeck_job_state_seconds_sum", frozenset({"submitted"})] > 0
    assert after["twodeck_worker_peak_memory_bytes", frozenset()] > 5 << 20
    lag = ("twodeck_loop_lag_seconds_count", frozenset[str]())
    await scene.until(lag[0], least=before[lag] + 1)
    scene.music.credits = 7
    await scene.until("twodeck_engine_credits", "kie", most=7)
    scene.music.credits = paid


async def test_refusals_are_counted_by_their_reason(scene: Scene) -> None:
    async def refused() -> float:
        return (await scene.numbers()).get(("twodeck_refusals_total", frozenset({"no-such-job"})), 0)

    before = await refused()
    act = await scene.play.slash("mika", "mashups", "jobs get", job="0123456789ab")
    await act.answered()
    await scene.until("twodeck_refusals_total", "no-such-job", least=before + 1)
    await scene.play.slash("mika", "mashups", "jobs list")
    assert await refused() == before + 1


async def test_an_answer_that_comes_too_late_is_counted(scene: Scene) -> None:
    before = (await scene.numbers())["twodeck_ack_failures_total", frozenset()]
    scene.play.knobs.late_ack()
    await scene.play.slash("mika", "mashups", "about")
    await scene.until("twodeck_ack_failures_total", least=before + 1)


async def test_workers_and_the_queue_are_seen_while_they_are_there(scene: Scene) -> None:
    tracks = {"track_a": scene.songs[0], "track_b": scene.songs[1]}
    for _ in range(2):
        await (await scene.play.slash("mika", "mashups", "mashup", engine="local", **tracks)).says("On it.")
    waiting = await scene.until("twodeck_queue_jobs", "local", least=1)
    assert waiting["twodeck_jobs", frozenset({"staged"})] >= 1
    working = await scene.until("twodeck_worker_memory_bytes", least=10 << 20)
    assert working["twodeck_workers", frozenset()] >= 1
    assert working["twodeck_job_oldest_seconds", frozenset({"submitted"})] > 0
    for job in scene.column("SELECT id FROM jobs WHERE engine = 'local'"):
        await scene.play.slash("mika", "mashups", "jobs cancel", job=job)
    ended = await scene.until("twodeck_jobs_ended_total", "cancelled", least=2)
    assert ended["twodeck_jobs_failed_total", frozenset({"cancelled"})] == 2
    assert ended["twodeck_queue_jobs", frozenset({"local"})] == 0


async def test_no_label_holds_an_id(scene: Scene) -> None:
    jobs = re.compile(r"[0-9a-z]{12}|\d{15,20}")
    labels = {label for _, labels in await scene.numbers() for label in labels}
    assert {label for label in labels if jobs.fullmatch(label)} == set()


async def test_the_documented_numbers_are_those_there_are(scene: Scene) -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(twodeck_\w+)` \|", page, re.MULTILINE))
    _, text = await scene.get(scene.own, "/metrics")
    exported = set(re.findall(r"^# TYPE (twodeck_\w+) (?:counter|gauge|histogram)$", text, re.MULTILINE))
    assert documented == {name for name in exported if not name.endswith("_created")}


async def test_a_bot_without_a_gateway_is_not_ready(scene: Scene) -> None:
    gateway = scene.play.standin.gateway
    gateway.is_shut = True
    try:
        await scene.play.knobs.drop_gateway()
        told = await scene.becomes("gateway", ready=False)
        assert (told["ready"], told["database"]) == (False, {"ready": True})
        assert (await scene.numbers())["twodeck_gateway_connected", frozenset()] == 0
        assert (await scene.get(scene.own, "/healthz"))[0] == 200
    finally:
        gateway.is_shut = False
    await scene.becomes("gateway", ready=True)


async def test_a_database_that_cannot_be_written_is_not_ready(scene: Scene) -> None:
    """Somebody else holds the lock: the numbers that are read go on."""
    other = sqlite3.connect(scene.database, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        told = await scene.becomes("database", ready=False)
        assert told["database"]["why"]
        assert told["gateway"] == {"ready": True}
        assert ("twodeck_jobs", frozenset({"staged"})) in await scene.numbers()
    finally:
        other.close()
    await scene.becomes("database", ready=True)


async def test_the_log_is_one_object_a_line_and_tells_no_secret(scene: Scene) -> None:
    """Of all that this file did; the bot's own name is a line of the log."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in scene.log]
    assert all({"at", "level", "logger", "event"} <= line.keys() for line in lines)
    assert {line["level"] for line in lines} == {"INFO", "WARNING", "ERROR"}
    assert f"ready as twodeck{FORGED} in 1 servers" in [line["event"] for line in lines]
    everything = "\n".join(scene.log)
    secrets = [
        scene.music.key,
        scene.play.world.token,
        *scene.column("SELECT callback_secret FROM jobs WHERE callback_secret <> ''"),
    ]
    assert len(secrets) >= 3
    assert [secret for secret in secrets if secret in everything] == []
    assert re.findall(r"\w+://[^/\s\"]+/\w+", everything) == []


async def test_what_a_step_says_names_its_job_guild_and_engine(scene: Scene) -> None:
    """The provider refuses a create."""
    scene.music.knobs.create = "422"
    try:
        tracks = {"track_a": scene.songs[0], "track_b": scene.songs[1]}
        await (await scene.play.slash("mika", "mashups", "mashup", engine="kie", style="dub", **tracks)).says(
            "On it."
        )
        await scene.until("twodeck_jobs_failed_total", "engine-refused", least=1)
        assert await scene.until("twodeck_engine_calls_total", "kie", "create", "422", least=1)
    finally:
        scene.music.knobs.create = ""
    refused = next(line for line in map(json.loads, scene.log) if "code 422" in line["event"])
    told = (refused["logger"], refused["job"], refused["guild"], refused["engine"])
    job, guild = scene.column("SELECT id FROM jobs WHERE state = 'failed'")[0], scene.play.world.guild.id
    assert told == ("bot.engines.hosted.engine", job, str(guild), "kie")
