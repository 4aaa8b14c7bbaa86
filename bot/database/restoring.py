"""Puts a backup in the place of a database that is damaged or gone; what was there is kept aside."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.database.backup import taken, verdict_on
from bot.database.connection import DatabaseError, take_lock

_NAME = "twodeck.db"
_PARTS = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Restored:
    """Which backup is in place now, and the folder with what was there before; None when nothing was."""

    backup: Path
    aside: Path | None


def marker(data: Path) -> Path:
    """A file that says: the database stepped back in time, and no start has dealt with that yet."""
    return data / f"{_NAME}.restored"


def restore(data: Path, backup: Path | None, *, now: int) -> Restored:
    """Put `backup`, or the newest whole one, in place; `now` is UTC milliseconds. Raises `DatabaseError`.

    Cut off anywhere it leaves either the old file in place, or none at all, which no start takes for a new one.
    """
    data.mkdir(parents=True, exist_ok=True)
    with take_lock(data / f"{_NAME}.lock"):
        chosen = _chosen(data, backup)
        partial = data / f".{_NAME}.partial"
        try:
            shutil.copyfile(chosen, partial)
            _sync(partial)
            aside = _set_aside(data, now)
            marker(data).touch()
            partial.replace(data / _NAME)
            _sync(data)
        except OSError as error:
            raise DatabaseError(f"{chosen} could not be put in place ({error.strerror}).") from error
        finally:
            partial.unlink(missing_ok=True)
    return Restored(chosen, aside)


def _chosen(data: Path, backup: Path | None) -> Path:
    """The one that was named, if it is whole, or else the newest that is."""
    candidates = [backup] if backup else taken(data / "backups")
    bad: list[str] = []
    for path in candidates:
        verdict = verdict_on(path) if path.is_file() else "there is no such file"
        if verdict == "ok":
            return path
        bad.append(f"{path}: {verdict}")
    raise DatabaseError("There is no whole backup to restore" + (f" ({'; '.join(bad)})." if bad else "."))


def _set_aside(data: Path, now: int) -> Path | None:
    present = [path for end in _PARTS if (path := data / f"{_NAME}{end}").exists()]
    if not present:
        return None
    aside = data / f"damaged-{datetime.fromtimestamp(now / 1000, tz=UTC):%Y%m%dT%H%M%SZ}"
    aside.mkdir(exist_ok=True)
    for path in present:
        path.replace(aside / path.name)
    return aside


def _sync(path: Path) -> None:
    """It is on the disk for sure when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
