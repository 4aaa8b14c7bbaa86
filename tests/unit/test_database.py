"""The database owner: whole units, one writer, schemas that move forward only."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot.database import Database, DatabaseError, Tx
from bot.database.connection import migrate, released


async def test_a_unit_commits_whole_or_not_at_all(db: Database) -> None:
    def broken(tx: Tx) -> None:
        tx.run("INSERT INTO command_syncs VALUES ('1', 'x', 0)")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.work(broken)
    assert await db.work(lambda tx: tx.all("SELECT * FROM command_syncs")) == []


async def test_units_that_share_a_commit_fail_alone(db: Database) -> None:
    def put(tx: Tx, number: int) -> int:
        tx.run("INSERT INTO command_syncs VALUES (?, 'x', 0)", (str(number),))
        if number % 2:
            raise ValueError(number)
        return number

    commits = await counted_commits(db)
    ends = await asyncio.gather(*(db.work(lambda tx, n=n: put(tx, n)) for n in range(20)), return_exceptions=True)
    assert [end if isinstance(end, int) else repr(end) for end in ends] == [
        f"ValueError({n})" if n % 2 else n for n in range(20)
    ]
    rows = await db.work(lambda tx: tx.all("SELECT application FROM command_syncs"))
    assert sorted(int(row[0]) for row in rows) == list(range(0, 20, 2))
    assert len(commits) <= 2, commits


async def test_a_commit_that_fails_is_nobodys(db: Database) -> None:
    """Also SQLite itself may give up a whole transaction, as it does when the disk is full."""

    def put(tx: Tx, number: int) -> None:
        tx.run("INSERT INTO command_syncs VALUES (?, 'x', 0)", (str(number),))
        if number == 2:
            tx.run("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

    ends = await asyncio.gather(*(db.work(lambda tx, n=n: put(tx, n)) for n in range(5)), return_exceptions=True)
    said = [str(end).removeprefix("SQLite gave up the transaction: ") for end in ends]
    assert said == ["database or disk is full"] * 5
    assert all(isinstance(end, sqlite3.OperationalError) for end in ends)
    assert await db.work(lambda tx: tx.all("SELECT * FROM command_syncs")) == []
    assert await db.work(lambda tx: tx.run("INSERT INTO command_syncs VALUES ('last', 'x', 0)")) == 1


async def test_a_closing_database_carries_out_what_was_asked_for(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    await database.open()
    asked = [
        asyncio.create_task(
            database.work(lambda tx, n=n: tx.run("INSERT INTO command_syncs VALUES (?, 'x', 0)", (str(n),)))
        )
        for n in range(50)
    ]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*asked) == [1] * 50


async def counted_commits(db: Database) -> list[str]:
    """Every COMMIT from now on."""
    commits: list[str] = []

    def trace(statement: str) -> None:
        if statement == "COMMIT":
            commits.append(statement)

    assert db._connection is not None
    await db._connection.hop(lambda raw: raw.set_trace_callback(trace))
    return commits


async def test_durability_is_asked_for(db: Database) -> None:
    pragmas = await db.work(
        lambda tx: [tx.all(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "foreign_keys")]
    )
    assert pragmas == ["wal", 2, 1]


async def test_a_storm_of_cancelled_callers_leaves_no_transaction_open(db: Database) -> None:
    def unit(number: int, tx: Tx) -> None:
        tx.run("INSERT INTO command_syncs VALUES (?, 'x', 0)", (str(number),))

    tasks = [asyncio.create_task(db.work(lambda tx, n=n: unit(n, tx))) for n in range(300)]
    for number, task in enumerate(tasks):
        if number % 3 == 0:
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await db.work(lambda tx: tx.run("INSERT INTO command_syncs VALUES ('last', 'x', 0)")) == 1


async def test_a_second_instance_is_told_what_to_do(db: Database, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="Another Twodeck already runs"):
        await Database(tmp_path / "twodeck.db").open()


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")
    await database.open()
    await database.close()
    with pytest.raises(DatabaseError, match="closed"):
        await database.work(lambda tx: None)


async def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "twodeck.db"
    path.write_bytes(b"this is not a database, " * 400)
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match="twodeck restore"):
        await Database(path).open()
    assert path.read_bytes() == before


def test_a_failing_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    connection = sqlite3.connect(path, isolation_level=None)
    good = (1, "CREATE TABLE one (x INTEGER)")
    migrate(connection, path, [good])
    with pytest.raises(DatabaseError, match="0002"):
        migrate(connection, path, [good, (2, "CREATE TABLE two (x INTEGER); INSERT INTO nowhere VALUES (1)")])
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["one"]
    assert (tmp_path / "backups" / "m-schema-1.db").is_file()
    connection.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA user_version=99")
    with pytest.raises(DatabaseError, match="newer Twodeck"):
        migrate(connection, path, released())
    connection.close()


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _ in released()] == list(range(1, len(released()) + 1))
