"""Reading the database beside a running bot, or without one: never a write, never a new file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from bot.database.connection import DatabaseError, Tx

Outcome = TypeVar("Outcome")


def read(path: Path, unit: Callable[[Tx], Outcome]) -> Outcome:
    """Run `unit` on a read-only connection of its own. Raises `DatabaseError`.

    A plain `mode=ro` leaves a `-wal` and a `-shm` behind when no bot runs, so a database at rest is opened as
    immutable; when a bot started meanwhile, what was read may be torn and is read again.
    """
    must_exist(path)
    log_file = path.with_name(path.name + "-wal")
    try:
        if not log_file.exists():
            outcome = _read(path, "&immutable=1", unit)
            if not log_file.exists():
                return outcome
        return _read(path, "", unit)
    except sqlite3.Error as error:
        raise DatabaseError(f"{path} cannot be read ({error}).") from error


def must_exist(path: Path) -> None:
    """Raises `DatabaseError` when there is nothing to read."""
    if not path.is_file():
        raise DatabaseError(
            f"There is no database at {path}. Start the bot once, or set TWODECK_DATA_DIR to its data folder."
        )


def _read(path: Path, option: str, unit: Callable[[Tx], Outcome]) -> Outcome:
    address = f"file:{quote(str(path.absolute()))}?mode=ro{option}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=5)
    try:
        connection.row_factory = sqlite3.Row
        return unit(Tx(connection))
    finally:
        connection.close()
