"""A mashup by a hosted engine, with the real bot and the music stand-in: paid at most once, whatever gets lost."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.music import Music
from bot.playground.world import Message
from tests.playground import Act, Playground, shown_text

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROMPT = "rain on two rooftops"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pictures(message: Message) -> int:
    """How many of its cards show a waveform."""
    return sum("/wave-" in embed.get("image", {}).get("url", "") for embed in message.embeds)


class Scene:
    """One bot with one hosted engine; `ask` runs the command and names the new job."""

    def __init__(self, play: Playground, music: Music, songs: tuple[Path, Path]) -> None:
        self.play = play
        self.music = music
        self._songs = songs
        self.before = 0

    async def ask(self, **options: object) -> str:
        known = {row["id"] for row in self.rows("SELECT id FROM jobs")}
        self.before = len(self.play.messages("mashups"))
        given = {"engine": "sunoapi", "prompt": PROMPT, **options}
        act = await self.play.slash(
            "mika", "mashups", "mashup", track_a=self._songs[0], track_b=self._songs[1], **given
        )
        await act.says("On it.")
        return next(row["id"] for row in self.rows("SELECT id FROM jobs") if row["id"] not in known)

    async def ask_privately(self) -> tuple[Act, str]:
        known = {row["id"] for row in self.rows("SELECT id FROM jobs")}
        act = await self.play.slash(
            "mika", "mashups", "mashup", track_a=self._songs[0], track_b=self._songs[1], engine="sunoapi",
            prompt=PROMPT, private=True,
        )  # fmt: skip
        await act.says("for your eyes only")
        return act, next(row["id"] for row in self.rows("SELECT id FROM jobs") if row["id"] not in known)

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        assert self.play.directory is not None
        path = self.play.directory / "bot" / "twodeck.db"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    async def reaches(self, job: str, state: str, timeout: float = 30) -> None:
        await self.play.wait_for(
            lambda: self.rows("SELECT 1 FROM jobs WHERE id = ? AND state = ?", job, state), timeout
        )

    def results(self) -> list[Message]:
        return [m for m in self.play.messages("mashups")[self.before :] if len(m.attachments) == 2]

    def notices(self) -> list[Message]:
        return [m for m in self.play.messages("mashups")[self.before :] if "did not work out" in m.content]

    def creates(self, job: str) -> int:
        """How often a create of this job was sent; by its callback address."""
        return sum(f"/{job}/" in body["callBackUrl"] for body in self.music.creates)

    def turn(self, **knobs: object) -> None:
        for name, value in knobs.items():
            setattr(self.music.knobs, name, value)


@contextlib.asynccontextmanager
async def polling(directory: Path, songs: tuple[Path, Path], *dialects: tuple[str, ...]) -> AsyncGenerator[Scene]:
    """A bot with these engines, each with its dialect or its usual one, which only asks how a task stands."""
    music = Music()
    await music.start()
    try:
        async with Playground(directory) as play:
            settings: dict[str, Any] = {
                **{key: value for one in dialects for key, value in music.settings(*one).items()},
                "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
                "TWODECK_LISTEN": "127.0.0.1:0",
                "TWODECK_POLL_SECONDS": "0.2",
            }
            await play.start_bot(**settings)
            yield Scene(play, music, songs)
            log = (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
            assert "Traceback" not in log, log[-4000:]
    finally:
        await music.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory, songs: tuple[Path, Path]) -> AsyncIterator[Scene]:
    music = Music()
    await music.start()
    port = free_port()
    async with Playground(tmp_path_factory.mktemp("hosted")) as play:
        settings: dict[str, Any] = {
            **music.settings("sunoapi"),
            "TWODECK_DOWNLOAD_HOSTS": f"{play.standin.url.removeprefix('http://')},{music.host}",
            "TWODECK_LISTEN": f"127.0.0.1:{port}",
            "TWODECK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "TWODECK_POLL_SECONDS": "1",
            "TWODECK_GRACE_SECONDS": "4",
        }
        await play.start_bot(**settings)
        yield Scene(play, music, songs)
        log = (play.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]
        assert music.key not in log
        assert all(
            row["callback_secret"] not in log
            for row in Scene(play, music, songs).rows(
                "SELECT callback_secret FROM jobs WHERE callback_secret IS NOT NULL"
            )
        )
    await music.close()


@pytest.fixture
def scene(hall: Scene) -> Scene:
    hall.music.knobs = type(hall.music.knobs)()
    return hall


async def test_a_mashup_by_callback(scene: Scene) -> None:
    job = await scene.ask()
    await scene.reaches(job, "done")
    posted = scene.results()
    assert len(posted) == 1
    assert "sunoapi.org V5" in shown_text(posted[0])
    assert scene.creates(job) == 1
    stages = [row["stage"] for row in scene.rows("SELECT stage FROM inbox WHERE job = ?", job)]
    assert "complete" in stages


async def test_the_audio_comes_first_and_the_pictures_into_the_same_message(scene: Scene) -> None:
    shown: dict[int, list[tuple[int, int]]] = {}

    def look(kind: str, subject: Any) -> None:
        if kind == "message" and isinstance(subject, Message) and subject.attachments:
            shown.setdefault(subject.id, []).append((len(subject.attachments), pictures(subject)))

    scene.play.world.listen(look)
    job = await scene.ask()
    await scene.play.wait_for(lambda: scene.results() and pictures(scene.results()[0]) == 2, 60)
    assert shown[scene.results()[0].id] == [(2, 0), (2, 2)]
    (posted,) = scene.results()
    assert "sunoapi.org V5" in shown_text(posted)
    await scene.play.wait_for(
        lambda: scene.rows(
            "SELECT 1 FROM posts WHERE subject = ? AND purpose = 'picture' AND state = 'sent'", f"job:{job}"
        ),
        20,
    )
    assert all(row["picture"] for row in scene.rows("SELECT picture FROM tracks WHERE job = ?", job))
    again = await (await scene.play.slash("mika", "mashups", "jobs get", job=job)).says("Here it is again.")
    assert (len(again.attachments), pictures(again)) == (2, 2)


@pytest.mark.parametrize("seen", ["result", "drawn"])
async def test_killed_between_result_and_pictures(scene: Scene, seen: str) -> None:
    job = await scene.ask()
    await scene.play.wait_for(scene.results, 60)
    if seen == "drawn":
        await scene.reaches(job, "done")
    assert scene.play.bot is not None
    settings: dict[str, Any] = scene.play.bot.settings
    await scene.play.bot.kill()
    await scene.play.start_bot(**settings)
    await scene.play.wait_for(lambda: pictures(scene.results()[0]) == 2, 60)
    await scene.reaches(job, "done")
    (posted,) = scene.results()
    assert (len(posted.attachments), len(posted.embedded)) == (2, 2)


def at_first_sight(scene: Scene, act: Callable[[Message], None]) -> None:
    """Do something as soon as the next result shows, which is before anything can be drawn."""
    waiting = [act]

    def look(kind: str, subject: Any) -> None:
        if kind == "message" and isinstance(subject, Message) and len(subject.attachments) == 2 and waiting:
            asyncio.get_running_loop().call_soon(waiting.pop(), subject)

    scene.play.world.listen(look)


async def picture_post(scene: Scene, job: str) -> str:
    """How the post of a job's pictures ended."""
    ended = "SELECT state FROM posts WHERE subject = ? AND purpose = 'picture' AND state IN ('sent', 'dead')"
    return (await scene.play.wait_for(lambda: scene.rows(ended, f"job:{job}"), 60))[0]["state"]


