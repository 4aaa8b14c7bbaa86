"""Making a file ours: one child looks at it, however often the same bytes come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from aiohttp import web

from bot.errors import Code, Refused
from bot.files.store import FileStore
from bot.jobs import staging
from bot.jobs.staging import Stager
from bot.worker.pool import Pool
from tests.wire.downloads import downloading, served


class Counting(Pool):
    """A pool that counts its children."""

    children = 0

    async def run(self, target: str, arguments: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self.children += 1
        return await super().run(target, arguments, **options)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Three files of six seconds, and one that is no audio."""
    folder = tmp_path_factory.mktemp("songs")
    made: dict[str, bytes] = {"text": b"la la la " * 1000}
    for number in (1, 2, 3):
        path = folder / f"{number}.wav"
        sf.write(path, np.sin(np.arange(6 * 8000) * number / 50) * 0.5, 8000)
        made[str(number)] = path.read_bytes()
    return made


@pytest.fixture
async def host(songs: dict[str, bytes]) -> AsyncIterator[str]:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=songs[request.path.strip("/")])

    async with served(handler) as address:
        yield address


async def test_of_several_files_all_are_stored_or_none(tmp_path: Path, host: str) -> None:
    files = FileStore(tmp_path / "files")
    files.prepare()
    async with downloading(host) as downloader:
        stager = Stager(files, downloader, Pool(1))
        song, twin, text = (
            ("a", "a.wav", f"http://{host}/1"),
            ("b", "b.wav", f"http://{host}/1"),
            ("c", "c", f"http://{host}/text"),
        )
        with pytest.raises(Refused):
            await stager.stage_each([song, text])
        assert [path.name for path in (tmp_path / "files").rglob("*")] == ["incoming"]
        (first, seconds), second = await stager.stage_each([song, twin])
    assert (second, seconds) == ((first, 6.0), 6.0)
    assert [path.name for path in (tmp_path / "files").rglob("*") if path.is_file()] == [first.hash]


async def test_the_same_bytes_are_looked_at_once(
    tmp_path: Path, host: str, songs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_KNOWN", 2)
    pool, files = Counting(1), FileStore(tmp_path / "files")
    files.prepare()
    async with downloading(host) as downloader:
        stager = Stager(files, downloader, pool)
        first, seconds = await stager.stage("one", "a.wav", f"http://{host}/1")
        assert (first.kind, seconds, pool.children) == ("wav", 6.0, 1)
        assert await stager.stage("two", "b.mp3", f"http://{host}/1") == (first, seconds)
        assert pool.children == 1
        for count, name in ((2, "2"), (2, "1"), (3, "3"), (3, "1"), (4, "2")):
            assert (await stager.stage("more", "c", f"http://{host}/{name}"))[1] == 6.0
            assert pool.children == count, "the one that was used least recently is forgotten"
        for count in (5, 6):
            with pytest.raises(Refused) as caught:
                await stager.stage("bad", "d.mp3", f"http://{host}/text")
            assert (caught.value.refusal.code, pool.children) == (Code.NOT_AUDIO, count)
    assert files.path(first.hash).read_bytes() == songs["1"]
