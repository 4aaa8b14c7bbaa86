"""Denies a Linux process, and all that it starts, every file but those it is given.

Landlock, from Linux 5.13 on. It holds for the thread that asks and for all threads and processes that come from it.
What is open already stays open; names, sizes and dates of files stay visible. It also keeps signals inside from
Linux 6.12 on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every machine
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE, _READ, _LIST, _REMOVE_FILE, _MAKE_FILE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8
_MOVE, _TRUNCATE, _DEVICES = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11
_LATER_RIGHTS = {2: _MOVE, 3: _TRUNCATE, 5: _DEVICES}
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICES

# Where libraries lie, what they ask for as they load, and the devices without a secret.
_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache",
    "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies", "/usr/share/crypto-policies",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/dev/urandom", "/dev/zero",
)  # fmt: skip
_LOADERS = ("lib64/ld-linux*", "lib/ld-linux*", "lib/ld-musl*")


def version() -> int:
    """Which Landlock this kernel has, 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, ctypes.CDLL(None).syscall(_CREATE, None, 0, _VERSION))


def confine(*, code: Iterable[Path], reads: Iterable[Path], programs: Iterable[Path], folder: Path | None) -> None:
    """Leave this process what libraries need, what is below `code`, the files `reads`, and a `folder` to write in.

    In `folder` it may make, move and remove plain files and nothing else; `programs` it may start. Raises OSError
    where that does not come to hold.
    """
    found = version()
    known = _FIRST_RIGHTS | sum(right for first, right in _LATER_RIGHTS.items() if first <= found)
    attributes = struct.pack("QQQ", known, 0, _SIGNALS_AND_ABSTRACT_SOCKETS if found >= 6 else 0)
    rules = _call(_CREATE, attributes, 24 if found >= 6 else 8, 0)
    try:
        for path in (*map(Path, _SYSTEM), *code, *reads):
            _allow(rules, path, _READ | _LIST)
        _allow(rules, Path(os.devnull), _READ | _WRITE)
        if folder is not None:
            _allow(rules, folder, known & (_READ | _LIST | _WRITE | _MAKE_FILE | _REMOVE_FILE | _MOVE | _TRUNCATE))
        if started := tuple(programs):
            for path in (*started, *(path for loader in _LOADERS for path in Path("/").glob(loader))):
                _allow(rules, path, _READ | _EXECUTE)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    """What is not there needs no rule."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        place = os.open(path, os.O_PATH)
        try:
            allowed = rights if path.is_dir() else rights & _ON_FILES
            _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", allowed, place), 0)
        finally:
            os.close(place)


def _call(number: int, *arguments: int | bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall(number, *(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    if answer < 0:
        raise OSError(ctypes.get_errno(), "the files are not confined")
    return answer
