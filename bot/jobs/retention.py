"""What is forgotten of jobs that have ended, and when they go."""

from __future__ import annotations

from bot.database import Tx
from bot.files import store as files
from bot.posts import store as posts

TOKEN_MS = 15 * 60_000
"""How long Discord takes an interaction's token."""
DAY_MS = 24 * 3600_000


def blank_tokens(tx: Tx, now: int) -> int:
    """Forget tokens that Discord takes no more; returns how many."""
    return tx.run("UPDATE jobs SET token = NULL WHERE token IS NOT NULL AND created_at <= ?", (now - TOKEN_MS,))


def blank_links(tx: Tx) -> int:
    """Forget the signed links of sources whose job has ended; returns how many."""
    return tx.run(
        "UPDATE sources SET url = '' WHERE url != '' AND job IN"
        " (SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled', 'unknown'))"
    )


_RESULTS = 50


def release_oldest(tx: Tx, now: int, before: int) -> list[int]:
    """End the need for the files of some jobs that ended before `before`, the first first; returns the bytes that
    each alone needed. What a contest or a deck needs as well stays with them.

    Empty: no more are there.
    """
    needed = "SELECT hash FROM sources WHERE job = {0} UNION SELECT hash FROM tracks WHERE job = {0}"
    needed += " UNION SELECT picture FROM tracks WHERE job = {0}"
    jobs = tx.all(
        "SELECT id FROM jobs WHERE ended_at IS NOT NULL AND ended_at <= ?1 AND EXISTS (SELECT 1 FROM file_refs"  # noqa: S608
        f" WHERE hash IN ({needed.format('jobs.id')}) AND owner = 'job:' || jobs.id AND expires_at > ?2)"
        f" ORDER BY ended_at LIMIT {_RESULTS}",
        (before, now),
    )
    freed: list[int] = []
    for job in jobs:
        row = tx.one(
            f"SELECT coalesce(sum(size), 0) FROM files WHERE hash IN ({needed.format('?1')}) AND NOT EXISTS"  # noqa: S608
            " (SELECT 1 FROM file_refs r WHERE r.hash = files.hash AND owner <> 'job:' || ?1 AND expires_at > ?2)",
            (job["id"], now),
        )
        files.release(tx, f"job:{job['id']}", now)
        freed.append(row[0] if row else 0)
    return freed


_BATCH = 200
_ENDED = "state IN ('done', 'failed', 'cancelled', 'unknown')"


def drop_ended(tx: Tx, before: int) -> int:
    """Remove some jobs that ended at `before` or earlier, with their files and messages' rows; returns how many.

    0: no more are there.
    """
    return _drop(tx, f"{_ENDED} AND ended_at <= ?", before)


def drop_guild(tx: Tx, guild: str) -> int:
    """The same for every ended job of a guild."""
    return _drop(tx, f"{_ENDED} AND guild = ?", guild)


def _drop(tx: Tx, which: str, value: int | str) -> int:
    """A batch, so that nobody waits long; sources, tracks and hints go with their job."""
    rows = tx.all(f"SELECT id FROM jobs WHERE {which} ORDER BY ended_at LIMIT {_BATCH}", (value,))  # noqa: S608
    for row in rows:
        subject = f"job:{row['id']}"
        files.disown(tx, subject)
        posts.drop(tx, subject)
        tx.run("DELETE FROM jobs WHERE id = ?", (row["id"],))
    return len(rows)
