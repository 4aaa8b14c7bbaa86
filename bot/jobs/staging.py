"""Makes a file that somebody handed over ours, once it is known to be audio that can be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.engines.probe import Probed, probe
from bot.errors import Refused
from bot.files.download import Downloader
from bot.files.store import FileStore, Stored
from bot.worker.pool import Pool

_KNOWN = 512


class Stager:
    """Fetches, probes in a child, and stores; the caller then writes the rows with `keep`.

    What a child said of a file holds for every copy of it: the last few are remembered by their hash.
    """

    def __init__(self, files: FileStore, downloader: Downloader, probes: Pool) -> None:
        self._files = files
        self._downloader = downloader
        self._probes = probes
        self._known: dict[str, Probed] = {}

    async def stage(self, mark: str, name: str, url: str) -> tuple[Stored, float]:
        """The stored file and its seconds. `mark` is of nobody else's files, `name` what its owner calls it.

        Raises `Refused`, whose values carry `name`.
        """
        return (await self.stage_each([(mark, name, url)]))[0]

    async def stage_each(self, wanted: Sequence[tuple[str, str, str]]) -> list[tuple[Stored, float]]:
        """The same of several, each given by mark, name and url; none of them is stored before all are good."""
        paths = [self._files.incoming(mark) for mark, _, _ in wanted]
        try:
            found = [await self._look(path, name, url) for path, (_, name, url) in zip(paths, wanted, strict=True)]
            stored = await self._files.adopt_each(
                [(path, probed.kind, digest) for path, (digest, probed) in zip(paths, found, strict=True)]
            )
            return [(file, probed.seconds) for file, (_, probed) in zip(stored, found, strict=True)]
        except BaseException:
            for path in paths:
                path.unlink(missing_ok=True)
            raise

    async def _look(self, path: Path, name: str, url: str) -> tuple[str, Probed]:
        """The hash of a file that is at `path` now, and what it is."""
        try:
            downloaded = await self._downloader.fetch(url, path)
        except Refused as refused:
            raise Refused(refused.refusal.code, **{**refused.refusal.values, "name": name}) from refused
        probed = self._known.get(downloaded.sha256) or await probe(self._probes, path, name)
        self._remember(downloaded.sha256, probed)
        return downloaded.sha256, probed

    def _remember(self, digest: str, probed: Probed) -> None:
        self._known.pop(digest, None)
        self._known[digest] = probed
        if len(self._known) > _KNOWN:
            del self._known[next(iter(self._known))]
