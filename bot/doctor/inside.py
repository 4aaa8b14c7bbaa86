"""Runs in a worker's child process and tells what holds it: a child that is asked for its own limits."""

from __future__ import annotations

import mmap
import os
import resource
import socket
from collections.abc import Callable, Mapping
from typing import Any


def tell(arguments: Mapping[str, Any], progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Target of a child. Argument: `memory_bytes`, how much it then tries to take."""
    return {
        "memory_bytes": resource.getrlimit(resource.RLIMIT_AS)[0],
        "cpu_seconds": resource.getrlimit(resource.RLIMIT_CPU)[0],
        "file_bytes": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "took": _takes(int(arguments["memory_bytes"])),
        "socket": _opens_socket(),
        "environment": sorted(os.environ),
    }


def _takes(memory_bytes: int) -> bool:
    try:
        mmap.mmap(-1, memory_bytes).close()
    except (OSError, MemoryError):
        return False
    return True


def _opens_socket() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
