"""Our own copies: bytes by content hash on disk, rows for who refers to them and until when."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.database import Tx
from bot.failpoints import around

_DIGEST = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Stored:
    """One file of the store: sha256 as hex, size in bytes, and what kind of thing it is (`mp3`, `png` ...)."""

    hash: str
    size: int
    kind: str


class FileStore:
    """A folder of files named by their sha256, two levels deep, and a folder for work in progress."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._moving = threading.Lock()

    def prepare(self) -> None:
        """Make the folders and drop what a dead process left half written."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir(parents=True)

    def incoming(self, name: str) -> Path:
        """A path on the same disk for a file that is still being written."""
        return self._incoming / name

    @contextmanager
    def room(self) -> Generator[Path]:
        """An empty folder on the same disk for one child's work, gone afterwards with what is left in it."""
        with tempfile.TemporaryDirectory(prefix="room-", dir=self._incoming) as name:
            yield Path(name)

    def path(self, digest: str) -> Path:
        """Where the file with this hash lies."""
        return self._folder.joinpath(digest[:2], digest)

    async def adopt(self, path: Path, kind: str) -> Stored:
        """Move `path` into the store under its sha256. The caller then writes the rows with `keep`."""
        return await asyncio.to_thread(self._adopt, path, kind)

    async def adopt_each(self, files: Sequence[tuple[Path, str, str]]) -> list[Stored]:
        """The same of files that are on the disk and hashed already, each given with its kind and sha256."""
        return await asyncio.to_thread(lambda: [self._adopt(*file) for file in files])

    async def copy(self, name: str, files: Sequence[tuple[Path, str]]) -> tuple[Stored, ...]:
        """Take a copy of each file, given with its kind, into the store; `name` is of nobody else's copies.

        The caller then writes the rows with `keep`.
        """
        return await asyncio.to_thread(self._copy, name, files)

    def _copy(self, name: str, files: Sequence[tuple[Path, str]]) -> tuple[Stored, ...]:
        kept: list[Stored] = []
        for number, (path, kind) in enumerate(files):
            digest = _hash(path)
            if not self._has(digest):
                copied = self.incoming(f"{name}-{number}.{kind}")
                shutil.copyfile(path, copied)
                _sync(copied)
                self._move(copied, digest)
            kept.append(Stored(digest, path.stat().st_size, kind))
        return tuple(kept)

    def _adopt(self, path: Path, kind: str, digest: str | None = None) -> Stored:
        name, size = digest or _hash(path), path.stat().st_size
        if self._has(name):
            path.unlink()
        else:
            if digest is None:
                _sync(path)
            self._move(path, name)
        return Stored(name, size, kind)

    def _has(self, digest: str) -> bool:
        """Whether a file is there already; then it counts as one that came just now."""
        with self._moving:
            try:
                os.utime(self.path(digest))
            except FileNotFoundError:
                return False
            return True

    def _move(self, path: Path, digest: str) -> None:
        target = self.path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._moving, around("file store"):
            path.replace(target)

    def drop(self, digest: str, *, before: float) -> bool:
        """Remove a file without a row, unless it came after `before` (UTC seconds): its row may be on its way."""
        with self._moving:
            return _remove(self.path(digest), before)

    def drop_unfinished(self, *, before: float) -> None:
        """Remove what lies in the folder for work in progress since before `before` (UTC seconds)."""
        for path in self._incoming.iterdir():
            if not path.is_dir():  # somebody works there, and clears up
                _remove(path, before)

    def present(self) -> Iterator[str]:
        """The hash of every file on the disk; slow."""
        for folder in self._folder.iterdir():
            if folder != self._incoming and folder.is_dir():
                yield from (path.name for path in folder.iterdir() if _DIGEST.match(path.name))


def _remove(path: Path, before: float) -> bool:
    try:
        if path.stat().st_mtime >= before:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _hash(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """It is on the disk for sure when this returns."""
    with path.open("rb") as written:
        os.fsync(written.fileno())


def keep(tx: Tx, stored: Sequence[Stored], owner: str, expires_at: int, now: int) -> None:
    """Record that `owner` (such as `job:ID`) needs these files until `expires_at`."""
    if not stored:
        return
    files = json.dumps([(file.hash, file.size, file.kind) for file in stored])
    tx.run(
        "INSERT INTO files (hash, size, kind, created_at) SELECT value ->> 0, value ->> 1, value ->> 2, ?"
        " FROM json_each(?) WHERE true ON CONFLICT (hash) DO NOTHING",
        (now, files),
    )
    tx.run(
        "INSERT INTO file_refs (hash, owner, expires_at) SELECT value ->> 0, ?, ? FROM json_each(?) WHERE true"
        " ON CONFLICT (hash, owner) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
        (owner, expires_at, files),
    )


def share(tx: Tx, digest: str, owner: str, expires_at: int) -> bool:
    """Record that `owner`, too, needs a file that is in the store; False when it is there no more."""
    shared = tx.run(
        "INSERT INTO file_refs (hash, owner, expires_at) SELECT hash, ?, ? FROM files WHERE hash = ?"
        " ON CONFLICT (hash, owner) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
        (owner, expires_at, digest),
    )
    return shared == 1


def release(tx: Tx, owner: str, now: int) -> None:
    """`owner` needs its files no more."""
    tx.run("UPDATE file_refs SET expires_at = min(expires_at, ?) WHERE owner = ?", (now, owner))


def disown(tx: Tx, owner: str, digest: str | None = None) -> None:
    """`owner` itself goes, or one of its files."""
    tx.run("DELETE FROM file_refs WHERE owner = ?1 AND (?2 IS NULL OR hash = ?2)", (owner, digest))


def forget(tx: Tx, now: int) -> list[str]:
    """Drop references that expired and the rows of files that nobody refers to; returns the hashes of those."""
    tx.run("DELETE FROM file_refs WHERE expires_at <= ?", (now,))
    rows = tx.all("DELETE FROM files WHERE hash NOT IN (SELECT hash FROM file_refs) RETURNING hash")
    return [row["hash"] for row in rows]


def unknown(tx: Tx, digests: Sequence[str]) -> list[str]:
    """Those of `digests` that have no row."""
    return [d for d in digests if tx.one("SELECT 1 FROM files WHERE hash = ?", (d,)) is None]


def kind_of(tx: Tx, digest: str) -> str | None:
    """What kind of file this is; None for one that nobody refers to."""
    row = tx.one("SELECT kind FROM files WHERE hash = ?", (digest,))
    return row["kind"] if row else None


def size_of(tx: Tx, digest: str) -> int | None:
    """How many bytes this file has; None for one that nobody refers to."""
    row = tx.one("SELECT size FROM files WHERE hash = ?", (digest,))
    return row["size"] if row else None


def is_kept(tx: Tx, owner: str, digest: str) -> bool:
    """Whether this file is kept for `owner`."""
    return tx.one("SELECT 1 FROM file_refs WHERE owner = ? AND hash = ?", (owner, digest)) is not None
