"""The bot as an outside program starts and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path

import discord
import pytest

from bot import app, client
from bot.logins import TooManyLoginsError
from bot.parts import Parts
from bot.settings import Settings, SettingsError, load
from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground
from tests.wire.test_command_line import twodeck


def aim(monkeypatch: pytest.MonkeyPatch, play: Playground, tmp_path: Path) -> Settings:
    """Settings that lead to this playground."""
    monkeypatch.setenv("DISCORD_TOKEN", play.world.token)
    monkeypatch.setenv("DISCORD_API_URL", play.standin.api_url)
    monkeypatch.setenv("DISCORD_GATEWAY_URL", play.standin.gateway_url)
    monkeypatch.setenv("TWODECK_DATA_DIR", str(tmp_path / "data"))
    return load()


async def test_create_bot_gives_a_bot_that_opens_and_closes_its_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with Playground() as play:
        bot = app.create_bot(aim(monkeypatch, play, tmp_path))
        assert bot.intents == discord.Intents(guilds=True)
        await play.connect(bot)
        made = {"mashup", "compat", "cover", "instrumental", "vocals", "jobs", "persona", "contest"}
        made |= {"decks", "mash", "Use in a mashup"}
        commands = made | {
            "engines",
            "quota",
            "settings",
            "privacy",
            "decks",
            "mash",
            "help",
            "about",
            "Use in a mashup",
        }
        assert {command["name"] for command in play.world.commands} == commands
        await bot.close()
    connection = sqlite3.connect(tmp_path / "data" / "twodeck.db")
    assert connection.execute("SELECT count(*) FROM command_syncs").fetchone() == (1,)
    connection.close()


async def test_commands_are_synced_only_when_they_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with Playground() as play:
        for _ in range(2):
            bot = app.create_bot(aim(monkeypatch, play, tmp_path))
            await play.connect(bot)
            await bot.close()
        assert len(play.requests("PUT", "/commands")) == 1
        connection = sqlite3.connect(tmp_path / "data" / "twodeck.db")
        connection.execute("UPDATE command_syncs SET digest = 'older'")
        connection.commit()
        connection.close()
        bot = app.create_bot(aim(monkeypatch, play, tmp_path))
        await play.connect(bot)
        await bot.close()
        assert len(play.requests("PUT", "/commands")) == 2


async def test_sigterm_stops_it_within_ten_seconds_while_it_works(tmp_path: Path) -> None:
    song = write_mp3(tmp_path / "song.mp3", stereo(Song(seconds=60)))
    async with Playground(tmp_path) as play:
        process = await play.start_bot()
        await play.slash("mika", "mashups", "mashup", track_a=song, track_b=song)
        await play.wait_for(lambda: len(play.requests("PATCH", "/messages/")) >= 2, 30)
        started = time.monotonic()
        assert process._process is not None
        os.kill(process._process.pid, signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert time.monotonic() - started < 10
        log = (tmp_path / "bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-3000:]


async def test_a_gateway_that_is_down_at_first_is_tried_again(tmp_path: Path) -> None:
    """discord.py dies when the first connect fails (its #10520); the outer loop makes a new client."""
    async with Playground(tmp_path) as play:
        environment = {
            "DISCORD_TOKEN": play.world.token,
            "DISCORD_API_URL": play.standin.api_url,
            "DISCORD_GATEWAY_URL": "ws://127.0.0.1:9/",
            "TWODECK_DATA_DIR": str(tmp_path / "data"),
        }
        process = await asyncio.create_subprocess_exec(
            *("env", *(f"{k}={v}" for k, v in environment.items()), sys.executable, "-m", "bot", "run"),
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        said = ""
        async with asyncio.timeout(30):
            while "connecting again in" not in said:
                said += (await process.stderr.readline()).decode()
        process.terminate()
        rest = (await asyncio.wait_for(process.communicate(), 10))[1].decode()
        assert process.returncode == 0, said + rest
        assert "connecting again in 5 s" in said


async def test_a_session_that_is_declared_invalid_again_and_again_ends_at_the_budget(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWODECK_LOGINS_DAY", "1")
    async with Playground() as play:
        bot = app.create_bot(aim(monkeypatch, play, tmp_path))
        await play.connect(bot)
        [(_, running)] = play._clients
        await play.knobs.invalidate_session()
        with pytest.raises(TooManyLoginsError, match=r"in 86(400|399) s"):
            await asyncio.wait_for(running, 10)
        assert play.standin.gateway.identified == 1
        await bot.close()


async def test_a_wrong_token_ends_with_one_sentence(tmp_path: Path) -> None:
    async with Playground() as play:
        done = await asyncio.to_thread(
            twodeck,
            "run",
            cwd=tmp_path,
            DISCORD_TOKEN="not.the.token",
            DISCORD_API_URL=play.standin.api_url,
            DISCORD_GATEWAY_URL=play.standin.gateway_url,
            TWODECK_DATA_DIR=str(tmp_path / "data"),
        )
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith("twodeck: Discord refuses DISCORD_TOKEN.")
        assert "Traceback" not in done.stderr


async def test_invite_prints_the_link_with_the_least_permissions(tmp_path: Path) -> None:
    async with Playground() as play:
        done = await asyncio.to_thread(
            twodeck,
            "invite",
            cwd=tmp_path,
            DISCORD_TOKEN=play.world.token,
            DISCORD_API_URL=play.standin.api_url,
        )
        assert done.returncode == 0, done.stderr
        assert "permissions=274878024704" in done.stdout
        assert f"client_id={play.world.application_id}" in done.stdout
        assert "scope=bot+applications.commands" in done.stdout
    assert client.PERMISSIONS.value == 274878024704


async def test_a_port_for_metrics_that_is_taken_matters_only_if_it_was_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "t")
    monkeypatch.setenv("TWODECK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TWODECK_METRICS_LISTEN")
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # somebody else has it: as good
            taken.bind(("127.0.0.1", 8081))
        parts = Parts(load())
        await parts.open()
        await parts.close()
    assert "TWODECK_METRICS_LISTEN 127.0.0.1:8081 cannot be used" in caplog.text
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TWODECK_METRICS_LISTEN", f"127.0.0.1:{taken.getsockname()[1]}")
        parts = Parts(load())
        with pytest.raises(SettingsError, match=r"TWODECK_METRICS_LISTEN .* cannot be used"):
            await parts.open()


async def test_without_an_address_nobody_is_told_metrics(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "t")
    monkeypatch.setenv("TWODECK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TWODECK_METRICS_LISTEN", "")
    caplog.set_level("INFO", "bot")
    parts = Parts(load())
    before = set(asyncio.all_tasks())
    await parts.open()
    assert "loop lag" not in {task.get_name() for task in asyncio.all_tasks() - before}
    await parts.close()
    assert "metrics" not in caplog.text
