"""Where an ffmpeg program is, and which files are decoded by it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bot.errors import Refused
from bot.formats.magic import kind_of

# Children have no PATH to search.
DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")


def ffmpeg_path() -> Path | None:
    candidates = (Path(directory) / "ffmpeg" for directory in DIRECTORIES)
    return next((path for path in candidates if path.is_file()), None)


def needed_for(path: Path) -> tuple[Path, ...]:
    """The programs that decoding `path` starts: ffmpeg for AAC where PyAV is not installed, else none."""
    try:
        kind = kind_of(path)
    except Refused:  # the child says why
        return ()
    program = ffmpeg_path() if kind == "aac" and find_spec("av") is None else None
    return (program,) if program else ()
