"""Becomes the given Python module, which on Linux dies with the process that started it, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """`PARENT_PID MODULE [ARGUMENT...]`."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        # The wish survives exec; it is about the parent of now, so a parent that died before must be noticed here.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