async def test_a_result_that_was_deleted_gets_no_pictures(scene: Scene) -> None:
    at_first_sight(scene, scene.play.standin.posting.delete)
    job = await scene.ask()
    assert await picture_post(scene, job) == "dead"
    assert scene.results() == []
    assert scene.rows("SELECT state, how FROM jobs WHERE id = ?", job)[0]["how"] == "channel"


async def test_an_answer_whose_token_ended_stays_as_it_is(scene: Scene) -> None:
    at_first_sight(scene, lambda _: scene.play.knobs.expire_tokens())
    act, job = await scene.ask_privately()
    assert await picture_post(scene, job) == "dead"
    assert act.original is not None
    assert (len(act.original.attachments), pictures(act.original)) == (2, 0)
    assert scene.rows("SELECT how FROM jobs WHERE id = ?", job)[0]["how"] == "answer"


async def test_a_direct_message_gains_the_pictures(scene: Scene) -> None:
    await (await scene.play.slash("mika", "mashups", "jobs dm", results="on")).says("now come by direct message")
    scene.turn(stage_seconds=0.5)
    _, job = await scene.ask_privately()
    scene.play.knobs.expire_tokens()
    assert await picture_post(scene, job) == "sent"
    direct = scene.play.messages("@mika")[-1]
    assert (len(direct.attachments), pictures(direct)) == (2, 2)
    await (await scene.play.slash("mika", "mashups", "jobs dm", results="off")).says("No direct messages")


async def test_a_private_answer_keeps_its_audio_and_gains_the_pictures(scene: Scene) -> None:
    act, job = await scene.ask_privately()
    assert await picture_post(scene, job) == "sent"
    assert act.original is not None
    assert act.original.ephemeral
    assert (len(act.original.attachments), pictures(act.original)) == (2, 2)
    assert "sunoapi.org V5" in shown_text(act.original)


