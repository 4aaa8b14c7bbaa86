"""What the worker's tests run in a child: each function tries one thing that a run must survive."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.cage import calls
from bot.errors import Code, Refused
from bot.worker.child import Progress

PROGRAMS = {
    "reach": (Path(sys.executable).resolve(),),
    "chatter": (Path("/bin/echo"),),
    "sleep": (Path("/bin/sleep"),),
    "shell": (Path("/bin/sh"),),
}
"""What they start."""


def describe(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    return {
        "arguments": dict(arguments),
        "environment": dict(os.environ),
        "directory": str(Path.cwd()),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "modules": [name for name in sys.modules if name.partition(".")[0] in {"aiohttp", "discord", "numpy"}],
        "descriptors": [entry.name for entry in Path("/dev/fd").iterdir()],
    }


def reach(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """What a connection to a listening port, a socket of each family and a child's own try say."""
    port = int(arguments["port"])
    answers: dict[str, str] = {}
    for family in ("AF_INET", "AF_INET6", "AF_UNIX"):
        try:
            socket.socket(getattr(socket, family), socket.SOCK_STREAM).close()
            answers[family] = "open"
        except OSError as error:
            answers[family] = error.__class__.__name__
    program = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
    done = subprocess.run([PROGRAMS["reach"][0], "-I", "-S", "-c", program], check=False, capture_output=True)
    return answers | {"grandchild": "open" if done.returncode == 0 else "denied"}


def shell(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """What the shell says to each script, started like ffmpeg; signals of its own that it dies by included."""
    return {
        script: subprocess.run(
            ["/bin/sh", "-c", script],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=calls.deny_processes,
        ).returncode
        for script in arguments["scripts"]
    }


def report(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    for number in range(100):
        progress("early", number / 100)
    progress("late", 1.0)
    return {}


def chatter(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    sys.stdout.write('{"result": {"forged": true}}\n')
    sys.stdout.flush()
    os.write(1, b'{"result": {"forged": true}}\n')
    subprocess.run(["/bin/echo", '{"result": {"forged": true}}'], check=True)
    return {"forged": False}


def refuse(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    raise Refused(Code.AUDIO_TOO_SHORT, seconds=1.5, minimum=10)


def fail(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    sys.stderr.write("x" * 100_000)
    raise RuntimeError("a very private detail")


def big(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    return {"text": "x" * int(arguments["size"])}


def allocate(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    return {"size": len(bytearray(int(arguments["size"])))}


def spin(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    progress("spins", 0.0)
    end = time.process_time() + arguments["seconds"]
    while time.process_time() < end:
        pass
    return {}


def write(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    Path("big").write_bytes(b"x" * int(arguments["size"]))
    return {"size": Path("big").stat().st_size}


def open_many(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    with contextlib.ExitStack() as files:
        for _ in range(arguments["count"]):
            files.enter_context(Path(os.devnull).open())
    return {"count": arguments["count"]}


def crash(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    os.kill(os.getpid(), getattr(signal, arguments["signal"]))
    return {}


def sleep(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Reports its own process id and that of a process it started, as stages."""
    helper = subprocess.Popen(["/bin/sleep", str(arguments["seconds"])])
    progress(f"{os.getpid()} {helper.pid}", 0.0)
    time.sleep(arguments["seconds"])
    helper.wait()
    return {}


def cling(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Outlives its parent as far as it is let: without the kernel's signal, without its own watching thread."""
    if not arguments["kernel"]:
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    progress(str(os.getpid()), 0.0)
    if not arguments["watcher"]:
        ctypes.PyDLL(None).sleep(int(arguments["seconds"]))  # keeps every other thread of this process waiting
    time.sleep(arguments["seconds"])
    return {}


def linger(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Leaves behind a thread and a detached process that holds stderr."""
    threading.Thread(target=time.sleep, args=(20,)).start()
    helper = subprocess.Popen(["/bin/sleep", "20"], start_new_session=True)
    return {"helper": helper.pid}


def overlap(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    start = time.monotonic()
    time.sleep(0.4)
    return {"start": start, "end": time.monotonic()}


def _hidden(  # pyright: ignore[reportUnusedFunction] - asked for by its name
    arguments: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    return {}
