"""Ten assertions of a running container about itself: `python inside.py`, with the standard library alone.

It prints one line for each and ends with 1 when one does not hold. What only a container engine can give is told as
`not here` when `--no-engine` says that there is none.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

TOOLS = ("cc", "gcc", "g++", "clang", "cpp", "ld", "make", "cmake", "pip", "pip3", "uv")
NOT_HERE = "not here"


def ordinary_user() -> bool:
    return 0 not in (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *os.getgroups())


def no_capability() -> bool:
    return all(int(_status(name), 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))


def no_new_privileges() -> bool:
    return _status("NoNewPrivs") == "1"


def root_is_read_only() -> bool:
    return bool(os.statvfs("/").f_flag & os.ST_RDONLY) and not any(map(_can_write, ("/", "/etc", "/opt/twodeck")))


def data_can_be_written() -> bool:
    return _can_write("/data") and _can_write("/tmp")


def temporary_files_cannot_be_run() -> bool:
    flags = os.statvfs("/tmp").f_flag
    return all(flags & wanted for wanted in (os.ST_NOEXEC, os.ST_NOSUID, os.ST_NODEV))


def no_compiler_and_no_installer() -> bool:
    """Without an engine the base is the machine's own: then only what the steps made is looked at."""
    modules = ("pip", "setuptools", "hatchling", "ensurepip")
    where = "/opt/twodeck/bin:/usr/local/bin" if "--no-engine" in sys.argv else None
    found = any(shutil.which(tool, path=where) for tool in TOOLS)
    return not found and not any(map(importlib.util.find_spec, modules))


def limits_hold() -> bool | str:
    """Of processes and memory, by the engine's control group."""
    if "--no-engine" in sys.argv:
        return NOT_HERE
    group = Path("/sys/fs/cgroup")
    return all((group / name).read_text().strip() != "max" for name in ("pids.max", "memory.max"))


def nothing_of_the_host() -> bool:
    left = ("/var/run/docker.sock", "/run/docker.sock", "/src", "/data/.env", "/opt/twodeck/tests")
    return not any(map(os.path.exists, left)) and not any("BUILD_SECRET" in name for name in os.environ)


def decoders_and_notices() -> bool:
    version = subprocess.run(["/usr/bin/ffmpeg", "-version"], stdout=subprocess.PIPE, text=True, check=False)
    have = all(importlib.util.find_spec(name) for name in ("soundfile", "soxr", "lameenc", "numpy"))
    notices = Path("/usr/share/doc/twodeck/NOTICES.md")
    return version.stdout.startswith("ffmpeg version") and have and "LGPL" in notices.read_text("utf-8")


ASSERTIONS: tuple[Callable[[], bool | str], ...] = (
    ordinary_user,
    no_capability,
    no_new_privileges,
    root_is_read_only,
    data_can_be_written,
    temporary_files_cannot_be_run,
    no_compiler_and_no_installer,
    limits_hold,
    nothing_of_the_host,
    decoders_and_notices,
)


def _status(name: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))


def _can_write(folder: str) -> bool:
    probe = Path(folder) / ".probe"
    try:
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError:
        return False
    return True


def main() -> int:
    words: list[str] = []
    for number, check in enumerate(ASSERTIONS, 1):
        outcome = check()
        words.append(outcome if isinstance(outcome, str) else "ok" if outcome else "FAILED")
        sys.stdout.write(f"{number:2} {check.__name__.replace('_', ' ')}: {words[-1]}\n")
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("ok", NOT_HERE, "FAILED"))
    sys.stdout.write(f"assertions: {counts}\n")
    return int("FAILED" in words)


if __name__ == "__main__":
    sys.exit(main())
