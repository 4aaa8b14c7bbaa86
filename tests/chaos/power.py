"""A power cut for SQLite: what was synced is copied aside, and a cut puts back just that.

The copies are made where SQLite's default VFS syncs a file, by a hook in its table of methods: everything that was
written and not synced is lost, which is the worst that a disk that keeps its word may do.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

FILES = ("twodeck.db", "twodeck.db-wal")
_INDEX = "twodeck.db-shm"
_METHODS = 18
_SYNC = 4


class _Methods(ctypes.Structure):
    """sqlite3_io_methods: a version and function pointers; the fifth is xSync."""

    _fields_ = (("version", ctypes.c_int), ("calls", ctypes.c_void_p * _METHODS))


class _File(ctypes.Structure):
    """sqlite3_file."""

    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


_Open = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(_File), ctypes.c_int, ctypes.c_void_p
)
_Sync = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_File), ctypes.c_int)


class _Vfs(ctypes.Structure):
    """The head of sqlite3_vfs."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", _Open),
    )


_kept: list[Any] = []
"""What SQLite points at, for the life of the process."""


def keep_synced(folder: Path) -> None:
    """From now on keep a copy in `folder` of each database file as it was at its last sync."""
    folder.mkdir(parents=True, exist_ok=True)
    vfs = _default_vfs()
    original = _Open(ctypes.cast(vfs.open, ctypes.c_void_p).value or 0)

    def opened(own: int, name: int | None, file: Any, flags: int, given: int) -> int:
        status = original(own, name, file, flags, given)  # the name's address too: SQLite keeps it
        path = Path(os.fsdecode(ctypes.string_at(name))) if name else Path()
        if status == 0 and path.name in FILES:
            _hook(file, path, folder)
        return status

    hook = _Open(opened)
    _kept.extend((original, hook))
    vfs.open = hook


def cut(folder: Path, data: Path) -> None:
    """Leave in `data` just what was synced; the bot has to be dead."""
    for name in FILES:
        if (folder / name).exists():
            shutil.copyfile(folder / name, data / name)
        else:
            (data / name).unlink(missing_ok=True)
    (data / _INDEX).unlink(missing_ok=True)


def _hook(file: Any, path: Path, folder: Path) -> None:
    """Give this open file methods of its own, whose sync makes the copy afterwards."""
    methods = _Methods.from_buffer_copy(file.contents.methods.contents)
    original = _Sync(methods.calls[_SYNC] or 0)

    def synced(same: Any, flags: int) -> int:
        status = original(same, flags)
        if status == 0:
            _copy(path, folder / path.name)
        return status

    hook = _Sync(synced)
    methods.calls[_SYNC] = ctypes.cast(hook, ctypes.c_void_p).value
    _kept.extend((methods, original, hook))
    file.contents.methods = ctypes.pointer(methods)


def _copy(path: Path, target: Path) -> None:
    """Whole or not at all: the process may be killed in the middle."""
    part = target.with_name(target.name + ".part")
    shutil.copyfile(path, part)
    part.replace(target)


def _default_vfs() -> Any:
    """The VFS of the library that the sqlite3 module uses."""
    find: Any = _library().sqlite3_vfs_find
    find.restype = ctypes.POINTER(_Vfs)
    return find(None).contents


def _library() -> ctypes.CDLL:
    """The one that is loaded already: beside the module, or inside it."""
    import _sqlite3

    sqlite3.connect(":memory:").close()
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.argtypes = (ctypes.c_char_p,)
    return library
