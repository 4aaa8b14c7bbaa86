"""Reservations that are settled or released exactly once: plain functions that take the transaction first.

`balance` holds the counters that limits are checked against; `ledger` says how they came about. Both are written
together, so the counters always equal the sums of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.database import Tx
from bot.errors import Code, Refused
from bot.quotas.policy import Claim

_ORDER = ("member", "guild", "contest", "credits")
"""Accounts are always taken in this order, so that two writers can never wait for each other."""
_FULL = {"member": Code.QUOTA_MEMBER, "guild": Code.QUOTA_GUILD}


class Kind(StrEnum):
    """What one row of `ledger` records. A reservation is open until one of the other two follows."""

    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"


@dataclass(frozen=True)
class Left:
    """What remains of an allowance, in units."""

    units: int
    limit: int


@dataclass(frozen=True)
class _Entry:
    """The part of a ledger row that every kind shares."""

    account: str
    amount: int
    window_start: int
    limit_then: int


def reserve(tx: Tx, job: str, claims: Sequence[Claim], now: int) -> None:
    """Hold every claim for `job`; a job that already reserved, whatever became of it, reserves no more.

    Raises `Refused` when an account is full: let it leave the unit, so that no claim of the job stays.
    """
    if tx.one("SELECT 1 FROM ledger WHERE job = ?", (job,)):
        return
    for claim in sorted(claims, key=lambda claim: _rank(claim.account)):
        if not _hold(tx, claim):
            raise _refused(tx, claim)
        _write(tx, job, Kind.RESERVE, _Entry(claim.account, claim.amount, claim.window.start, claim.limit), now)


def settle(tx: Tx, job: str, now: int) -> None:
    """Book what `job` holds as used, each in the window it was reserved in; nothing if it is closed already."""
    for entry in _open(tx, job):
        _write(tx, job, Kind.SETTLE, entry, now)
        tx.run(
            "UPDATE balance SET held = held - ?, used = used + ? WHERE account = ? AND window_start = ?",
            (entry.amount, entry.amount, entry.account, entry.window_start),
        )


def release(tx: Tx, job: str, now: int) -> None:
    """Give back what `job` holds, each to the window it was reserved in; nothing if it is closed already."""
    for entry in _open(tx, job):
        _write(tx, job, Kind.RELEASE, entry, now)
        tx.run(
            "UPDATE balance SET held = held - ? WHERE account = ? AND window_start = ?",
            (entry.amount, entry.account, entry.window_start),
        )


def left(tx: Tx, job: str, account: str) -> Left | None:
    """What remains in the window in which `job` reserved from `account`; None when it took no units there."""
    row = tx.one(
        "SELECT ledger.limit_then, balance.held + balance.used AS taken FROM ledger JOIN balance"
        " ON balance.account = ledger.account AND balance.window_start = ledger.window_start"
        " WHERE ledger.job = ? AND ledger.account = ? AND ledger.kind = ? AND ledger.amount > 0",
        (job, account, Kind.RESERVE),
    )
    return Left(max(0, row["limit_then"] - row["taken"]), row["limit_then"]) if row else None


def guilds_of_member(tx: Tx, member: str) -> list[str]:
    """The guilds in which this member has an account."""
    rows = tx.all(
        "SELECT DISTINCT substr(account, 8, length(account) - 8 - length(?1)) AS guild FROM balance"
        " WHERE account LIKE 'member:%:' || ?1",
        (member,),
    )
    return [row["guild"] for row in rows]


def rename(tx: Tx, account: str, other: str, until: int) -> None:
    """Give an account's windows that began at `until` or earlier to `other`, counters and rows together."""
    for table in ("ledger", "balance"):
        tx.run(
            f"UPDATE {table} SET account = ? WHERE account = ? AND window_start <= ?",  # noqa: S608
            (other, account, until),
        )


def last_window(tx: Tx, account: str, until: int) -> int | None:
    """The start of the account's last window that began at `until` or earlier."""
    row = tx.one("SELECT max(window_start) FROM balance WHERE account = ? AND window_start <= ?", (account, until))
    return row[0] if row else None


def drop_guild(tx: Tx, guild: str) -> None:
    """Remove the accounts of a guild and of its members, counters and rows together."""
    for table in ("ledger", "balance"):
        tx.run(
            f"DELETE FROM {table} WHERE account = 'guild:' || ?1 OR account LIKE 'member:' || ?1 || ':%'",  # noqa: S608
            (guild,),
        )


def _hold(tx: Tx, claim: Claim) -> bool:
    """Raise the counter unless that would pass the limit; 0 units fit into a full account too."""
    tx.run(
        "INSERT INTO balance (account, window_start) VALUES (?, ?) ON CONFLICT (account, window_start) DO NOTHING",
        (claim.account, claim.window.start),
    )
    held = tx.run(
        "UPDATE balance SET held = held + ? WHERE account = ? AND window_start = ?"
        " AND (? = 0 OR held + used + ? <= ?)",
        (claim.amount, claim.account, claim.window.start, claim.amount, claim.amount, claim.limit),
    )
    return held == 1


def _open(tx: Tx, job: str) -> list[_Entry]:
    rows = tx.all(
        "SELECT account, amount, window_start, limit_then FROM ledger WHERE job = ? AND kind = ? AND account NOT IN"
        " (SELECT account FROM ledger WHERE job = ? AND kind <> ?)",
        (job, Kind.RESERVE, job, Kind.RESERVE),
    )
    entries = [_Entry(**row) for row in rows]
    return sorted(entries, key=lambda entry: _rank(entry.account))


def _write(tx: Tx, job: str, kind: Kind, entry: _Entry, now: int) -> None:
    tx.run(
        "INSERT INTO ledger (job, account, kind, amount, window_start, limit_then, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (job, entry.account, kind, entry.amount, entry.window_start, entry.limit_then, now),
    )


def _refused(tx: Tx, claim: Claim) -> Refused:
    row = tx.one(
        "SELECT held + used AS taken FROM balance WHERE account = ? AND window_start = ?",
        (claim.account, claim.window.start),
    )
    return Refused(
        _FULL[_kind(claim.account)],
        left=max(0, claim.limit - (row["taken"] if row else 0)),
        limit=claim.limit,
        amount=claim.amount,
        ends=str(claim.window.end // 1000),
    )


def _rank(account: str) -> tuple[int, str]:
    return _ORDER.index(_kind(account)), account


def _kind(account: str) -> str:
    return account.partition(":")[0]
