"""The child's side of a run: cap this process, import one allowed target, speak newline-delimited JSON."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from bot.cage import calls, files
from bot.errors import Code, Refused

Progress = Callable[[str, float], None]
Target = Callable[[Mapping[str, Any], Progress], Mapping[str, Any]]

_PROGRESS_PAUSE = 0.1  # seconds between two reports of the same stage
_PR_SET_PDEATHSIG = 1
_ROOT = Path(__file__).resolve().parents[2]
_EXHAUSTED = {errno.ENOMEM: "memory", errno.EFBIG: "file-size", errno.EMFILE: "open-files"}


def main() -> None:
    """Serve the one request on stdin, then leave without running anything the target left behind."""
    reply = _Reply(_take_over(1, os.dup(2)))
    requests = _take_over(0, os.open(os.devnull, os.O_RDONLY))
    request = json.loads(_read_line(requests))
    _cap(request["limits"])
    _lock_in(request)
    threading.Thread(target=_die_with_parent, args=(requests,), daemon=True).start()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    if request["directory"] is not None:
        os.environ["TMPDIR"] = request["directory"]
    reply.final(_serve(request, reply))
    sys.stderr.flush()
    os._exit(0)


class _Reply:
    """The private way back to the parent; progress is thinned out here."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._stage = ""
        self._next = 0.0

    def progress(self, stage: str, fraction: float) -> None:
        """`fraction` is 0 to 1 within the stage."""
        now = time.monotonic()
        if stage == self._stage and now < self._next and fraction < 1:
            return
        self._stage, self._next = stage, now + _PROGRESS_PAUSE
        self.final({"progress": [stage, fraction]})

    def final(self, message: Mapping[str, Any]) -> None:
        left = memoryview(json.dumps(message).encode() + b"\n")
        while left:
            left = left[os.write(self._descriptor, left) :]


def _serve(request: Mapping[str, Any], reply: _Reply) -> dict[str, Any]:
    """The last message: `result`, `refusal` or `fault`."""
    try:
        target = _find(request["target"], request["allowed"])
        result = target(request["arguments"], reply.progress)
        json.dumps(result)  # a result that cannot be sent is the target's fault, told like any other
        return {"result": result}
    except Refused as refused:
        return {"refusal": refused.refusal.to_json()}
    except MemoryError:
        return {"refusal": Refused(Code.WORKER_LIMIT, limit="memory").refusal.to_json()}
    except BaseException as error:  # noqa: BLE001 - the parent logs whatever it was
        limit = _EXHAUSTED.get(error.errno or 0) if isinstance(error, OSError) else None
        if limit:
            return {"refusal": Refused(Code.WORKER_LIMIT, limit=limit).refusal.to_json()}
        return {"fault": traceback.format_exc()}


def _find(target: str, allowed: Sequence[str]) -> Target:
    """`module:function`, the function written in that module and the module on the list; else ValueError."""
    module_name, _, name = target.partition(":")
    if not any(module_name.startswith(entry) if entry[-1] == "." else module_name == entry for entry in allowed):
        raise ValueError(f"target {target!r} is not on the list")
    found: Any = getattr(importlib.import_module(module_name), name)
    if name.startswith("_") or not callable(found) or found.__module__ != module_name:
        raise ValueError(f"target {target!r} is not a public function of its module")
    return cast(Target, found)


def _take_over(descriptor: int, stand_in: int) -> int:
    """Move a standard stream to a private, uninherited descriptor; the target sees `stand_in` in its place."""
    private = os.dup(descriptor)
    os.dup2(stand_in, descriptor)
    os.close(stand_in)
    return private


def _read_line(descriptor: int) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            os._exit(1)
        line += chunk
    return bytes(line)


def _cap(limits: Mapping[str, Any]) -> None:
    """Resource limits first, then priority and the tie to the parent's life."""
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform != "darwin":  # Darwin has the constant and refuses the call
        _limit(resource.RLIMIT_AS, limits["memory_bytes"])
    # One second between the limits, so that SIGXCPU comes before SIGKILL and can be told from it.
    _limit(resource.RLIMIT_CPU, limits["cpu_seconds"], slack=1)
    _limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _limit(resource.RLIMIT_NOFILE, limits["open_files"])
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # CPython ignores it, and libraries misread the short write
    os.nice(10)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _lock_in(request: Mapping[str, Any]) -> None:
    """Everything that this system offers (`protections`); where one of it fails, nothing runs."""
    programs = [Path(program) for program in request["programs"]]
    if files.version():
        packages = {entry.partition(".")[0] for entry in ("bot", *request["allowed"])}
        for package in packages:  # while their folder can still be listed
            importlib.import_module(package)
        calls.renounce()
        files.confine(
            code=[*_libraries(), *(_ROOT / package for package in packages)],
            reads=[Path(path) for path in request["reads"]],
            programs=programs,
            folder=None if request["directory"] is None else Path(request["directory"]),
        )
    if calls.available():
        calls.deny(programs=bool(programs))


def _libraries() -> list[Path]:
    """Python's own and the installed ones, but not the folder around an editable install: settings lie there."""
    homes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    own = [Path(home, name) for home in homes for name in ("lib", "lib64", "ssl")]
    return [*own, *(path for entry in sys.path if entry and (path := Path(entry)) != _ROOT)]


def _limit(kind: int, value: int, slack: int = 0) -> None:
    hard = resource.getrlimit(kind)[1]
    ceiling = value + slack if hard == resource.RLIM_INFINITY else min(value + slack, hard)
    resource.setrlimit(kind, (min(value, ceiling), ceiling))


def _die_with_parent(requests: int) -> None:
    """The parent never writes a second line and never closes first: the end of stdin is its death."""
    with contextlib.suppress(OSError):
        while os.read(requests, 1 << 12):
            pass
    os._exit(1)


if __name__ == "__main__":
    main()
