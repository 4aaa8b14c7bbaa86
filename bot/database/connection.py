"""The owner of the one SQLite connection: whole units of work on its thread, nobody else gets a cursor."""

from __future__ import annotations

import asyncio
import fcntl
import importlib.resources
import logging
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

import aiosqlite

from bot import failpoints
from bot.database.soundness import cannot_open, unsound

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")
_NUMBERED = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class DatabaseError(Exception):
    """The database cannot be used; one sentence says why and what to do."""


class DatabaseClosedError(DatabaseError):
    """The bot is on its way down."""


class Tx:
    """What a unit may do between BEGIN IMMEDIATE and COMMIT."""

    def __init__(self, connection: sqlite3.Connection | sqlite3.Cursor) -> None:
        self._connection = connection

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; returns the number of rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def one(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row, or None."""
        return self._connection.execute(sql, values).fetchone()

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Every row."""
        return self._connection.execute(sql, values).fetchall()


class Units(Protocol):
    """Whoever carries out units of work: the database, or somebody in front of it."""

    async def work(self, unit: Callable[[Tx], Outcome]) -> Outcome: ...


class _Connection(aiosqlite.Connection):
    """aiosqlite with its one-hop primitive in the open: a function runs whole on the connection's thread."""

    async def hop(self, function: Callable[[sqlite3.Connection], Outcome]) -> Outcome:
        return await self._execute(function, self._conn)  # pyright: ignore[reportUnknownMemberType]


class _Asked:
    """A unit that waits for its turn, and what became of it."""

    __slots__ = ("error", "future", "outcome", "unit")

    def __init__(self, unit: Callable[[Tx], Any], future: asyncio.Future[Any]) -> None:
        self.unit = unit
        self.future = future
        self.outcome: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.outcome)
        else:
            self.future.set_exception(self.error)


class Database:
    """One connection, WAL, `synchronous=FULL`. `work` is the only way in.

    Units that are asked for while others commit share the next commit: one sync of the disk for all of them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: _Connection | None = None
        self._lock_file: TextIO | None = None
        self._asked: list[_Asked] = []
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take the single-instance lock, open, check and migrate. Raises `DatabaseError`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = take_lock(self._path.with_name(self._path.name + ".lock"))
        try:
            if (why := await asyncio.to_thread(unsound, self._path)) is not None:
                raise DatabaseError(why)
            self._connection = _Connection(lambda: _connect(self._path), iter_chunk_size=64)
            await self._connection
            await self._connection.hop(lambda connection: _prepare(connection, self._path))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Carry out what was asked for, close the connection and give the lock back; safe to call twice."""
        connection, self._connection = self._connection, None
        if self._writer is not None:
            await asyncio.wait({self._writer})
        if connection is not None:
            await connection.close()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    async def work(self, unit: Callable[[Tx], Outcome]) -> Outcome:
        """Run `unit(tx)` whole, and return once it is committed; any exception undoes it, and it alone.

        A cancelled caller may still have committed: units are keyed so that they can be asked again.
        """
        connection = self._connection
        if connection is None:
            raise DatabaseClosedError("The database is closed.")
        with failpoints.around(failpoints.commit_name(unit)):
            asked = _Asked(unit, asyncio.get_running_loop().create_future())
            self._asked.append(asked)
            if self._writer is None:
                self._writer = asyncio.create_task(self._write(connection), name="database")
            return await asked.future

    async def _write(self, connection: _Connection) -> None:
        """One hop to the connection's thread after another, each with all that was asked for meanwhile."""
        try:
            while self._asked:
                await asyncio.sleep(0)  # whoever the last commit answered asks for the next unit now: one batch
                batch, self._asked = self._asked, []
                try:
                    await connection.hop(lambda raw, batch=batch: _commit(raw, batch))
                except BaseException as error:
                    _fail(batch, error)
                    raise
                finally:
                    for asked in batch:
                        asked.answer()
        finally:
            self._writer = None


def _commit(connection: sqlite3.Connection, batch: Sequence[_Asked]) -> None:
    """Every unit of a batch in one transaction, each within a savepoint; all share what becomes of the commit."""
    cursor = connection.cursor()
    try:
        cursor.execute("BEGIN IMMEDIATE")
        for asked in batch:
            _attempt(cursor, asked)
        cursor.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        _fail(batch, error)


def _fail(batch: Sequence[_Asked], error: BaseException) -> None:
    """None of them is committed; who failed alone keeps the reason."""
    for asked in batch:
        asked.error = asked.error or error


def _attempt(cursor: sqlite3.Cursor, asked: _Asked) -> None:
    cursor.execute("SAVEPOINT unit")
    try:
        asked.outcome = asked.unit(Tx(cursor))
    except BaseException as error:
        asked.error = error
        if not cursor.connection.in_transaction:
            raise sqlite3.OperationalError(f"SQLite gave up the transaction: {error}") from error
        cursor.execute("ROLLBACK TO unit")
    cursor.execute("RELEASE unit")


def take_lock(path: Path) -> TextIO:
    """Held until it is closed. Raises `DatabaseError` while another process holds it."""
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise DatabaseError(
            f"Another Twodeck already runs with {path.parent}. Stop it, or set TWODECK_DATA_DIR to another folder."
        ) from None
    return handle


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        for pragma in (
            "busy_timeout=5000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",  # what undoes one unit of many is no file
        ):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.DatabaseError as error:
        raise DatabaseError(cannot_open(path, error)) from error
    migrate(connection, path, released())


def released() -> list[tuple[int, str]]:
    """The numbered migrations as (number, script), in order."""
    folder = importlib.resources.files("bot.database") / "migrations"
    found = [
        (int(m[1]), entry.read_text("utf-8")) for entry in folder.iterdir() if (m := _NUMBERED.match(entry.name))
    ]
    return sorted(found)


def migrate(connection: sqlite3.Connection, path: Path, scripts: Iterable[tuple[int, str]]) -> None:
    """Bring the schema up to date, each script whole or not at all, after a backup of what was there."""
    scripts = list(scripts)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = max((number for number, _ in scripts), default=0)
    if version > newest:
        raise DatabaseError(
            f"{path} was written by a newer Twodeck (schema {version}, this one knows {newest}). Update Twodeck."
        )
    if 0 < version < newest:
        _back_up(connection, path, version)
    for number, script in scripts:
        if number > version:
            _apply(connection, number, script)


def _apply(connection: sqlite3.Connection, number: int, script: str) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\n;PRAGMA user_version={number};\nCOMMIT;")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise DatabaseError(f"Migration {number:04} failed and left nothing behind: {error}") from error


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    folder = path.parent / "backups"
    folder.mkdir(exist_ok=True)
    copy = folder / f"{path.stem}-schema-{version}.db"
    copy.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(copy),))
    log.info("backed up the database to %s before migrating", copy)
