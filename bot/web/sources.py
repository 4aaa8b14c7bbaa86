"""Hands out sources to providers that have no upload host, under addresses that only they were told."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.database import Database
from bot.files import store
from bot.files.links import PATH, Links
from bot.files.store import FileStore

_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
}


class Sources:
    """One route. Forged, expired and removed look the same, 404."""

    def __init__(self, db: Database, files: FileStore, links: Links) -> None:
        self._db = db
        self._files = files
        self._links = links

    def routes(self) -> list[web.RouteDef]:
        return [web.get(f"/{PATH}/{{name}}/{{signature}}", self._send)]

    async def _send(self, request: web.Request) -> web.StreamResponse:
        """The file with its real type; a HEAD gets the headers alone."""
        digest = self._links.digest_of(request.match_info["name"], request.match_info["signature"])
        kind = await self._db.work(lambda tx: store.kind_of(tx, digest)) if digest else None
        if digest is None or kind not in _TYPES:
            raise web.HTTPNotFound(text="not found")
        path = self._files.path(digest)
        if not await asyncio.to_thread(path.is_file):
            raise web.HTTPNotFound(text="not found")
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        return web.FileResponse(path, headers={**headers, "Content-Type": _TYPES[kind]})
