"""The two children of a local mashup; each imports only what it needs, for imports cost as much as audio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Progress = Callable[[str, float], None]


def prepare(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Target of a child. Arguments: source, pcm (paths). Writes the PCM file and returns `Analysis` as JSON."""
    from bot.engines.local.hearing import hear  # noqa: PLC0415

    return hear(Path(arguments["source"]), Path(arguments["pcm"]), progress).to_json()


def mix(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Target of a child. Writes track-N.mp3 and track-N.png into `directory` and returns the report.

    Arguments: sources (two of pcm and analysis), directory, tracks (1 or 2: the second exchanges the roles), seed,
    title, and maybe artist, wishes (of `plan.Wishes`, by name), max_bytes (of each MP3).
    """
    from bot.engines.local.mixing import make  # noqa: PLC0415

    return make(arguments, progress)
