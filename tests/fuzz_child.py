"""The child's side of fuzzing: one file after the other, each end written down before the next one begins."""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.audio.probe import probe
from bot.engines.local.tasks import prepare
from bot.errors import Code, Refused

Progress = Callable[[str, float], None]


def several(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Target of a child. Arguments: files and ends (paths), seconds for each file, and what `probe` takes.

    Appends a line of seconds and end (`used` or a code) for each file; one that hangs takes this process with it.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with Path(arguments["ends"]).open("a", encoding="ascii") as ends:
        for file in arguments["files"]:
            signal.setitimer(signal.ITIMER_REAL, arguments["seconds"])
            start = time.monotonic()
            end = _end(file, arguments, progress)
            signal.setitimer(signal.ITIMER_REAL, 0)
            ends.write(f"{time.monotonic() - start:.2f} {end}\n")
            ends.flush()
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
