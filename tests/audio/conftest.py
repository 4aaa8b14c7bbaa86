"""Two songs prepared once, and a mashup of them, shared by the tests that only look."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.engines.local import tasks
from tests.audio import synth

ONE = synth.Song(tempo=120, tonic=9, seconds=40)
TWO = synth.Song(tempo=126, tonic=2, minor=True, seconds=44, start=0.75, timbre=1, tuning_cents=12)

Mixer = Callable[..., dict[str, Any]]


def still(stage: str, part: float) -> None:
    """Progress that nobody watches."""


def prepared(directory: Path, name: str, song: synth.Song) -> dict[str, Any]:
    """A source as `mix` wants it, after the journey through JSON that it makes between children."""
    source = synth.write_mp3(directory / f"{name}.mp3", synth.stereo(song))
    pcm = directory / f"{name}.pcm"
    analysis = tasks.prepare({"source": str(source), "pcm": str(pcm)}, still)
    return {"pcm": str(pcm), "analysis": json.loads(json.dumps(analysis))}


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    directory = tmp_path_factory.mktemp("sources")
    return [prepared(directory, "one", ONE), prepared(directory, "two", TWO)]


@pytest.fixture(scope="session")
def mixer(pair: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Mixer:
    """Mixes the pair (or other sources) into a directory of its own; the report gains that `directory`."""

    def mix(sources: list[dict[str, Any]] | None = None, **options: Any) -> dict[str, Any]:
        directory = tmp_path_factory.mktemp("mix")
        arguments = {"directory": str(directory), "tracks": 1, "seed": 7, "title": "Night Bus"} | options
        report = tasks.mix(arguments | {"sources": sources or pair}, still)
        return json.loads(json.dumps(report)) | {"directory": directory}

    return mix


@pytest.fixture(scope="session")
def mashup(mixer: Mixer) -> dict[str, Any]:
    return mixer(tracks=2, artist="Ünï ✕ Two")
