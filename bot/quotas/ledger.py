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
from bot.quotas.facts import Claim
from bot.quotas.windows import Window

_ORDER = ("member", "grant", "guild", "contest", "credits")
"""Accounts are always taken in this order, so that two writers can never wait for each other."""
_FULL = {
    "member": Code.QUOTA_MEMBER,
    "grant": Code.QUOTA_MEMBER,
    "guild": Code.QUOTA_GUILD,
    "contest": Code.QUOTA_CONTEST,
    "credits": Code.CREDITS_SPENT,
}


class Kind(StrEnum):
    """What one row of `ledger` records. A reservation is open until it is settled or released."""

    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    RESET = "reset"  # used units of a window that no longer count, under a name of its own for the job


@dataclass(frozen=True)
class Running:
    """Jobs of an account that are on their way, and when it was last drawn on (UTC milliseconds, 0: never)."""

    jobs: int
    reserved_at: int


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
        if not _hold(tx, claim, now):
            raise _refused(tx, claim)
        _write(tx, job, Kind.RESERVE, _Entry(claim.account, claim.amount, claim.window.start, claim.limit), now)


def settle(tx: Tx, job: str, now: int) -> None:
    """Book what `job` holds as used, each in the window it was reserved in; nothing if it is closed already."""
    for entry in _open(tx, job):
        _write(tx, job, Kind.SETTLE, entry, now)
        tx.run(
            "UPDATE balance SET held = held - ?, used = used + ?, running = running - 1"
            " WHERE account = ? AND window_start = ?",
            (entry.amount, entry.amount, entry.account, entry.window_start),
        )


def release(tx: Tx, job: str, now: int) -> None:
    """Give back what `job` holds, each to the window it was reserved in; nothing if it is closed already."""
    for entry in _open(tx, job):
        _write(tx, job, Kind.RELEASE, entry, now)
        tx.run(
            "UPDATE balance SET held = held - ?, running = running - 1 WHERE account = ? AND window_start = ?",
            (entry.amount, entry.account, entry.window_start),
        )


def reset(tx: Tx, name: str, account: str, window: Window, now: int) -> int:
    """Forget what was used of an account in a window; what is held stays. Returns how many units that were."""
    used = _balance(tx, account, window.start)[1]
    if used:
        _write(tx, name, Kind.RESET, _Entry(account, used, window.start, 0), now)
        tx.run("UPDATE balance SET used = 0 WHERE account = ? AND window_start = ?", (account, window.start))
    return used


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
    """Remove the accounts of a guild, its members and its grants, counters and rows together."""
    for table in ("ledger", "balance"):
        tx.run(
            f"DELETE FROM {table} WHERE account = 'guild:' || ?1 OR account LIKE 'member:' || ?1 || ':%'"  # noqa: S608
            " OR account IN (SELECT 'grant:' || id FROM grants WHERE guild = ?1)",
            (guild,),
        )


def accounts_in_contests(tx: Tx, member: str) -> list[str]:
    """The accounts of this member in contests."""
    rows = tx.all("SELECT DISTINCT account FROM balance WHERE account LIKE 'contest:%:' || ?", (member,))
    return [row["account"] for row in rows]


def drop_contest(tx: Tx, contest: str) -> None:
    """Remove the accounts of a contest, counters and rows together."""
    for table in ("ledger", "balance"):
        tx.run(f"DELETE FROM {table} WHERE account LIKE 'contest:' || ? || ':%'", (contest,))  # noqa: S608


def taken(tx: Tx, account: str, window_start: int) -> int:
    """Units that are held or used."""
    return sum(_balance(tx, account, window_start))


def running(tx: Tx, account: str) -> Running:
    """In whatever window its jobs were reserved."""
    row = tx.one("SELECT sum(running) AS jobs, max(reserved_at) AS at FROM balance WHERE account = ?", (account,))
    return Running(row["jobs"] or 0, row["at"] or 0) if row else Running(0, 0)


def took(tx: Tx, job: str) -> bool:
    """Whether a job reserved any units at all."""
    return tx.one("SELECT 1 FROM ledger WHERE job = ? AND amount > 0", (job,)) is not None


def _balance(tx: Tx, account: str, window_start: int) -> tuple[int, int]:
    row = tx.one("SELECT held, used FROM balance WHERE account = ? AND window_start = ?", (account, window_start))
    return (row["held"], row["used"]) if row else (0, 0)


def _hold(tx: Tx, claim: Claim, now: int) -> bool:
    """Raise the counter unless that would pass the limit; 0 units fit into a full account too."""
    held = tx.run(
        "INSERT INTO balance (account, window_start, held, running, reserved_at)"
        " SELECT ?2, ?3, ?1, 1, ?5 WHERE ?1 = 0 OR ?1 <= ?4"
        " ON CONFLICT (account, window_start) DO UPDATE"
        " SET held = held + ?1, running = running + 1, reserved_at = max(reserved_at, ?5)"
        " WHERE ?1 = 0 OR held + used + ?1 <= ?4",
        (claim.amount, claim.account, claim.window.start, claim.limit, now),
    )
    return held == 1


def _open(tx: Tx, job: str) -> list[_Entry]:
    rows = tx.all("SELECT kind, account, amount, window_start, limit_then FROM ledger WHERE job = ?", (job,))
    closed = {row["account"] for row in rows if row["kind"] != Kind.RESERVE}
    entries = [_Entry(*row[1:]) for row in rows if row["account"] not in closed]
    return sorted(entries, key=lambda entry: _rank(entry.account))


def _write(tx: Tx, job: str, kind: Kind, entry: _Entry, now: int) -> None:
    tx.run(
        "INSERT INTO ledger (job, account, kind, amount, window_start, limit_then, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (job, entry.account, kind, entry.amount, entry.window_start, entry.limit_then, now),
    )


def _refused(tx: Tx, claim: Claim) -> Refused:
    return Refused(
        _FULL[_kind(claim.account)],
        left=max(0, claim.limit - taken(tx, claim.account, claim.window.start)),
        limit=claim.limit,
        amount=claim.amount,
        period=claim.window.period.value,
        ends=str(claim.window.end // 1000),
    )


def _rank(account: str) -> tuple[int, str]:
    return _ORDER.index(_kind(account)), account


def _kind(account: str) -> str:
    return account.partition(":")[0]
