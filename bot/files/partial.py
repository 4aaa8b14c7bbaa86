"""A file in the making: written and hashed beside its destination on threads, and moved into place when whole."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bot.failpoints import around

_BATCH_BYTES = 256 << 10


class Partial:
    """One step at a time, each off the loop. Whoever makes one calls `discard`, which undoes what was not kept."""

    def __init__(self, destination: Path) -> None:
        self._destination = destination
        self._descriptor: int | None = None
        self._path: Path | None = None
        self._batch = bytearray()
        self._hash = hashlib.sha256()
        self._step: asyncio.Task[None] | None = None

    async def add(self, chunk: bytes) -> None:
        self._batch += chunk
        if len(self._batch) >= _BATCH_BYTES:
            await self._do(self._write)

    async def keep(self) -> str:
        """Everything onto the disk, then into place in one step. Returns the sha256 of the whole in hex."""
        await self._do(self._place)
        return self._hash.hexdigest()

    async def discard(self) -> None:
        """Leave no temporary file, whatever happens to the caller; after `keep` there is none."""
        removal = asyncio.create_task(self._undo())
        cancelled = False
        while not removal.done():
            try:
                await asyncio.wait({removal})
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError
        removal.result()

    async def _undo(self) -> None:
        if self._step is not None:
            await asyncio.wait({self._step})
        await asyncio.to_thread(self._remove)

    async def _do(self, work: Callable[[], None]) -> None:
        """A thread cannot be cancelled: when the caller is, `discard` waits for it."""
        self._step = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.shield(self._step)

    def _write(self) -> None:
        if self._descriptor is None:
            name = self._destination.name
            self._descriptor, path = tempfile.mkstemp(".part", f".{name}.", self._destination.parent)
            self._path = Path(path)
        self._hash.update(self._batch)
        left = memoryview(self._batch)
        while left:
            left = left[os.write(self._descriptor, left) :]
        left.release()
        self._batch = bytearray()

    def _place(self) -> None:
        self._write()
        assert self._descriptor is not None  # noqa: S101 - opened by the write
        assert self._path is not None  # noqa: S101
        os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = None
        with around("file download"):
            self._path.replace(self._destination)
        self._path = None

    def _remove(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
