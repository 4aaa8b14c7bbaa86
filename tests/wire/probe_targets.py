"""What somebody would try who took over a decoder: each function is one way out of a worker's child.

A way that is open returns `open`; one that is shut returns the error, or ends the child.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Progress = Callable[[str, float], None]
Arguments = Mapping[str, Any]
GIGABYTE = 1 << 30
_PTRACE_SEIZE = 0x4206


def attempt(arguments: Arguments, progress: Progress) -> dict[str, Any]:
    """Target of a child. Arguments: way (one of `WAYS`), and what the ways need."""
    try:
        WAYS[arguments["way"]](arguments)
    except (OSError, MemoryError) as error:
        return {"found": type(error).__name__}
    return {"found": "open"}


def _environment_of_others(arguments: Arguments) -> None:
    for process in (os.getppid(), arguments["victim"]):
        Path(f"/proc/{process}/environ").read_bytes()


def _own_environment(arguments: Arguments) -> None:
    """Its own, and what it was started with."""
    known = [*os.environ.values(), *Path("/proc/self/environ").read_text("utf-8", "replace").split("\0")]
    if not any(arguments["secret"] in value for value in known):
        raise PermissionError


def _read_database(arguments: Arguments) -> None:
    Path(arguments["database"]).read_bytes()


def _write_database(arguments: Arguments) -> None:
    with Path(arguments["database"]).open("r+b") as file:
        file.write(b"")


def _list_database(arguments: Arguments) -> None:
    list(Path(arguments["database"]).parent.iterdir())


def _shut_database(arguments: Arguments) -> None:
    Path(arguments["database"]).chmod(0o600)


def _link_database(arguments: Arguments) -> None:
    """What the bot takes for its child's result would be another file."""
    Path("result.mp3").symlink_to(arguments["database"])


def _inherited_database(arguments: Arguments) -> None:
    for descriptor in range(256):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), Path(arguments["database"]).stat()):
                return
    raise PermissionError


def _connect(arguments: Arguments) -> None:
    socket.create_connection(("127.0.0.1", arguments["port"]), 5).close()


def _connect_locally(arguments: Arguments) -> None:
    with socket.socket(socket.AF_UNIX) as talk:
        talk.connect(arguments["control"])


def _send_packet(arguments: Arguments) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
        talk.sendto(b"hello", ("127.0.0.1", arguments["port"]))


def _fork(arguments: Arguments) -> None:
    for _ in range(50):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)


def _start_program(arguments: Arguments) -> None:
    os.execv("/bin/true", ["true"])


def _write_gigabyte(arguments: Arguments) -> None:
    with Path("big").open("wb") as file:
        file.truncate(GIGABYTE)


def _allocate(arguments: Arguments) -> None:
    mmap.mmap(-1, 8 * GIGABYTE).close()


def _memory_without_limit(arguments: Arguments) -> None:
    os.close(os.memfd_create("hidden"))


def _spin(arguments: Arguments) -> None:
    end = time.process_time() + arguments["spin_seconds"]
    while time.process_time() < end:
        pass


def _trace(arguments: Arguments) -> None:
    _called(ctypes.CDLL(None, use_errno=True).ptrace(_PTRACE_SEIZE, arguments["victim"], None, None))


def _read_memory(arguments: Arguments) -> None:
    """Nothing lies at address 0: only who may ask is told so."""
    room = ctypes.create_string_buffer(8)
    here, there = struct.pack("PN", ctypes.addressof(room), 8), struct.pack("PN", 0, 8)
    ctypes.CDLL(None, use_errno=True).process_vm_readv(arguments["victim"], here, 1, there, 1, 0)
    if ctypes.get_errno() != errno.EFAULT:
        Path(f"/proc/{os.getppid()}/mem").open("rb").close()


def _signal(arguments: Arguments) -> None:
    os.kill(arguments["victim"], signal.SIGCONT)


def _called(answer: int) -> None:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "refused")


WAYS: Mapping[str, Callable[[Arguments], None]] = {
    "the environment of the bot": _environment_of_others,
    "a secret in its own environment": _own_environment,
    "reading the database": _read_database,
    "writing the database": _write_database,
    "listing the data folder": _list_database,
    "changing the database's rights": _shut_database,
    "a link to the database": _link_database,
    "an inherited descriptor": _inherited_database,
    "a connection": _connect,
    "the control socket": _connect_locally,
    "a packet": _send_packet,
    "many processes": _fork,
    "another program": _start_program,
    "a file of 1 GB": _write_gigabyte,
    "8 GB of memory": _allocate,
    "memory that no limit counts": _memory_without_limit,
    "processor time": _spin,
    "tracing a process": _trace,
    "the bot's memory": _read_memory,
    "a signal": _signal,
}
