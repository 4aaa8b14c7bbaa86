"""What is forgotten of jobs that have ended."""

from __future__ import annotations

from bot.database import Tx

TOKEN_MS = 15 * 60_000
"""How long Discord takes an interaction's token."""

KEEP_MS = 14 * 24 * 3600_000
"""How long sources and results stay in our store."""


def blank_tokens(tx: Tx, now: int) -> int:
    """Forget tokens that Discord takes no more; returns how many."""
    return tx.run("UPDATE jobs SET token = NULL WHERE token IS NOT NULL AND created_at <= ?", (now - TOKEN_MS,))


def blank_links(tx: Tx) -> int:
    """Forget the signed links of sources whose job has ended; returns how many."""
    return tx.run(
        "UPDATE sources SET url = '' WHERE url != '' AND job IN"
        " (SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled', 'unknown'))"
    )
