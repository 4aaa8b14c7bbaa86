"""Whether the database may be opened to be written to: looked at through a connection that changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

RESTORE = "`twodeck restore` puts the newest backup in its place"
_AROUND = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR),
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM),
    }
)
"""What keeps anybody from a file that may be whole; everything else is said of its bytes."""


def unsound(path: Path, *, patience: float = 5.0) -> str | None:
    """Why the file at `path` must not be opened, as one sentence with what to do; None when it may be.

    One that is not there yet is sound, unless there are backups of it: then it went missing, and a new one would
    pass for it. `patience` are the seconds that a lock of another program is waited for.
    """
    if not path.exists() or path.stat().st_size == 0:
        backups = path.parent / "backups"
        if not any(backups.glob(f"{path.stem}-*.db")):
            return None
        return f"{path} is gone, but there are backups of it. {RESTORE}; to begin anew, move {backups} away."
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=patience)) as connection:
            verdict = verdict_of(connection)
    except sqlite3.Error as error:
        return cannot_open(path, error)
    if verdict == "ok":
        return None
    return f"{path} is damaged ({verdict}) and was left as it is. {RESTORE}."


def verdict_of(connection: sqlite3.Connection) -> str:
    """`ok`, or what SQLite finds wrong with a page or an index. Raises `sqlite3.Error` for what is no damage."""
    try:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except UnicodeDecodeError:  # the message quotes the bytes that are wrong
        return "malformed database schema"
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return str(error)
    return " ".join(found.split())


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is bad, and not what is around it: a lock, a full or a read-only disk."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF not in _AROUND


def cannot_open(path: Path, error: sqlite3.Error) -> str:
    """The sentence for what is around it."""
    return f"{path} cannot be opened ({error}). Another program may hold it, or the disk may be full or read-only."
