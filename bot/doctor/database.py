"""The database and its backups, read through connections that cannot write."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bot.database import DatabaseError
from bot.database.backup import taken, taken_at
from bot.database.connection import Tx, released
from bot.database.reading import read
from bot.doctor.finding import Finding, error, not_looked_at, ok, warning
from bot.settings import UpkeepSettings

Version = tuple[int, int, int]
_RESET_BUG: tuple[Version, Version] = ((3, 7, 0), (3, 51, 3))
"""From, and before which: https://www.sqlite.org/changes.html, 3.51.3."""
_WITHDRAWN = (3, 52, 0)
_HOUR_MS = 3600_000
_TAKE = "Take one now with `twodeck backup`"
_RESTORE = "Stop the bot and run `twodeck restore`, which puts the newest whole backup in place."


def examine(folder: Path, upkeep: UpkeepSettings | None, now: int) -> list[Finding]:
    """Database and backups; `now` is UTC milliseconds."""
    database = folder / "twodeck.db"
    return [
        _database(database),
        not_looked_at("backups", "a setting is wrong") if upkeep is None else _backups(database, upkeep, now),
    ]


def library(version: tuple[int, ...] = sqlite3.sqlite_version_info[:3]) -> Finding:
    """The library that Python brings. One connection writes, so its bug cannot strike; another program's might."""
    name = "SQLite " + ".".join(map(str, version))
    fix = "Use a Python with SQLite 3.51.3 or newer, and never open the live database with another program."
    affected = _RESET_BUG[0] <= version < _RESET_BUG[1] or version == _WITHDRAWN
    if affected:
        seen = (
            f"{name} can damage a database that two connections write at once (the WAL-reset bug, 3.7.0 to 3.51.2)."
        )
        return warning("sqlite", f"{seen} This bot writes through exactly one, so it is safe by itself.", fix)
    return ok("sqlite", f"{name} has no bug that is known to matter here.")


def _database(path: Path) -> Finding:
    if not path.exists():
        return ok("database", f"{path} is not there yet; the bot's first start makes it.")
    try:
        version, verdict = read(path, _state)
    except DatabaseError as problem:
        return error("database", str(problem), _RESTORE)
    newest = max(number for number, _ in released())
    if verdict != "ok":
        return error("database", f"{path} is damaged ({verdict}).", _RESTORE)
    if version > newest:
        seen = f"{path} was written by a newer Twodeck (schema {version}, this one knows {newest})."
        return error("database", seen, "Update Twodeck.")
    behind = "" if version == newest else f"; the next start brings it to {newest} after a backup"
    return ok("database", f"{path} is whole, schema {version}{behind}.")


def _state(tx: Tx) -> tuple[int, str]:
    """Schema, and what a look at every page says."""
    version, verdict = tx.one("PRAGMA user_version"), tx.one("PRAGMA quick_check(1)")
    if version is None or verdict is None or not version[0]:
        return 0, "there is nothing in it"
    return version[0], str(verdict[0])


def _backups(database: Path, upkeep: UpkeepSettings, now: int) -> Finding:
    folder = database.parent / "backups"
    copies = taken(folder)
    if not database.exists() and not copies:
        return ok("backups", "There is nothing to back up yet.")
    if not copies:
        fix = f"{_TAKE}; a running bot does by itself unless TWODECK_BACKUP_HOURS is 0."
        return warning("backups", f"There is no backup in {folder}.", fix)
    try:
        _, verdict = read(copies[0], _state)
    except DatabaseError as problem:
        verdict = str(problem)
    if verdict != "ok":
        fix = f"{_TAKE}, check the disk, and see whether an older one is whole."
        return error("backups", f"The newest backup, {copies[0]}, is damaged: {verdict}", fix)
    return _age(len(copies), (now - taken_at(copies[0])) / _HOUR_MS, upkeep.backup_hours)


def _age(copies: int, hours: float, turn: float) -> Finding:
    """The newest one should not be older than two turns."""
    seen = f"The newest of {copies} is {hours:.1f} hours old and whole."
    if not turn:
        fix = "Set it, unless something else takes backups."
        return warning("backups", f"{seen} TWODECK_BACKUP_HOURS is 0: the bot takes none.", fix)
    if hours > 2 * turn:
        fix = f"{_TAKE}; if the bot runs, its log says at `backup-failed` why it takes none."
        return warning("backups", seen, fix)
    return ok("backups", seen)
