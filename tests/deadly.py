"""A decoder that kills its process, as native code can; `python -m tests.deadly` is a bot that calls it itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.scorecard.commands import ROOT


def decode(arguments: Mapping[str, Any], progress: object) -> dict[str, Any]:
    """Target of a child."""
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def in_the_bot() -> int:
    """How a process ends that decodes by itself."""
    return subprocess.run([sys.executable, "-m", "tests.deadly"], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    decode({}, None)
