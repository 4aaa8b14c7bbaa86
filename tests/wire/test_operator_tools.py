"""What an operator does in a terminal beside a running bot, and what a running bot tells its operator."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import pytest_asyncio
from aiohttp import web

from bot.database import Database
from bot.playground.world import Message
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground, shown_text
from tests.wire.test_command_line import twodeck

FAILED = "The backup of the database failed"


async def tool(data: Path, *arguments: object) -> CompletedProcess[str]:
    return await asyncio.to_thread(twodeck, *arguments, cwd=data.parent, TWODECK_DATA_DIR=str(data))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def count(database: Path, table: str) -> int:
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        connection.close()


@pytest_asyncio.fixture
async def resting(tmp_path: Path) -> AsyncIterator[Path]:
    """A data folder whose bot has ended."""
    database = Database(tmp_path / "data" / "twodeck.db")
    await database.open()
    await database.close()
    yield tmp_path / "data"


async def test_jobs_and_backups_beside_a_bot_that_works(tmp_path: Path) -> None:
    song = write_mp3(tmp_path / "song.mp3", stereo(Song(seconds=60)))
    async with Playground(tmp_path) as play:
        await play.start_bot(TWODECK_BACKUP_HOURS="0")
        data = tmp_path / "bot"
        for title in ("First\x1b[2J", "Second"):
            act = await play.slash("mika", "mashups", "mashup", track_a=song, track_b=song, title=title)
            await act.says("On it.")
        shown = await tool(data, "jobs")
        assert (shown.returncode, shown.stderr) == (0, "")
        lines = shown.stdout.splitlines()
        assert [line.split()[0] for line in lines[:1]] == ["job"]
        assert [
            line.rstrip().endswith(title) for line, title in zip(lines[1:], ("Second", "First [2J"), strict=True)
        ]
        assert "\x1b" not in shown.stdout
        listed = json.loads((await tool(data, "jobs", "--json", "--limit", 1)).stdout)
        assert [(job["title"], job["engine"], job["error"]) for job in listed] == [("Second", "local", None)]
        assert "no such jobs" in (await tool(data, "jobs", "--unknown")).stdout

        made = await tool(data, "backup")
        assert (made.returncode, made.stderr) == (0, "")
        assert count(Path(made.stdout.strip()), "jobs") == 2
        for _ in range(3):
            await asyncio.sleep(1.0)
            made = await tool(data, "backup", "--to", tmp_path / "disk", "--keep", 2)
        assert len(names(tmp_path / "disk")) == 2
        assert made.stdout.strip().endswith(names(tmp_path / "disk")[-1])
        assert play.bot is not None
        assert play.bot.running


async def test_without_a_bot_nothing_is_written(resting: Path, tmp_path: Path) -> None:
    before = names(resting)
    assert "no such jobs" in (await tool(resting, "jobs")).stdout
    made = await tool(resting, "backup", "--to", tmp_path / "disk")
    assert (made.returncode, names(resting)) == (0, before)


async def test_the_unknown_are_listed_alone(resting: Path) -> None:
    connection = sqlite3.connect(resting / "twodeck.db")
    for job, state in (("one", "unknown"), ("two", "done")):
        connection.execute(
            "INSERT INTO jobs (id, interaction, guild, channel, member, locale, engine, operation, request, seed,"
            " max_bytes, state, wake_at, deadline, error, created_at, updated_at)"
            " VALUES (?, ?, 'g', 'c', 'm', 'en', 'kie', 'mashup', ?, 1, 1, ?, 0, 0, ?, 0, 0)",
            (job, job, '{"title": "T"}', state, '{"code": "took-too-long", "values": {}}'),
        )
    connection.commit()
    connection.close()
    (found,) = json.loads((await tool(resting, "jobs", "--unknown", "--json")).stdout)
    assert (found["id"], found["state"], found["error"]) == ("one", "unknown", "took-too-long")


@pytest.mark.parametrize("command", ["jobs", "backup"])
async def test_no_database_is_one_sentence_and_no_folder(command: str, tmp_path: Path) -> None:
    done = await tool(tmp_path / "nowhere", command)
    assert done.returncode == 1
    assert done.stderr.startswith("twodeck: There is no database at")
    assert len(done.stderr.splitlines()) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("command", ["jobs", "backup"])
async def test_a_damaged_database_is_one_sentence(command: str, resting: Path) -> None:
    with (resting / "twodeck.db").open("r+b") as file:
        file.seek(0)
        file.write(b"\xff" * 9000)
    done = await tool(resting, command)
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(resting / "backups") == []


async def test_wrong_numbers_are_wrong_usage(resting: Path) -> None:
    for arguments in (("jobs", "--limit", 0), ("backup", "--keep", 0)):
        done = await tool(resting, *arguments)
        assert (done.returncode, "at least 1" in done.stderr) == (2, True)


async def test_the_running_bot_makes_backups_and_keeps_the_newest(tmp_path: Path) -> None:
    async with Playground(tmp_path) as play:
        await play.start_bot(TWODECK_BACKUP_HOURS="0.0003", TWODECK_BACKUP_KEEP="2")
        folder = tmp_path / "bot" / "backups"
        first = await play.wait_for(lambda: names(folder)[:1], 20)
        await play.wait_for(lambda: len(names(folder)) == 2 and first[0] not in names(folder), 20)
        assert play.bot is not None
        await play.bot.stop()
        assert not [name for name in names(folder) if not name.startswith("twodeck-")]
        assert count(folder / names(folder)[-1], "command_syncs") == 1


async def test_a_failed_backup_is_one_message_until_one_succeeds(tmp_path: Path) -> None:
    """A file lies where the folder of backups should be; the bot is killed meanwhile, and tells nothing twice."""
    async with Playground(tmp_path) as play:
        data = tmp_path / "bot"
        data.mkdir()
        (data / "backups").write_text("in the way")
        channel = str(play.world.channel("mashups").id)
        await play.start_bot(TWODECK_BACKUP_HOURS="0.0003", TWODECK_ALERT_CHANNEL=channel)

        def alerts() -> list[Message]:
            return [m for m in play.messages("mashups") if FAILED in shown_text(m)]

        told = (await play.wait_for(alerts, 20))[0]
        assert told.content == f"<@{play.world.owner.id}>"
        await play.restart_bot()
        await asyncio.sleep(2.5)
        assert len(alerts()) == 1
        (data / "backups").unlink()
        await play.wait_for(lambda: sum(n.startswith("twodeck-") for n in names(data / "backups")) > 1, 10)
        (data / "backups").rename(data / "elsewhere")
        (data / "backups").write_text("in the way again")
        await play.wait_for(lambda: len(alerts()) == 2, 20)


async def test_a_webhook_is_told_too_and_never_logged(tmp_path: Path) -> None:
    told: list[dict[str, str]] = []

    async def hook(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response(status=500)

    server = web.Application()
    server.router.add_post("/secret-path", hook)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with Playground(tmp_path) as play:
            (tmp_path / "bot").mkdir()
            (tmp_path / "bot" / "backups").write_text("in the way")
            await play.start_bot(
                TWODECK_BACKUP_HOURS="0.0003", TWODECK_ALERT_WEBHOOK=f"http://127.0.0.1:{port}/secret-path"
            )
            await play.wait_for(lambda: told, 20)
            await asyncio.sleep(1.5)
        assert len(told) == 1
        assert FAILED in told[0]["content"]
        log = (tmp_path / "bot.log").read_text("utf-8")
        assert "the alert webhook answered 500" in log
        assert "secret-path" not in log
    finally:
        await runner.cleanup()
