"""Copies of the database that are known to be whole, and how many of them are kept."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from bot.database.connection import DatabaseError
from bot.database.reading import must_exist, read
from bot.database.soundness import verdict_of
from bot.failpoints import around

_NAME = re.compile(r"^twodeck-(\d{8}T\d{6}Z)\.db$")
_STAMP = "%Y%m%dT%H%M%SZ"


def back_up(database: Path, folder: Path, *, now: int, keep: int) -> Path:
    """Copy, check, name, and drop all but the newest `keep`; `now` is UTC milliseconds. Raises `DatabaseError`.

    Safe beside a running bot: the copy is one consistent moment, through a connection that cannot write.
    """
    must_exist(database)
    moment = datetime.fromtimestamp(now / 1000, tz=UTC).strftime(_STAMP)
    target = folder / f"twodeck-{moment}.db"
    partial = folder / f".twodeck-{moment}-{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _drop_left_overs(folder, now)
        partial.unlink(missing_ok=True)
        read(database, lambda tx: tx.run("VACUUM INTO ?", (str(partial),)))
        check(partial)
        _name(partial, target)
        for old in taken(folder)[keep:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise DatabaseError(f"No backup could be written to {folder} ({error.strerror}).") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return target


def taken(folder: Path) -> list[Path]:
    """The backups in a folder, newest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _NAME.match(path.name)), reverse=True)


def taken_at(backup: Path) -> int:
    """When a backup was taken, UTC milliseconds, by its name."""
    found = _NAME.match(backup.name)
    if found is None:
        raise ValueError(f"{backup.name} is not the name of a backup")
    return int(datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC).timestamp() * 1000)


def check(copy: Path) -> None:
    """Raises `DatabaseError` for a copy at rest that is damaged."""
    if (verdict := verdict_on(copy)) != "ok":
        raise DatabaseError(f"The copy of the database is damaged and was removed ({verdict}).")


def verdict_on(copy: Path) -> str:
    """What SQLite says of every page and index of a copy at rest: `ok`, or what is wrong."""
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            return verdict_of(connection)
    except sqlite3.DatabaseError as error:
        return str(error)


def _name(partial: Path, target: Path) -> None:
    """Give a copy its name only once it is on the disk for sure."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    with around("file backup"):
        partial.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _drop_left_overs(folder: Path, now: int) -> None:
    """What a killed backup left, once nobody can be writing it any more."""
    for path in folder.glob(".twodeck-*.partial*"):
        if path.stat().st_mtime * 1000 < now - 3600_000:
            path.unlink(missing_ok=True)
