"""The data folder and the disk it is on."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from bot.doctor.finding import Finding, error, ok, warning
from bot.upkeep import is_low

_TRIED_BYTES = 1 << 20


def examine(folder: Path) -> list[Finding]:
    """Whether the bot could write there, tried with a file of 1 MiB, and for how long there will be room."""
    home = _nearest(folder)
    return [_writable(folder, home), _room(home)]


def _writable(folder: Path, home: Path) -> Finding:
    if home != folder:
        if home.is_dir() and os.access(home, os.W_OK | os.X_OK):
            return ok("data-folder", f"{folder} is not there yet; the bot's first start makes it.")
        return _locked(folder, f"it cannot be made in {home}")
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(bytes(_TRIED_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        return _locked(folder, problem.strerror or type(problem).__name__)
    return ok("data-folder", f"{folder} can be written.")


def _locked(folder: Path, why: str) -> Finding:
    fix = "Make room, give the folder to the bot's user, or set TWODECK_DATA_DIR to one that can be written."
    return error("data-folder", f"{folder} cannot be written: {why}.", fix)


def _room(home: Path) -> Finding:
    try:
        disk = shutil.disk_usage(home)
    except OSError as problem:
        return error("disk", f"The disk of {home} tells nothing ({problem.strerror}).", "Check that it is mounted.")
    return room(disk.free, disk.total)


def room(free: int, total: int) -> Finding:
    """What so many free bytes mean; where none are left to try with, `data-folder` is an error, too."""
    seen = f"{free / (1 << 30):.1f} of {total / (1 << 30):.1f} GiB are free."
    if is_low(free, total):
        fix = "Make room, use a larger disk, or lower TWODECK_KEEP_RESULT_DAYS and TWODECK_BACKUP_KEEP."
        return warning("disk", seen, fix)
    return ok("disk", seen)


def _nearest(folder: Path) -> Path:
    """The folder, or the first one above it that is there."""
    return next((one for one in (folder, *folder.absolute().parents) if one.exists()), Path("/"))
