"""The rows of `members`: plain functions that take the transaction first."""

from __future__ import annotations

from bot.database import Tx


def set_direct(tx: Tx, member: str, wanted: bool, now: int) -> None:
    """Whether private results that are late come by direct message."""
    tx.run(
        "INSERT INTO members (member, direct, changed_at) VALUES (?, ?, ?) ON CONFLICT (member)"
        " DO UPDATE SET direct = excluded.direct, changed_at = excluded.changed_at",
        (member, int(wanted), now),
    )


def wants_direct(tx: Tx, member: str) -> bool:
    """False until the member says otherwise."""
    row = tx.one("SELECT direct FROM members WHERE member = ?", (member,))
    return bool(row and row["direct"])
