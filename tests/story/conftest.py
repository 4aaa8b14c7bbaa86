"""Stories run against one playground with the real bot as a child process, shared by the tests of a file."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.audio.synth import Song, stereo, write_mp3
from tests.playground import Playground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with Playground(tmp_path_factory.mktemp("playground")) as playground:
        await playground.start_bot()
        yield playground
        log = (playground.directory or Path()).joinpath("bot.log").read_text("utf-8")
        assert "Traceback" not in log, log[-4000:]


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two short pieces in different tempo and key."""
    folder = tmp_path_factory.mktemp("songs")
    first = write_mp3(folder / "first song.mp3", stereo(Song(tempo=120, seconds=20, tonic=9, minor=True)))
    second = write_mp3(folder / "second_song.mp3", stereo(Song(tempo=112, seconds=20, tonic=0)))
    return first, second


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A real PNG."""
    from PIL import Image

    with io.BytesIO() as file:
        Image.new("RGB", (64, 64), "navy").save(file, "PNG")
        return file.getvalue()