async def test_a_mashup_with_every_callback_lost(scene: Scene) -> None:
    scene.turn(callbacks="lost")
    job = await scene.ask()
    await scene.reaches(job, "done")
    assert len(scene.results()) == 1
    assert scene.rows("SELECT * FROM inbox WHERE job = ?", job) == []
    assert scene.creates(job) == 1


@pytest.mark.parametrize("callbacks", ["doubled", "early"])
async def test_odd_callbacks_change_nothing(scene: Scene, callbacks: str) -> None:
    scene.turn(callbacks=callbacks)
    job = await scene.ask(style="dub", title=f"Odd {callbacks}", instrumental=True)
    await scene.reaches(job, "done")
    assert len(scene.results()) == 1
    assert f"Odd {callbacks}" in shown_text(scene.results()[0])


@pytest.mark.parametrize("fault", ["reset", "html", "no-task", "500"])
async def test_a_lost_answer_is_found_by_the_callback_and_never_sent_again(scene: Scene, fault: str) -> None:
    scene.turn(create=fault, stage_seconds=0.3)
    if fault == "500":
        scene.turn(callbacks="lost")
    job = await scene.ask()
    await scene.reaches(job, "unknown" if fault == "500" else "done")
    assert scene.creates(job) == 1
    assert len(scene.results()) == (0 if fault == "500" else 1)


async def test_without_a_callback_the_outcome_is_unknown_and_a_late_result_is_free(scene: Scene) -> None:
    scene.turn(create="reset", callbacks="lost")
    charged = scene.music.charged
    job = await scene.ask()
    await scene.reaches(job, "unknown")
    assert scene.creates(job) == 1
    assert scene.music.charged == charged + 1
    assert len(scene.notices()) == 1
    assert "Nothing was charged" in shown_text(scene.notices()[0])

    task = next(t for t in scene.music.tasks.values() if f"/{job}/" in t.body["callBackUrl"])
    assert await scene.music.send(task, "complete") == 200
    await scene.reaches(job, "done")
    assert len(scene.results()) == 1
    assert len(scene.notices()) == 1
    assert scene.creates(job) == 1
    kinds = {row["kind"] for row in scene.rows("SELECT kind FROM ledger WHERE job = ?", job)}
    assert kinds == {"reserve", "release"}


async def test_killed_between_marker_and_answer(scene: Scene) -> None:
    scene.turn(create_seconds=2.0, stage_seconds=3.0)  # some callbacks come after the restart, however slow
    job = await scene.ask()
    await scene.play.wait_for(lambda: scene.creates(job), 20)
    assert scene.play.bot is not None
    settings: dict[str, Any] = scene.play.bot.settings
    await scene.play.bot.kill()
    await asyncio.sleep(0.1)
    await scene.play.start_bot(**settings)
    await scene.reaches(job, "done")
    assert scene.creates(job) == 1
    assert len(scene.results()) == 1


async def test_a_catalogue_match_is_told_and_released(scene: Scene) -> None:
    scene.turn(ends="GENERATE_AUDIO_FAILED")
    job = await scene.ask()
    await scene.reaches(job, "failed")
    assert "existing recording" in shown_text(scene.notices()[0])


async def test_what_the_engine_needs_is_asked_for_before_anything_happens(scene: Scene) -> None:
    songs = scene._songs
    creates = len(scene.music.creates)
    for options, words in (
        ({}, "needs `prompt` in simple mode"),
        ({"prompt": "la la", "title": "x"}, "needs `style` in custom mode"),
        ({"prompt": "la", "model": "V9"}, "Choose one of: V4"),
        ({"prompt": "x" * 501}, "at most 500"),
    ):
        act = await scene.play.slash(
            "mika", "mashups", "mashup", track_a=songs[0], track_b=songs[1], engine="sunoapi", **options
        )
        await act.says(words)
    assert len(scene.music.creates) == creates


async def test_no_job_was_paid_twice(scene: Scene) -> None:
    addresses = [task.body["callBackUrl"] for task in scene.music.tasks.values()]
    assert len(addresses) == len(set(addresses)) > 5
    assert scene.music.credits == 1_000 - 12 * scene.music.charged


async def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    music = Music()
    await music.start()
    async with Playground(tmp_path) as play:
        settings: dict[str, Any] = {**music.settings("kie"), "TWODECK_LISTEN": music.host}
        with pytest.raises(AssertionError, match=f"TWODECK_LISTEN {music.host} cannot be used"):
            await play.start_bot(**settings)
    await music.close()
