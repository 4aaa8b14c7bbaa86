"""Pictures are drawn by real children from our own copies; what cannot be drawn ends nothing."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from bot.files.store import FileStore
from bot.jobs.artist import Artist
from bot.jobs.job import Job, Track
from bot.worker.pool import Pool
from tests.audio.synth import Song, stereo, write_mp3


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(2)
    yield pool
    await pool.close()


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    files = FileStore(tmp_path / "files")
    files.prepare()
    return files


def job(*tracks: Track) -> Job:
    return cast(Job, SimpleNamespace(id="job1", tracks=tracks))


async def kept(files: FileStore, path: Path, number: int) -> Track:
    return Track(number, (await files.adopt(path, "mp3")).hash, "", "Mine", 4.0)


def left(files: FileStore) -> list[Any]:
    return list(files.incoming("x").parent.iterdir())


async def test_what_lacks_a_picture_gets_one(pool: Pool, files: FileStore, tmp_path: Path) -> None:
    song = write_mp3(tmp_path / "a.mp3", stereo(Song(tempo=120, seconds=4, tonic=9)))
    bare = await kept(files, song, 1)
    drawn = Track(2, "c" * 64, "d" * 64, "Mine", 4.0)
    (track,), ((digest, size, kind),) = await Artist(pool, files).draw(job(bare, drawn))
    assert (track.number, track.picture, kind) == (1, digest, "png")
    assert files.path(digest).read_bytes().startswith(b"\x89PNG")
    assert files.path(digest).stat().st_size == size
    assert left(files) == []


async def test_one_that_cannot_be_drawn_goes_without(
    pool: Pool, files: FileStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    song = write_mp3(tmp_path / "a.mp3", stereo(Song(tempo=120, seconds=4, tonic=9)))
    damaged = tmp_path / "b.mp3"
    damaged.write_bytes(b"\xff\xfb\x90\x44" + bytes(100))
    tracks = await kept(files, song, 1), await kept(files, damaged, 2)
    with caplog.at_level(logging.WARNING):
        drawn, stored = await Artist(pool, files).draw(job(*tracks))
    assert ([track.number for track in drawn], len(stored)) == ([1], 1)
    assert "job job1: track 2 goes without a picture" in caplog.text


async def test_nobody_waits_longer_for_a_picture_than_it_is_worth(
    pool: Pool, files: FileStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    song = write_mp3(tmp_path / "a.mp3", stereo(Song(tempo=120, seconds=4, tonic=9)))
    with caplog.at_level(logging.WARNING):
        assert await Artist(pool, files, patience=0.01).draw(job(await kept(files, song, 1))) == ((), ())
    assert "goes without a picture" in caplog.text
    assert left(files) == []
