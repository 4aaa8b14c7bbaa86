"""The child's side of fuzzing: one file after the other, each end written down before the next one begins."""

from __future__ import annotations

import re
import signal
import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.audio.probe import probe
from bot.engines.local.tasks import prepare
from bot.errors import Code, Refused
from tests.bomb_child import most_memory

Progress = Callable[[str, float], None]


def several(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Target of a child. Arguments: files and ends (paths), seconds for each file, and what `probe` takes.

    Appends a line of seconds, MB so far and end (`used` or a code) for each; one that hangs ends this process.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with Path(arguments["ends"]).open("a", encoding="ascii") as ends:
        for file in arguments["files"]:
            signal.setitimer(signal.ITIMER_REAL, arguments["seconds"])
            start = time.monotonic()
            end = _end(file, arguments, progress)
            signal.setitimer(signal.ITIMER_REAL, 0)
            ends.write(f"{time.monotonic() - start:.2f} {most_memory():.0f} {end}\n")
            ends.flush()
    return {}


def between_marks(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """`several`, with what it loads loaded before, and `begin` and `end` looked for in the folder `marks`."""
    marks = Path(arguments["marks"])
    _end(arguments["files"][0], arguments, progress)
    (marks / "begin").exists()
    several(arguments, progress)
    (marks / "end").exists()
    return {}


def following(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """A decoder that opens whatever its files name, between the same marks."""
    marks = Path(arguments["marks"])
    (marks / "begin").exists()
    for file in arguments["files"]:
        body = Path(file).read_bytes()
        for named in re.findall(rb"/[!-&(-~]+/other\.wav", body):
            Path(named.decode()).read_bytes()
        for host, port in re.findall(rb"http://([0-9.]+):([0-9]+)/", body):
            socket.socket().connect_ex((host.decode(), int(port)))
    (marks / "end").exists()
    return {}


def _end(file: str, arguments: dict[str, Any], progress: Progress) -> str:
    """The end that the worker tells of such an outcome."""
    pcm = Path(f"{file}.pcm")
    limits = {name: arguments[name] for name in ("min_seconds", "max_seconds")}
    try:
        probe({"path": file, **limits}, progress)
        prepare({"source": file, "pcm": str(pcm)}, progress)
    except Refused as refused:
        return refused.refusal.code.value
    except MemoryError:
        return Code.WORKER_LIMIT.value
    except Exception:  # noqa: BLE001 - what the worker calls a fault of its target
        traceback.print_exc()
        return Code.WORKER_DIED.value
    finally:
        pcm.unlink(missing_ok=True)
    return "used"
