"""A database whose bytes are cut and flipped, as by a power cut or a bad disk, and what its next start does."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.database import DatabaseError, Tx
from bot.database.connection import _connect, _prepare
from bot.database.soundness import unsound
from bot.quotas import ledger
from bot.quotas.facts import Claim
from bot.quotas.windows import day
from tests.bookkeeping import counters, sums, transact

TODAY = day(1_800_000_000_000)
Start = Callable[[Path], sqlite3.Connection]


@dataclass
class Found:
    """What came of the copies: how many of each end, and everything that is wrong."""

    ends: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    prefixes: set[int] = field(default_factory=set[int])
    """How many commits were there after each start."""


def start(path: Path) -> sqlite3.Connection:
    """What `Database.open` does with the file. Raises `DatabaseError`."""
    if (why := unsound(path)) is not None:
        raise DatabaseError(why)
    return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def start_anew(path: Path) -> sqlite3.Connection:
    """Broken on purpose: whatever cannot be opened makes room for a new database."""
    try:
        return start(path)
    except DatabaseError:
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        return _open(path)


def make(folder: Path, commits: int) -> Path:
    """A database of so many commits, one reservation each, as a killed bot leaves it: most are in the log only."""
    path = folder / "made" / "twodeck.db"
    path.parent.mkdir(parents=True)
    start(path).close()
    with closing(start(path)) as connection:
        for number in range(commits):
            transact(connection, lambda tx, number=number: _reserve(tx, number))
        left = folder / "left"
        shutil.copytree(path.parent, left)
    (left / "twodeck.db-shm").unlink()
    return left / "twodeck.db"


def _reserve(tx: Tx, number: int) -> None:
    job, member = f"job-{number:05}", number % 7
    claims = [
        Claim(f"member:g:m{member}", 1, 1 << 30, TODAY),
        Claim("guild:g", 1, 1 << 30, TODAY),
        Claim("credits:kie:day", 1000, 1 << 40, TODAY),
    ]
    ledger.reserve(tx, job, claims, number)
    if number % 3 == 0:
        ledger.release(tx, job, number)


def cut_logs(left: Path, folder: Path, copies: int, seed: int) -> Found:
    """Copies whose log ends anywhere, or has eight wrong bytes: each start finds a prefix of the commits."""
    found, chance = Found(), random.Random(seed)
    whole = left.with_name(left.name + "-wal").read_bytes()
    for number in range(copies):
        path = _copy(left, folder)
        log = path.with_name(path.name + "-wal")
        log.write_bytes(whole[: chance.randrange(len(whole))] if number % 2 else _flipped(whole, chance))
        try:
            with closing(start(path)) as connection:
                _judge_prefix(connection, found, number)
        except (DatabaseError, sqlite3.Error) as error:
            found.wrong.append(f"copy {number}: {error}")
    return found


def flip_pages(left: Path, folder: Path, copies: int, seed: int, how: Start = start) -> Found:
    """Copies of the file at rest with a page of wrong bytes, or eight of them in a page, or cut short.

    A start either refuses with the way back and leaves every byte, or opens what is there: it never begins anew.
    """
    found, chance = Found(), random.Random(seed)
    at_rest = folder / "at-rest.db"
    with closing(start(_copy(left, folder))) as connection:
        commits = _commits(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(folder / "copy" / left.name, at_rest)
    whole = at_rest.read_bytes()
    for number in range(copies):
        path = _copy(at_rest, folder, left.name)
        spoilt = _spoilt(whole, chance, number)
        path.write_bytes(spoilt)
        (path.parent / "backups").mkdir()
        (path.parent / "backups" / "twodeck-20270101T000000Z.db").write_bytes(b"a backup")
        try:
            with closing(how(path)) as connection:
                _judge_opened(connection, found, number, commits)
        except DatabaseError as error:
            found.ends["refused"] += 1
            if path.read_bytes() != spoilt:
                found.wrong.append(f"copy {number}: refused, and the file was changed")
            if "twodeck restore" not in str(error) and "Migration" not in str(error) and "newer" not in str(error):
                found.wrong.append(f"copy {number}: refused without the way back: {error}")
    return found


def _judge_prefix(connection: sqlite3.Connection, found: Found, number: int) -> None:
    jobs = [row[0] for row in connection.execute("SELECT DISTINCT job FROM ledger ORDER BY job")]
    found.prefixes.add(len(jobs))
    found.ends["opened"] += 1
    if jobs != [f"job-{n:05}" for n in range(len(jobs))]:
        found.wrong.append(f"copy {number}: commits are missing between others")
    kept, summed = transact(connection, lambda tx: (counters(tx), sums(tx)))
    if kept != summed:
        found.wrong.append(f"copy {number}: counters {kept}, ledger {summed}")
    if (verdict := connection.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
        found.wrong.append(f"copy {number}: {verdict}")


def _judge_opened(connection: sqlite3.Connection, found: Found, number: int, commits: int) -> None:
    """Bytes inside a row cannot be told from others; rows that are gone can."""
    with suppress(sqlite3.DatabaseError):
        if _commits(connection) < commits:
            found.wrong.append(f"copy {number}: opened, and rows are gone")
            found.ends["overwritten"] += 1
            return
    found.ends["opened as it is"] += 1


def _commits(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM ledger").fetchone()[0]


def _copy(source: Path, folder: Path, name: str = "") -> Path:
    """A fresh folder with a copy of the file; its log is left to the caller."""
    place = folder / "copy"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    target = place / (name or source.name)
    shutil.copyfile(source, target)
    log = source.with_name(source.name + "-wal")
    if log.exists():
        shutil.copyfile(log, target.with_name(target.name + "-wal"))
    return target


def _flipped(data: bytes, chance: random.Random, start: int = 0, end: int | None = None) -> bytes:
    spoilt = bytearray(data)
    for _ in range(8):
        spoilt[chance.randrange(start, end or len(data))] ^= chance.randrange(1, 256)
    return bytes(spoilt)


def _spoilt(whole: bytes, chance: random.Random, number: int) -> bytes:
    size = int.from_bytes(whole[16:18], "big")
    page = chance.randrange(len(whole) // size) * size
    match number % 5:
        case 0 | 1:
            return whole[:page] + chance.randbytes(size) + whole[page + size :]
        case 2:
            return whole[:page]
        case _:
            return _flipped(whole, chance, page, page + size)
