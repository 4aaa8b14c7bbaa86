"""The bot's own house: backups that are whole, files that go when nobody needs them and never before."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from unittest import mock

import pytest

from bot.alerts import Alerts
from bot.clock import Clock
from bot.database import Database, DatabaseError
from bot.database import backup as backups
from bot.database.backup import back_up, check, taken, taken_at
from bot.database.reading import read
from bot.errors import Cause
from bot.files import store as files
from bot.files.store import FileStore, Stored, keep
from bot.jobs import store as jobs
from bot.jobs.job import Ask, Source
from bot.jobs.retention import blank_links
from bot.settings import KeepSettings, OperatorSettings, UpkeepSettings
from bot.upkeep import Upkeep

NOW = 1_800_000_000_000
HOUR = 3600


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    found = FileStore(tmp_path / "files")
    found.prepare()
    return found


def caretaker(db: Database, store: FileStore, tmp_path: Path, **settings: float) -> Upkeep:
    alerts = Alerts(db, Clock(), OperatorSettings.model_validate({}), lambda: None)
    return Upkeep(
        db,
        Clock(),
        store,
        alerts,
        UpkeepSettings.model_validate(settings),
        KeepSettings.model_validate({}),
        tmp_path,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def put(store: FileStore, content: bytes, *, hours_old: float) -> Stored:
    path = store.incoming("new")
    path.write_bytes(content)
    stored = await store.adopt(path, "mp3")
    then = time.time() - hours_old * HOUR
    os.utime(store.path(stored.hash), (then, then))
    return stored


async def kept(db: Database, stored: Stored, owner: str, *, expires_in_hours: float) -> None:
    now = Clock().now()
    await db.work(lambda tx: keep(tx, [stored], owner, now + int(expires_in_hours * HOUR * 1000), now))


async def test_a_file_goes_with_its_last_reference(db: Database, store: FileStore, tmp_path: Path) -> None:
    shared, alone = await put(store, b"shared", hours_old=400), await put(store, b"alone", hours_old=400)
    await kept(db, shared, "job:old", expires_in_hours=-1)
    await kept(db, shared, "job:new", expires_in_hours=1)
    await kept(db, alone, "job:old", expires_in_hours=-1)
    await caretaker(db, store, tmp_path).sweep()
    assert store.path(shared.hash).read_bytes() == b"shared"
    assert not store.path(alone.hash).exists()
    assert [row["hash"] for row in await db.work(lambda tx: tx.all("SELECT hash FROM files"))] == [shared.hash]
    assert [row["owner"] for row in await db.work(lambda tx: tx.all("SELECT owner FROM file_refs"))] == ["job:new"]


async def test_a_crash_between_rows_and_bytes_leaves_bytes_that_the_next_start_removes(
    db: Database, store: FileStore, tmp_path: Path
) -> None:
    stored = await put(store, b"old", hours_old=400)
    await kept(db, stored, "job:old", expires_in_hours=-1)
    await db.work(lambda tx: files.forget(tx, Clock().now()))
    assert store.path(stored.hash).exists()
    await caretaker(db, store, tmp_path).sweep_all()
    assert not store.path(stored.hash).exists()


async def test_the_full_sweep_spares_the_young_and_the_known(
    db: Database, store: FileStore, tmp_path: Path
) -> None:
    known, young, orphan = [
        await put(store, name, hours_old=hours)
        for name, hours in ((b"known", 99), (b"young", 0.9), (b"orphan", 1.1))
    ]
    await kept(db, known, "job:x", expires_in_hours=1)
    store.incoming("being-written").write_bytes(b"...")
    left = store.incoming("left-behind")
    left.write_bytes(b"...")
    os.utime(left, (0, 0))
    await caretaker(db, store, tmp_path).sweep_all()
    assert [store.path(s.hash).exists() for s in (known, young, orphan)] == [True, True, False]
    assert [path.name for path in (tmp_path / "files" / "incoming").iterdir()] == ["being-written"]


async def a_job_takes_the_file_again(db: Database, store: FileStore) -> None:
    """The same bytes come once more, between the two halves of a sweep."""
    await kept(db, await put(store, b"again", hours_old=0), "job:new", expires_in_hours=24)


async def test_a_file_that_is_wanted_again_during_a_sweep_survives(db: Database, store: FileStore) -> None:
    stored = await put(store, b"again", hours_old=400)
    await kept(db, stored, "job:old", expires_in_hours=-1)
    dropped = await db.work(lambda tx: files.forget(tx, Clock().now()))
    await a_job_takes_the_file_again(db, store)
    assert dropped == [stored.hash]
    assert not store.drop(stored.hash, before=time.time() - HOUR)
    assert store.path(stored.hash).exists()


async def test_sweeping_bytes_before_rows_would_lose_it(db: Database, store: FileStore) -> None:
    """The broken variant: it looks for candidates, removes their bytes, and then rows without an owner."""
    stored = await put(store, b"again", hours_old=400)
    await kept(db, stored, "job:old", expires_in_hours=-1)
    await a_job_takes_the_file_again(db, store)
    store.path(stored.hash).unlink()
    await db.work(lambda tx: files.forget(tx, Clock().now()))
    assert await db.work(lambda tx: files.is_kept(tx, "job:new", stored.hash))
    assert not store.path(stored.hash).exists()


async def test_links_are_forgotten_when_the_job_has_ended(db: Database) -> None:
    sources = (Source("a", "https://x/a?sig", "a.mp3", 1), Source("b", "https://x/b?sig", "b.mp3", 1))
    for name in ("running", "ended"):
        ask = Ask(name, "g", "c", "m", "en", "local", "mashup", {"title": "t"}, 1, 1, sources)
        await db.work(lambda tx, ask=ask, name=name: jobs.insert(tx, name, ask, now=5, deadline=99))
    await db.work(lambda tx: tx.run("UPDATE jobs SET state = 'failed' WHERE id = 'ended'"))
    assert await db.work(blank_links) == 2
    assert await db.work(blank_links) == 0
    rows = await db.work(lambda tx: tx.all("SELECT job, url FROM sources ORDER BY job, side"))
    assert [row["url"] for row in rows] == ["", "", "https://x/a?sig", "https://x/b?sig"]


async def test_a_backup_is_whole_and_old_ones_go(db: Database, tmp_path: Path) -> None:
    await db.work(lambda tx: tx.run("INSERT INTO command_syncs VALUES ('last', 'x', 0)"))
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "twodeck-schema-1.db").write_bytes(b"of a migration")
    made = [
        await asyncio.to_thread(back_up, tmp_path / "twodeck.db", folder, now=NOW + n * 1000, keep=3)
        for n in range(5)
    ]
    assert taken(folder) == made[:1:-1]
    assert taken_at(made[4]) == NOW + 4000
    assert sorted(p.name for p in folder.iterdir()) == sorted([*(p.name for p in made[2:]), "twodeck-schema-1.db"])
    check(made[4])
    assert read(made[4], lambda tx: tx.all("SELECT application FROM command_syncs"))[0][0] == "last"


async def test_a_damaged_copy_is_removed_and_reported(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(copy: Path) -> None:
        with copy.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 4096)
        check(copy)

    monkeypatch.setattr(backups, "check", spoil)
    with pytest.raises(DatabaseError, match="is damaged and was removed"):
        back_up(tmp_path / "twodeck.db", tmp_path / "backups", now=NOW, keep=3)
    assert list((tmp_path / "backups").iterdir()) == []


async def test_reading_a_database_at_rest_leaves_no_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "twodeck.db")
    await database.open()
    await database.close()
    before = names(tmp_path)
    assert read(tmp_path / "twodeck.db", lambda tx: len(tx.all("SELECT * FROM jobs"))) == 0
    assert names(tmp_path) == before
    with pytest.raises(DatabaseError, match="readonly"):
        read(tmp_path / "twodeck.db", lambda tx: tx.run("DELETE FROM jobs"))


async def test_a_plain_read_only_connection_would_leave_files(tmp_path: Path) -> None:
    """The broken variant."""
    database = Database(tmp_path / "twodeck.db")
    await database.open()
    await database.close()
    connection = sqlite3.connect(f"file:{tmp_path / 'twodeck.db'}?mode=ro", uri=True)
    connection.execute("SELECT * FROM jobs").fetchall()
    connection.close()
    assert (tmp_path / "twodeck.db-wal").exists()


async def test_a_bot_that_starts_during_a_read_has_it_read_again(tmp_path: Path) -> None:
    path = tmp_path / "twodeck.db"
    database = Database(path)
    await database.open()
    await database.close()
    other = sqlite3.connect(path, isolation_level=None)
    seen: list[int] = []

    def unit(tx: object) -> None:
        seen.append(1)
        if len(seen) == 1:
            other.execute("INSERT INTO command_syncs VALUES ('1', 'x', 0)")

    read(path, unit)
    other.close()
    assert len(seen) == 2


async def test_backups_are_made_when_due_and_not_on_the_loop(
    db: Database, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    whole = backups.check

    def check(copy: Path) -> None:
        threads.append(threading.current_thread())
        whole(copy)

    monkeypatch.setattr(backups, "check", check)
    upkeep = caretaker(db, store, tmp_path, backup_hours=1)
    await upkeep.back_up_when_due()
    await upkeep.back_up_when_due()
    (made,) = taken(tmp_path / "backups")
    assert threads
    assert threads[0] is not threading.main_thread()
    made.rename(made.with_name("twodeck-20200101T000000Z.db"))
    await upkeep.back_up_when_due()
    assert len(taken(tmp_path / "backups")) == 2
    await caretaker(db, store, tmp_path / "elsewhere", backup_hours=0).back_up_when_due()
    assert not (tmp_path / "elsewhere").exists()


async def test_a_failed_backup_is_told_once_until_one_succeeds(
    db: Database, store: FileStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "backups"
    blocked.write_text("a file where the folder should be")
    upkeep = caretaker(db, store, tmp_path)
    for _ in range(2):
        await upkeep.back_up_when_due()
    assert caplog.text.count("The backup of the database failed") == 1
    blocked.unlink()
    await upkeep.back_up_when_due()
    shutil.rmtree(blocked)
    blocked.write_text("again")
    await upkeep.back_up_when_due()
    assert caplog.text.count("The backup of the database failed") == 2


async def test_the_rounds_end_when_told(db: Database, store: FileStore, tmp_path: Path) -> None:
    upkeep = caretaker(db, store, tmp_path)
    upkeep.start()
    upkeep.start()
    async with asyncio.timeout(10):
        while not taken(tmp_path / "backups"):  # noqa: ASYNC110 - the thread tells nobody
            await asyncio.sleep(0.01)
        await upkeep.stop()
    await upkeep.stop()


async def test_a_full_disk_is_told(
    db: Database,
    store: FileStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    usage = type(shutil.disk_usage(tmp_path))
    upkeep = caretaker(db, store, tmp_path)
    for free in (10 << 30, 4 << 30, (1 << 30) - 1, 10 << 30, 1):
        monkeypatch.setattr(shutil, "disk_usage", mock.Mock(return_value=usage(100 << 30, 0, free)))
        await upkeep.look_at_disk()
    assert caplog.text.count("The disk is nearly full: 4,096 MiB") == 1
    assert caplog.text.count("The disk is nearly full") == 2


async def alerts_rows(db: Database) -> list[tuple[str, str]]:
    rows = await db.work(lambda tx: tx.all("SELECT subject, purpose FROM posts ORDER BY created_at, subject"))
    return [(row["subject"], row["purpose"]) for row in rows]


async def test_an_alert_is_one_post_until_it_clears_even_after_a_restart(db: Database) -> None:
    settings = OperatorSettings.model_validate({"alert_channel": "123456789012345678"})
    woken: list[int] = []
    lives = [Alerts(db, Clock(), settings, lambda: woken.append(1)) for _ in range(2)]
    for alerts in (lives[0], lives[0], lives[1]):
        alerts.know_owners(["7"])
        await alerts.alert(Cause.DISK_LOW, free_mb=1, folder="x")
    alerts = lives[1]
    assert await alerts_rows(db) == [("alert:disk-low", "alert")]
    assert woken
    await alerts.clear(Cause.DISK_LOW, after_ms=60_000)
    await alerts.alert(Cause.DISK_LOW, free_mb=1, folder="x")
    assert len(await alerts_rows(db)) == 1
    await alerts.clear(Cause.DISK_LOW)
    await alerts.alert(Cause.DISK_LOW, free_mb=1, folder="x")
    assert len(await alerts_rows(db)) == 2
    assert (await alerts_rows(db)).count(("alert:disk-low", "alert")) == 1


def test_settings_name_operators_before_discord_does(db: Database) -> None:
    alerts = Alerts(db, Clock(), OperatorSettings.model_validate({"operators": "123456789012345678"}), lambda: None)
    alerts.know_owners(["7"])
    assert alerts.operators == ("123456789012345678",)
