"""`python -m tests.confusion FOLDER`: decode every container of FOLDER in a child, to be watched by strace.

The files `begin` and `end` of the folder, which are not there, are looked for before and behind: marks.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bot.engines.local.studio import DECODE
from bot.formats.ffmpeg import ffmpeg_path
from bot.worker import pool as workers
from bot.worker.pool import Pool
from tests.audio import synth
from tests.cage import BARE
from tests.containers import containers
from tests.scorecard.commands import ROOT

_CALL = re.compile(r'^(\d+) +(\w+)\((?:AT_FDCWD, |\d+, )?"?([^"]*)"?.* = (-?\d+)', re.MULTILINE)
_OPENING = frozenset({"open", "openat", "openat2", "creat"})
_NETWORK = frozenset({"socket", "connect", "bind", "sendto", "sendmsg", "sendmmsg"})
OTHER = "other.wav"


def watched(*, following: bool = False) -> tuple[int, list[str], list[str]]:
    """How many containers were decoded, which foreign files were opened or looked for, what was asked of networks.

    With `following` the decoder is one that follows what it reads, in a child that nothing holds in.
    """
    with tempfile.TemporaryDirectory(prefix="confusion-") as name:
        folder, trace = Path(name) / "files", Path(name) / "trace"
        folder.mkdir()
        other = synth.write(Path(name) / OTHER, synth.stereo(synth.Song(seconds=6)), synth.RATE, "PCM_16")
        made = containers(str(other), "127.0.0.1:9")
        for number, body in enumerate(made.values()):
            (folder / f"{number:03}").write_bytes(body)
        command = ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=%file,%network", "-o", str(trace)]
        command += [sys.executable, "-m", "tests.confusion", str(folder), *(["following"] if following else [])]
        subprocess.run(command, cwd=ROOT, check=True)
        lines = _between(trace.read_text("utf-8", "replace"), folder)
        asked = [f"{call} {path}" for call, path, _ in lines if call in _NETWORK]
        return len(made), _foreign(lines, folder, other), asked


def _between(text: str, folder: Path) -> list[tuple[str, str, int]]:
    """Call, path and answer of what the child did between its marks, and of processes that it started there."""
    calls = [(pid, call, path, int(answer)) for pid, call, path, answer in _CALL.findall(text)]
    begin = next(at for at, call in enumerate(calls) if call[2] == str(folder / "begin"))
    end = next(at for at, call in enumerate(calls) if call[2] == str(folder / "end"))
    child = calls[begin][0]
    outside = {pid for pid, *_ in calls[:begin]} - {child}
    return [(call, path, answer) for pid, call, path, answer in calls[begin:end] if pid not in outside]


def _foreign(lines: list[tuple[str, str, int]], folder: Path, other: Path) -> list[str]:
    homes = (sys.prefix, sys.base_prefix, str(ROOT / "bot"), "/usr/lib", "/lib", "/etc/ld.so", "/proc/self", "/dev")
    opened = [path for call, path, answer in lines if call in _OPENING and answer >= 0]
    strange = [path for path in opened if not path.startswith((str(folder), *homes))]
    return strange + [path for _, path, _ in lines if path.endswith(other.name)]


async def _decode(folder: Path, files: list[Path], target: str) -> None:
    arguments = {"files": [str(path) for path in files], "ends": str(folder / "ends"), "marks": str(folder)}
    arguments |= {"seconds": 60, "min_seconds": 5, "max_seconds": 600}
    program = ffmpeg_path()
    pool = Pool(1, allowed=("tests.fuzz_child",))
    try:
        await pool.run(
            f"tests.fuzz_child:{target}",
            arguments,
            directory=folder,
            limits=DECODE,
            programs=(program,) if program else (),
        )
    finally:
        await pool.close()


if __name__ == "__main__":
    if sys.argv[2:]:
        workers.CHILD = BARE
    folder = Path(sys.argv[1])
    asyncio.run(_decode(folder, sorted(folder.iterdir()), "following" if sys.argv[2:] else "between_marks"))
