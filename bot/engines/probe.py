"""Is this file audio that an engine can use? Decided in a capped child, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.errors import Refused
from bot.formats.ffmpeg import needed_for
from bot.worker.pool import Limits, Pool

SHORTEST_SECONDS = 5
LONGEST_SECONDS = 600
_LIMITS = Limits(memory_bytes=512 << 20, cpu_seconds=60, file_bytes=1 << 20, open_files=32, wall_seconds=120)


@dataclass(frozen=True)
class Probed:
    """What a usable file turned out to be. `kind` is mp3, wav, flac, ogg, opus or m4a, whatever its name said."""

    kind: str
    seconds: float


async def probe(pool: Pool, path: Path, name: str, *, shortest: float = SHORTEST_SECONDS) -> Probed:
    """Decode `path` once. Raises `Refused`, whose values carry `name`, what the member called the file."""
    arguments = {"path": str(path), "min_seconds": shortest, "max_seconds": LONGEST_SECONDS}
    try:
        found = await pool.run(
            "bot.audio.probe:probe", arguments, reads=(path,), programs=needed_for(path), limits=_LIMITS
        )
    except Refused as refused:
        raise Refused(refused.refusal.code, **{**refused.refusal.values, "name": name}) from refused
    return Probed(kind=str(found["format"]), seconds=float(found["seconds"]))
