"""Can the child processes read every format, and does what holds them really hold."""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.doctor.finding import Finding, Level, error, ok, warning
from bot.engines.local.studio import RENDER
from bot.engines.probe import probe
from bot.errors import Code, Refused
from bot.worker.pool import ALLOWED, Limits, Pool
from bot.worker.protections import Protection, protections

SAMPLES = Path(__file__).parent / "samples"
"""Half a second of a tone in each format."""
FORMATS = ("mp3", "wav", "flac", "ogg", "opus", "m4a")
_CHILDREN = 2
_SHORTEST_SECONDS = 0.1
_INSTALL = "Install Twodeck anew (make install): a library that reads audio is missing or damaged."
_M4A = "Install ffmpeg (apt-get install ffmpeg) or the extra m4a; without it only m4a files are refused."
_ALLOWED_NAMES = {"PYTHONPATH", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TMPDIR"}


async def examine(samples: Path = SAMPLES) -> list[Finding]:
    """A child for each format and one for the limits, two at a time."""
    pool = Pool(_CHILDREN, allowed=(*ALLOWED, "bot.doctor.inside"))
    try:
        return await asyncio.gather(*(_decoder(pool, samples / f"tone.{kind}") for kind in FORMATS), _limits(pool))
    finally:
        await pool.close()


async def _decoder(pool: Pool, sample: Path) -> Finding:
    kind = sample.suffix[1:]
    check = f"decoder-{kind}"
    try:
        found = await probe(pool, sample, sample.name, shortest=_SHORTEST_SECONDS)
    except Refused as refused:
        if refused.refusal.code == Code.NEEDS_FFMPEG:
            return warning(check, "Files of this kind cannot be read here.", _M4A)
        return error(check, f"A good file was refused ({refused.refusal.code}).", _INSTALL)
    if found.kind != kind:
        return error(check, f"A good file was taken for {found.kind}.", _INSTALL)
    return ok(check, "A file of this kind was decoded in a child process.")


async def _limits(pool: Pool) -> Finding:
    with tempfile.TemporaryDirectory(prefix="twodeck-doctor-") as directory:
        arguments = {"memory_bytes": RENDER.memory_bytes}
        try:
            told = await pool.run("bot.doctor.inside:tell", arguments, directory=Path(directory), limits=RENDER)
        except Refused as refused:
            seen = f"A child process could not be asked ({refused.refusal.code})."
            return error("worker-limits", seen, "Check that this system lets a process start others.")
    return confined(judged(told, RENDER), protections())


def confined(found: Finding, protections: Sequence[Protection]) -> Finding:
    """What was found, or a warning where all else holds and the system lacks a protection."""
    lacking = [one for one in protections if not one.holds]
    if found.level is not Level.OK or not lacking:
        return found
    seen = f"A child process is not held in altogether: {', '.join(one.name for one in lacking)}."
    return warning(found.check, seen, f"Run the bot on {' and '.join(one.lacking for one in lacking)}.")


def judged(told: Mapping[str, Any], asked: Limits, platform: str = sys.platform) -> Finding:
    """What a child said of itself, against what it was given."""
    wanted = {name: value for name, value in asdict(asked).items() if name in told}
    loose = [name for name, value in wanted.items() if told[name] == resource.RLIM_INFINITY or told[name] > value]
    if platform == "darwin":  # which has no limit of memory to give
        loose = [name for name in loose if name != "memory_bytes"]
    elif told["took"] and "memory_bytes" not in loose:
        loose.append("memory_bytes")
    if problems := [*(f"{_word(name)} without a limit" for name in loose), *_seen_too_much(told)]:
        seen = f"A child process is not held: {', '.join(problems)}."
        return error(
            "worker-limits", seen, "Run the bot where limits of a process (setrlimit) work; do not trust this one."
        )
    if tight := [_word(name) for name, value in wanted.items() if told[name] < value]:
        seen = f"A child process gets less than a long mashup may need: {', '.join(tight)}."
        return warning("worker-limits", seen, "Raise the limits (ulimit) of whatever starts the bot.")
    if told["socket"] or platform == "darwin":
        seen = "Limits hold, but this system lets a child process open sockets, or gives no limit of memory."
        return warning("worker-limits", seen, "Run the bot on Linux, on x86-64 or ARM64, where seccomp is allowed.")
    return ok(
        "worker-limits", "A child process was denied memory over its limit, sockets, and the bot's environment."
    )


def _seen_too_much(told: Mapping[str, Any]) -> Iterator[str]:
    if names := set(told["environment"]) - _ALLOWED_NAMES:
        yield f"it sees {len(names)} of the bot's variables"


def _word(name: str) -> str:
    return name.replace("_bytes", "").replace("_", " ")
