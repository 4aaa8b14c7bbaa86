"""`twodeck doctor` as an operator and a script use it: a child process, its lines, its JSON, its exit code."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio

from bot.__main__ import main
from bot.audio import aac
from bot.database import Database
from bot.database.backup import back_up
from bot.playground.music import Music
from tests.playground import Playground
from tests.wire.reverse_proxy import Proxy
from tests.wire.test_doctor_discord import open_all

ROOT = Path(__file__).parents[2]
WEBHOOK_KEY = "canary-webhook-key"


@dataclass
class Scene:
    """What a set-up bot needs, each part a stand-in; `env_file` names them all."""

    play: Playground
    music: Music
    proxy: Proxy
    folder: Path
    settings: dict[str, str]

    async def doctor(self, *arguments: str, before: Callable[[], None] | None = None) -> tuple[int, str]:
        """Run it as a child process; its exit code and all that it printed."""
        env_file = self.folder / ".env"
        env_file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        env_file.chmod(0o600)
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "bot", "doctor", *arguments],
            cwd=self.folder,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=before,
        )
        for secret in (self.play.world.token, self.music.key, WEBHOOK_KEY):
            assert secret not in done.stdout + done.stderr
        assert done.stderr == ""
        return done.returncode, done.stdout

    async def findings(self, *arguments: str, **options: Any) -> tuple[int, dict[str, dict[str, str]]]:
        """The same with --json, by check."""
        code, text = await self.doctor("--json", *arguments, **options)
        body = json.loads(text)
        assert sorted(body) == ["counts", "findings", "format", "passed"]
        assert body["passed"] is (code == 0)
        assert sum(body["counts"].values()) == len(body["findings"])
        assert all(sorted(line) == ["check", "fix", "level", "seen"] for line in body["findings"])
        assert all(bool(line["fix"]) is (line["level"] != "ok") for line in body["findings"])
        return code, {line["check"]: line for line in body["findings"]}


@pytest_asyncio.fixture
async def scene(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Scene]:
    music, proxy = Music("canary-music-key"), Proxy(unused_tcp_port)
    await music.start()
    await proxy.start()
    try:
        async with Playground(tmp_path) as play:
            open_all(play)
            settings = {
                "DISCORD_TOKEN": play.world.token,
                "DISCORD_API_URL": play.standin.api_url,
                "DISCORD_GATEWAY_URL": play.standin.gateway_url,
                "TWODECK_DATA_DIR": str(tmp_path / "bot"),
                "TWODECK_LISTEN": f"127.0.0.1:{unused_tcp_port}",
                "TWODECK_PUBLIC_URL": f"http://127.0.0.1:{proxy.port}/bot",
                "KIE_WEBHOOK_KEY": WEBHOOK_KEY,
                **music.settings("kie"),
            }
            yield Scene(play, music, proxy, tmp_path, settings)
    finally:
        await proxy.close()
        await music.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def small_disk() -> None:
    """No file may grow over 64 kB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


async def test_a_bot_that_is_set_up_passes_and_one_that_is_not_fails(scene: Scene) -> None:
    database = Database(scene.folder / "bot" / "twodeck.db")
    await database.open()
    await database.close()
    copy = back_up(scene.folder / "bot" / "twodeck.db", scene.folder / "bot" / "backups", now=1, keep=1)
    kept = contents(scene.folder / "bot")
    code, found = await scene.findings("--strict", "--guild", str(scene.play.world.guild.id))
    warned = {check for check, line in found.items() if line["level"] == "warning"}
    assert (code, [line for line in found.values() if line["level"] == "error"]) == (1, [])
    assert "(signed) came through" in found["public-address"]["seen"]
    assert "backups" in warned  # it is of 1970
    assert warned <= {"backups", "sqlite", *([] if aac.pyav() or aac.ffmpeg_path() else ["decoder-m4a"])}
    assert contents(scene.folder / "bot") == kept
    assert scene.play.standin.gateway.identified == 0
    assert {call.method for call in scene.play.history} == {"GET"}

    scene.settings |= {"KIE_API_KEY": "wrong-key", "DISCORD_TOKEN": "wrong-token"}
    copy.write_bytes(b"torn")
    scene.proxy.does = "elsewhere"
    code, text = await scene.doctor(before=small_disk)
    lines = [line.split(maxsplit=2) for line in text.splitlines()]
    assert code == 1
    assert {check for level, check, _ in lines if level == "error"} == {
        "token",
        "engine-kie",
        "public-address",
        "backups",
        "data-folder",
    }
    assert "-> Make room, give the folder to the bot's user" in text
    assert [seen for _, check, seen in lines if check == "worker-limits"] == [
        "A child process gets less than a long mashup may need: file."
    ]
    assert text.splitlines()[-1].endswith(", errors: 5")


async def test_beside_a_running_bot_nothing_changes(scene: Scene) -> None:
    settings: dict[str, Any] = {**scene.settings}
    await scene.play.start_bot(**settings)
    identified = scene.play.standin.gateway.identified
    code, found = await scene.findings()
    assert code == 0, found
    assert "to the running bot; forged ones were refused" in found["public-address"]["seen"]
    assert found["database"]["level"] == "ok"
    assert scene.play.standin.gateway.identified == identified
    assert scene.play.standin.gateway.connected


def test_wrong_usage_is_2(tmp_path: Path) -> None:
    assert main(["doctor", "--env-file", str(tmp_path / "none")]) == 2
