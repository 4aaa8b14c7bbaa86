"""What is forgotten of jobs that have ended."""

from __future__ import annotations

from bot.database import Tx


def blank_links(tx: Tx) -> int:
    """Forget the signed links of sources whose job has ended; returns how many."""
    return tx.run(
        "UPDATE sources SET url = '' WHERE url != '' AND job IN"
        " (SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled', 'unknown'))"
    )
