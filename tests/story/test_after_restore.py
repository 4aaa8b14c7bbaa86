"""A database from a backup is a step back in time: nothing is posted twice, nobody is left without an answer."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.playground.world import Message
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground, shown_text
from tests.story.test_mashup import result, rows
from tests.wire.test_command_line import twodeck


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mp3(tmp_path_factory.mktemp("song") / "song.mp3", stereo(Song(seconds=20)))


async def ask_and_copy(play: Playground, song: Path) -> Path:
    """A job with an engine that is held up, and a backup of just then."""
    assert play.directory is not None
    await play.slash("mika", "mashups", "mashup", track_a=song, track_b=song)
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE state = 'submitted'"), 30)
    await play.knobs.slow_engine(120)
    folder = play.directory / "disk"
    data = str(play.directory / "bot")
    made = await asyncio.to_thread(twodeck, "backup", "--to", folder, TWODECK_DATA_DIR=data)
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())


def put_back(play: Playground, copy: Path) -> None:
    """Steps 2 and 3 of docs/operating.md."""
    assert play.directory is not None
    database = play.directory / "bot" / "twodeck.db"
    for end in ("", "-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    shutil.copyfile(copy, database)


async def post_and_step_back(play: Playground, song: Path) -> None:
    """The result is out, and then the database is the one from before it."""
    bot = await play.start_bot()
    copy = await ask_and_copy(play, song)
    await play.knobs.slow_engine(0)
    await result(play, "mika")
    await bot.stop()
    put_back(play, copy)


@asynccontextmanager
async def running(play: Playground, *arguments: str) -> AsyncGenerator[Path]:
    """The bot of this playground, started by hand; gives the file of its log."""
    assert play.bot is not None
    assert play.directory is not None
    path = play.directory / "restored.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run", *arguments), env=play.bot.environment(), stdout=log, stderr=log
        )
        try:
            yield path
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 15)


def answers(play: Playground) -> list[Message]:
    """Everything but cards."""
    return [m for m in play.messages("mashups") if m.content or m.attachments]


async def ended(play: Playground) -> None:
    await play.wait_for(lambda: rows(play, "SELECT 1 FROM jobs WHERE ended_at IS NOT NULL"), 60)


async def test_a_result_that_is_out_already_stays_the_only_answer(tmp_path: Path, song: Path) -> None:
    async with Playground(tmp_path) as play:
        await post_and_step_back(play, song)
        syncs = len(play.requests("PUT", "/commands"))
        async with running(play, "--after-restore") as log:
            await ended(play)
            assert "after the restore: 1 released" in log.read_text("utf-8")
        assert [len(m.attachments) > 0 for m in answers(play)] == [True]
        assert len(play.requests("PUT", "/commands")) == syncs + 1


async def test_a_job_without_an_answer_is_explained_once_however_often_it_is_restored(
    tmp_path: Path, song: Path
) -> None:
    async with Playground(tmp_path) as play:
        bot = await play.start_bot()
        copy = await ask_and_copy(play, song)
        await bot.kill()
        for _ in range(2):
            put_back(play, copy)
            async with running(play, "--after-restore"):
                await ended(play)
        async with running(play):
            await play.wait_for(lambda: play.standin.gateway.connected, 20)
            await asyncio.sleep(1)
        (told,) = answers(play)
        assert "restored from a backup" in shown_text(told)
        assert [row["state"] for row in rows(play, "SELECT state FROM jobs")] == ["failed"]


async def test_without_quarantine_the_result_would_appear_twice(tmp_path: Path, song: Path) -> None:
    """The broken variant: the old database, and an ordinary start."""
    async with Playground(tmp_path) as play:
        await post_and_step_back(play, song)
        async with running(play):
            await ended(play)
        assert len([m for m in answers(play) if m.attachments]) == 2
