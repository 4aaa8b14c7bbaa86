"""The stand-in's file host: bytes on disk, signed addresses that run out, answers to Range requests."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import mimetypes
import re
import secrets
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import web

from bot.playground.world import DISCORD_EPOCH, Attachment, World

LINK_SECONDS = 24 * 3600
_UNSAFE = re.compile(r"[^\w.\-]+")
_TYPES = {
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".wav": "audio/x-wav",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/x-flac",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
}
_SHOWN_IN_PLACE = ("audio/", "image/png", "image/jpeg", "image/webp", "image/gif")


@dataclass(frozen=True)
class Upload:
    """A file on its way in: from the bot as multipart, or from a member."""

    field: str
    filename: str
    data: bytes
    claimed: int = 0  # the size that is told, where that is not the truth

    @property
    def size(self) -> int:
        return self.claimed or len(self.data)


class Files:
    """Keeps bytes in a directory of its own until `close`; a thread writes them, so that the loop never waits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._directory = tempfile.TemporaryDirectory(prefix="twodeck-playground-")
        self._known: dict[int, Attachment] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="playground-files")
        self._writes: dict[int, Future[int]] = {}
        self._secret = secrets.token_bytes(32)
        self.base = ""

    def close(self) -> None:
        self._writer.shutdown(cancel_futures=True)
        self._directory.cleanup()

    def keep(self, upload: Upload, home: str, extra: dict[str, Any] | None = None) -> Attachment:
        """Store the bytes and describe them."""
        attachment = Attachment(
            id=self._world.new_id(),
            home=home,
            filename=_safe(upload.filename),
            size=upload.size,
            content_type=content_type(upload.filename),
            description=(extra or {}).get("description"),
            extra={k: v for k, v in (extra or {}).items() if k in ("title", "duration_secs", "waveform")},
        )
        self._writes[attachment.id] = self._writer.submit(self._path(attachment.id).write_bytes, upload.data)
        self._known[attachment.id] = attachment
        return attachment

    def forget(self, before: float) -> None:
        """Let go of what was kept before that moment."""
        oldest = int((before - DISCORD_EPOCH) * 1000) << 22
        for key in [key for key in self._known if key < oldest]:
            self._writes.pop(key).result()
            self._path(key).unlink(missing_ok=True)
            del self._known[key]

    def link(self, attachment: Attachment) -> str:
        """A fresh signed address."""
        issued = int(self._world.clock.now())
        path = f"/{attachment.home}/{attachment.id}/{quote(attachment.filename)}"
        expires = f"{issued + LINK_SECONDS:x}"
        return f"{self.base}{path}?ex={expires}&is={issued:x}&hm={self._sign(attachment.id, expires)}&"

    def expire(self) -> None:
        """Every address given out so far stops working; the files stay."""
        self._secret = secrets.token_bytes(32)

    def renew(self, address: str) -> str:
        """The same file under a fresh address; an address that is not ours comes back unchanged."""
        parts = urlsplit(address).path.split("/")
        known = self._known.get(int(parts[3])) if len(parts) == 5 and parts[3].isdigit() else None
        return self.link(known) if known else address

    def payload(self, attachment: Attachment) -> dict[str, Any]:
        """The attachment object of messages and interactions."""
        body = {
            "id": str(attachment.id),
            "filename": attachment.filename,
            "size": attachment.size,
            "content_type": attachment.content_type,
            "url": self.link(attachment),
            "proxy_url": self.link(attachment),
            **attachment.extra,
        }
        if attachment.description:
            body["description"] = attachment.description
        if attachment.home.startswith("ephemeral"):
            body["ephemeral"] = True
        return body

    def read(self, attachment: Attachment) -> bytes:
        self._writes[attachment.id].result()
        return self._path(attachment.id).read_bytes()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(r"/attachments/{folder:\d+}/{id:\d+}/{filename}", self._serve),
            web.get(r"/ephemeral-attachments/{folder:\d+}/{id:\d+}/{filename}", self._serve),
        ]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        attachment = self._known.get(int(request.match_info["id"]))
        if attachment is None or not self._valid(attachment.id, dict(request.query)):
            raise web.HTTPNotFound(text="This content is no longer available.")
        await asyncio.wrap_future(self._writes[attachment.id])
        in_place = attachment.content_type.startswith(_SHOWN_IN_PLACE)
        disposition = "inline" if in_place else "attachment"
        headers = {
            "Content-Type": attachment.content_type if in_place else "application/octet-stream",
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(attachment.filename)}",
            "Cache-Control": "private, max-age=3600",
        }
        return web.FileResponse(self._path(attachment.id), headers=headers)

    def _valid(self, attachment_id: int, query: dict[str, str]) -> bool:
        expires = query.get("ex", "")
        if not hmac.compare_digest(self._sign(attachment_id, expires), query.get("hm", "")):
            return False
        return int(expires, 16) > self._world.clock.now()

    def _sign(self, attachment_id: int, expires: str) -> str:
        return hmac.new(self._secret, f"{attachment_id}/{expires}".encode(), hashlib.sha256).hexdigest()

    def _path(self, attachment_id: int) -> Path:
        return Path(self._directory.name) / str(attachment_id)


def _safe(filename: str) -> str:
    """A name that can stand in an address; one of dots alone would point elsewhere."""
    name = _UNSAFE.sub("_", filename).strip("_")
    return name if name.strip(".") else "file"


def content_type(filename: str) -> str:
    """By name only, as Discord does it."""
    return (
        _TYPES.get(Path(filename).suffix.lower()) or mimetypes.guess_type(filename)[0] or "application/octet-stream"
    )
