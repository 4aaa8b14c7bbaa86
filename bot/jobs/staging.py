"""Makes a file that somebody handed over ours, once it is known to be audio that can be used."""

from __future__ import annotations

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
        path = self._files.incoming(mark)
        try:
            downloaded = await self._downloader.fetch(url, path)
        except Refused as refused:
            raise Refused(refused.refusal.code, **{**refused.refusal.values, "name": name}) from refused
        try:
            probed = self._known.get(downloaded.sha256) or await probe(self._probes, path, name)
            self._remember(downloaded.sha256, probed)
            stored = await self._files.adopt(path, probed.kind, digest=downloaded.sha256)
            return stored, probed.seconds
        finally:
            path.unlink(missing_ok=True)

    def _remember(self, digest: str, probed: Probed) -> None:
        self._known.pop(digest, None)
        self._known[digest] = probed
        if len(self._known) > _KNOWN:
            del self._known[next(iter(self._known))]
