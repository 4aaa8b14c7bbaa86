"""Stories run against one playground with the real bot as a child process, shared by the tests of a file."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.playground.world import Channel
from tests.audio.synth import Song, stereo, write_mp3
from tests.browser import NoBrowserError, chromium
from tests.playground import Playground
from tests.story.page_bot import PageBot
from tests.story.page_visit import Visit
from tests.story.told import Told


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
def short_songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same, where the music does not matter."""
    folder = tmp_path_factory.mktemp("short")
    first = write_mp3(folder / "one.mp3", stereo(Song(tempo=120, seconds=9, tonic=9, minor=True)))
    second = write_mp3(folder / "two.mp3", stereo(Song(tempo=112, seconds=9, tonic=0)))
    return first, second


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A real PNG."""
    from PIL import Image

    with io.BytesIO() as file:
        Image.new("RGB", (64, 64), "navy").save(file, "PNG")
        return file.getvalue()


# ---- one mashup that things happen to


@pytest.fixture
def room(play: Playground) -> Channel:
    """A channel of one's own, so that everything in it belongs to one story."""
    channel = Channel(play.world.new_id(), f"room-{len(play.world.guild.channels)}", "", 9)
    play.world.guild.channels[channel.id] = channel
    return channel


@pytest_asyncio.fixture(loop_scope="module")
async def ask(play: Playground, room: Channel, short_songs: tuple[Path, Path]) -> AsyncIterator[Any]:
    """`await ask()` orders a mashup in the room; afterwards nothing of the faults is left."""

    async def order(member: str = "mika", place: Channel = room, **options: Any) -> Told:
        files = {"track_a": short_songs[0], "track_b": short_songs[1], **options}
        return Told(play, place, await play.slash(member, place.name, "mashup", **files))

    yield order
    await play.knobs.calm()


# ---- the page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    try:
        async with chromium() as started:
            yield started
    except NoBrowserError as missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(missing))


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    visiting = Visit(browser)
    yield visiting
    for context in browser.contexts:
        await context.close()
    assert visiting.complaints == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small() -> AsyncIterator[Playground]:
    """A bot in this process that has what `/mashup` alone does not: selects, a form, context menus."""
    async with Playground() as playing:
        await playing.connect(PageBot())
        yield playing
