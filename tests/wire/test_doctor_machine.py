"""`twodeck doctor`, settings, engines and the machine: each fault is found, with its fix."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.audio import aac
from bot.database import Database
from bot.database.backup import back_up
from bot.doctor import configuration, database, engines, machine, workers
from bot.doctor.examination import look_at_folder
from bot.doctor.finding import Finding, Level, clean, count, error, ok, passes, warning
from bot.engines.local.studio import RENDER
from bot.playground.music import Music
from bot.playground.music_faults import Spoilt
from bot.settings import UpkeepSettings
from bot.worker.protections import Protection

HOUR = 3600_000
NOW = int(datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp() * 1000)


def written(folder: Path, **settings: str) -> Path:
    env_file = folder / "settings"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    env_file.chmod(0o600)
    return env_file


# ---- settings


def test_every_mistake_is_a_line_and_no_secret_is_told(tmp_path: Path) -> None:
    env_file = written(
        tmp_path, LOCAL_WORKERS="many", TWODECK_LISTEN="8080", TWODECK_PUBLICURL="x", KIE_API_KEY="a-secret"
    )
    env_file.chmod(0o644)
    given, findings = configuration.examine(env_file)
    found = {finding.seen.partition(" ")[0]: finding for finding in findings}
    assert {name for name, finding in found.items() if finding.level is Level.ERROR} == {
        "DISCORD_TOKEN",
        "LOCAL_WORKERS",
        "TWODECK_LISTEN",
    }
    assert found["TWODECK_PUBLICURL"].level is Level.WARNING
    assert "chmod 600" in found["Every"].fix
    assert given.secrets == ("a-secret",)
    assert all(finding.fix for finding in findings)


def test_settings_without_any_engine_and_settings_that_are_right(tmp_path: Path) -> None:
    none = configuration.examine(written(tmp_path, DISCORD_TOKEN="token-token", LOCAL_ENABLED="false"))[1]
    assert [(finding.level, finding.seen[:19]) for finding in none] == [(Level.ERROR, "No engine is set up")]
    right = configuration.examine(written(tmp_path, DISCORD_TOKEN="token-token"))[1]
    assert [finding.level for finding in right] == [Level.OK]


def test_what_a_finding_says_and_when_a_run_passes() -> None:
    loud = warning("x", "token-token\x1b[2J said", "token-token")
    assert clean(loud, ["token-token", "a"]) == warning("x", "[secret] [2J said", "[secret]")
    assert passes([ok("x", ""), loud], strict=False)
    assert not passes([ok("x", ""), loud], strict=True)
    assert count([loud]) == {"ok": 0, "warning": 1, "error": 0}


# ---- engines


async def ask(folder: Path, music: Music, **settings: str) -> Finding:
    """The line of kie.ai."""
    given, _ = configuration.examine(written(folder, **{**music.settings("kie"), **settings}))
    local, kie = await engines.examine(given, folder / "profiles")
    assert (local.check, local.level, kie.check) == ("engine-local", Level.OK, "engine-kie")
    assert "music-key" not in kie.seen + kie.fix
    return kie


async def test_each_engine_and_its_account(tmp_path: Path, unused_tcp_port: int) -> None:
    music = Music()
    await music.start()
    try:
        assert (await ask(tmp_path, music)).level is Level.OK
        found = [
            (await ask(tmp_path, music, KIE_API_KEY="old"), Level.ERROR, "Make a new key"),
            (await ask(tmp_path, music, KIE_DIALECT="latin"), Level.ERROR, "docs/engines.md"),
            (await ask(tmp_path, music, KIE_BASE_URL=f"{music.url}/elsewhere"), Level.ERROR, "KIE_BASE_URL"),
            (
                await ask(tmp_path, music, KIE_BASE_URL=f"http://127.0.0.1:{unused_tcp_port}"),
                Level.ERROR,
                "firewall",
            ),
        ]
        for credits, level in ((50, Level.WARNING), (0, Level.ERROR)):
            music.credits = credits
            found.append((await ask(tmp_path, music), level, "Top the account up"))
        music.knobs.codes["credit"] = 500
        found.append((await ask(tmp_path, music), Level.ERROR, "KIE_DIALECT"))
        music.knobs.codes.clear()
        for how in (Spoilt.HTML, Spoilt.REDIRECT, Spoilt.TYPES):
            music.knobs.spoilt["credit"] = how
            found.append((await ask(tmp_path, music), Level.ERROR, "KIE_BASE_URL"))
    finally:
        await music.close()
    for finding, level, fix in found:
        assert (finding.level, fix in finding.fix) == (level, True), finding


async def test_an_engine_that_no_source_would_reach(tmp_path: Path) -> None:
    music = Music()
    await music.start()
    try:
        settings = {**music.settings("apibox", "modeless"), "APIBOX_UPLOAD_URL": ""}
        given, _ = configuration.examine(written(tmp_path, LOCAL_ENABLED="false", **settings))
        local, found = await engines.examine(given, None)
    finally:
        await music.close()
    assert "switched off" in local.seen
    assert (found.level, "APIBOX_UPLOAD_URL or TWODECK_PUBLIC_URL" in found.seen) == (Level.ERROR, True)


# ---- disk, database, backups


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    levels = {finding.check: finding.level for finding in machine.examine(tmp_path)}
    assert levels["data-folder"] is Level.OK
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    later = machine.examine(tmp_path / "a" / "b")[0]
    assert (later.level, "first start makes it" in later.seen) == (Level.OK, True)
    assert not (tmp_path / "a").exists()
    for folder in (tmp_path / "file" / "data", tmp_path / "file"):
        found = machine.examine(folder)[0]
        assert (found.level, "TWODECK_DATA_DIR" in found.fix) == (Level.ERROR, True), found


def test_a_data_folder_that_is_closed(tmp_path: Path) -> None:
    given, _ = configuration.examine(written(tmp_path))
    first, *others = look_at_folder(tmp_path / ("x" * 300) / "data", given, NOW)
    assert (first.check, first.level, "the bot's user" in first.fix) == ("data-folder", Level.ERROR, True)
    assert {finding.level for finding in others} == {Level.WARNING}


def test_a_disk_that_is_nearly_full() -> None:
    assert machine.room(2 << 30, 20 << 30).level is Level.OK
    assert machine.room(900 << 20, 2 << 30).level is Level.WARNING
    assert machine.room(2 << 30, 100 << 30).level is Level.WARNING


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 6, 23), Level.OK),
        ((3, 7, 0), Level.WARNING),
        ((3, 40, 1), Level.WARNING),
        ((3, 51, 2), Level.WARNING),
        ((3, 51, 3), Level.OK),
        ((3, 52, 0), Level.WARNING),
        ((3, 53, 0), Level.OK),
    ],
)
def test_the_sqlite_library(version: tuple[int, ...], level: Level) -> None:
    found = database.library(version)
    assert found.level is level
    assert ("exactly one" in found.seen) is (level is Level.WARNING)


async def test_a_database_and_its_backups(tmp_path: Path) -> None:
    upkeep = UpkeepSettings()  # pyright: ignore[reportCallIssue]
    path = tmp_path / "twodeck.db"

    def look(now: int = NOW, settings: UpkeepSettings = upkeep) -> dict[str, Finding]:
        return {finding.check: finding for finding in database.examine(tmp_path, settings, now)}

    assert {look()[check].level for check in ("database", "backups")} == {Level.OK}
    live = Database(path)
    await live.open()
    try:  # beside a running bot
        assert look()["database"].level is Level.OK
        assert "no backup" in look()["backups"].seen
        copy = back_up(path, tmp_path / "backups", now=NOW - HOUR // 6, keep=3)
        assert look()["backups"].level is Level.OK
        assert (look(NOW + 2 * HOUR)["backups"].level, "backup-failed" in look(NOW + 2 * HOUR)["backups"].fix) == (
            Level.WARNING,
            True,
        )
        never = upkeep.model_copy(update={"backup_hours": 0})
        assert "TWODECK_BACKUP_HOURS is 0" in look(NOW, never)["backups"].seen
    finally:
        await live.close()
    names, before = files(tmp_path), path.read_bytes()
    assert look()["database"].level is Level.OK
    assert (files(tmp_path), path.read_bytes()) == (names, before)
    for spoil in (_flip, _cut, _nothing):
        whole = copy.read_bytes()
        spoil(copy)
        found = look()["backups"]
        assert (found.level, "twodeck backup" in found.fix) == (Level.ERROR, True), (spoil, found)
        copy.write_bytes(whole)
        spoil(path)
        found = look()["database"]
        assert (found.level, "twodeck restore" in found.fix) == (Level.ERROR, True), (spoil, found)
        path.write_bytes(before)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert look()["database"].fix == "Update Twodeck."


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _flip(path: Path) -> None:
    """Overwrite one page in the middle."""
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 4] = b"\x5a" * 4096
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 2])


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


# ---- workers


async def test_every_format_is_decoded_and_limits_hold() -> None:
    levels = {finding.check: finding for finding in await workers.examine()}
    assert {name.removeprefix("decoder-") for name in levels} == {*workers.FORMATS, "worker-limits"}
    m4a = levels.pop("decoder-m4a")
    assert {finding.level for finding in levels.values()} == {Level.OK}
    can = aac.pyav() is not None or aac.ffmpeg_path() is not None
    assert (m4a.level, "ffmpeg" in m4a.fix) == (Level.OK if can else Level.WARNING, not can)


async def test_formats_that_are_not_decoded(tmp_path: Path) -> None:
    for name in workers.FORMATS:
        shutil.copy(workers.SAMPLES / "tone.wav", tmp_path / f"tone.{name}")
    (tmp_path / "tone.ogg").write_bytes(b"OggS" + bytes(200))
    found = {finding.check: finding for finding in await workers.examine(tmp_path)}
    assert found.pop("decoder-wav").level is found.pop("worker-limits").level is Level.OK
    assert {finding.level for finding in found.values()} == {Level.ERROR}
    assert "audio-damaged" in found["decoder-ogg"].seen
    assert "taken for wav" in found["decoder-mp3"].seen


def test_a_system_that_lacks_a_protection_is_told_of() -> None:
    held = Protection("limits", holds=True, by="rlimits")
    bare = Protection("files", holds=False, lacking="Linux 5.13 or later")
    found = ok("worker-limits", "All holds.")
    assert workers.confined(found, (held,)) == found
    told = workers.confined(found, (held, bare))
    assert (told.level, "files" in told.seen, "Linux 5.13" in told.fix) == (Level.WARNING, True, True)
    worse = error("worker-limits", "Nothing holds.", "Do not trust this system.")
    assert workers.confined(worse, (bare,)) == worse


HELD = {
    "memory_bytes": RENDER.memory_bytes,
    "cpu_seconds": RENDER.cpu_seconds,
    "file_bytes": RENDER.file_bytes,
    "open_files": RENDER.open_files,
    "took": False,
    "socket": False,
    "environment": ["PYTHONPATH", "TMPDIR"],
}


@pytest.mark.parametrize(
    ("change", "level", "seen"),
    [
        ({}, Level.OK, "denied memory"),
        ({"memory_bytes": -1}, Level.ERROR, "memory without a limit"),
        ({"took": True}, Level.ERROR, "memory without a limit"),
        ({"open_files": 1024}, Level.ERROR, "open files without a limit"),
        ({"environment": ["DISCORD_TOKEN"]}, Level.ERROR, "sees 1 of the bot's variables"),
        ({"memory_bytes": 1 << 30}, Level.WARNING, "less than a long mashup may need: memory"),
        ({"socket": True}, Level.WARNING, "open sockets"),
    ],
)
def test_a_child_that_is_not_held(change: dict[str, object], level: Level, seen: str) -> None:
    found = workers.judged({**HELD, **change}, RENDER, "linux")
    assert (found.level, seen in found.seen, bool(found.fix)) == (level, True, level is not Level.OK), found
