"""Bytes that were lost or changed: a start finds whole commits, or refuses and leaves the file as it is."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
from pathlib import Path

import pytest

from bot import tools
from bot.database import Database, DatabaseError
from bot.database.backup import back_up
from bot.database.restoring import marker, restore
from bot.database.soundness import unsound
from tests import storage

NOW = 1_800_000_000_000


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return storage.make(tmp_path, commits=90)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_log_that_was_cut_or_flipped_leaves_a_prefix_of_the_commits(left: Path, tmp_path: Path) -> None:
    found = storage.cut_logs(left, tmp_path, copies=60, seed=1)
    assert found.wrong == []
    assert len(found.prefixes) > 10


def test_a_spoilt_file_is_refused_untouched_or_opened_as_it_is(left: Path, tmp_path: Path) -> None:
    found = storage.flip_pages(left, tmp_path, copies=60, seed=1)
    assert found.wrong == []
    assert set(found.ends) == {"refused", "opened as it is"}
    assert found.ends["refused"] >= 30


def test_a_start_that_begins_anew_is_found_out(left: Path, tmp_path: Path) -> None:
    found = storage.flip_pages(left, tmp_path, copies=10, seed=1, how=storage.start_anew)
    assert found.ends["overwritten"] >= 5
    assert found.wrong


async def test_the_drill_a_spoilt_database_is_restored_from_its_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, monkey = tmp_path / "twodeck.db", monkeypatch
    monkey.setenv("TWODECK_DATA_DIR", str(tmp_path))
    await remember(path, "before")
    back_up(path, tmp_path / "backups", now=NOW - 2000, keep=3)
    newest = back_up(path, tmp_path / "backups", now=NOW - 1000, keep=3)
    newest.write_bytes(b"spoilt, too")
    path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 5000)
    spoilt = path.read_bytes()
    with pytest.raises(DatabaseError, match=r"is damaged .* was left as it is. `twodeck restore`"):
        await Database(path).open()
    assert tools.put_back(argparse.Namespace(backup=None), None) == 0
    said = capsys.readouterr().out
    assert "is in place. What was there before: " in said
    aside = tmp_path / next(name for name in names(tmp_path) if name.startswith("damaged-"))
    assert (aside / "twodeck.db").read_bytes() == spoilt
    assert marker(tmp_path).exists(), "the next start steps back by itself"
    assert await remembered(path) == ["before"]


async def remember(path: Path, word: str) -> None:
    database = Database(path)
    await database.open()
    await database.work(lambda tx: tx.run("INSERT INTO command_syncs VALUES (?, 'x', 0)", (word,)))
    await database.close()


async def remembered(path: Path) -> list[str]:
    database = Database(path)
    await database.open()
    rows = await database.work(lambda tx: tx.all("SELECT application FROM command_syncs"))
    await database.close()
    return [row[0] for row in rows]


async def test_a_database_that_is_gone_is_not_begun_anew_beside_its_backups(tmp_path: Path) -> None:
    path = tmp_path / "twodeck.db"
    await remember(path, "x")
    back_up(path, tmp_path / "backups", now=NOW, keep=3)
    for spoil in (path.unlink, path.touch):
        spoil()
        with pytest.raises(DatabaseError, match=r"is gone, but there are backups of it. `twodeck restore`"):
            await Database(path).open()
    restore(tmp_path, None, now=NOW)
    assert await remembered(path) == ["x"]


async def test_nothing_is_restored_under_a_running_bot_or_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no whole backup"):
        restore(tmp_path, None, now=NOW)
    (tmp_path / "other.db").write_bytes(b"no database at all")
    with pytest.raises(DatabaseError, match=r"no whole backup.*other.db: file is not a database"):
        restore(tmp_path, tmp_path / "other.db", now=NOW)
    database = Database(tmp_path / "twodeck.db")
    await database.open()
    before = names(tmp_path)
    with pytest.raises(DatabaseError, match="Another Twodeck"):
        restore(tmp_path, tmp_path / "other.db", now=NOW)
    assert names(tmp_path) == before
    await database.close()


async def test_a_restore_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    """Between the old file and the new one there is none."""
    path = tmp_path / "twodeck.db"
    await remember(path, "x")
    backup = back_up(path, tmp_path / "backups", now=NOW, keep=3)
    shutil.move(path, tmp_path / "aside.db")
    assert "is gone" in (unsound(path) or "")
    assert restore(tmp_path, None, now=NOW).backup == backup
    assert await remembered(path) == ["x"]


async def test_what_is_around_the_file_is_no_damage(tmp_path: Path) -> None:
    """A lock must not send anybody to a backup."""
    path = tmp_path / "twodeck.db"
    await remember(path, "x")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    why = unsound(path, patience=0.1) or ""
    assert "cannot be opened (database is locked)" in why
    assert "restore" not in why
    other.close()
    assert await remembered(path) == ["x"]
