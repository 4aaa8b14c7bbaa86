"""What the ledger tells: what jobs cost, who used how much when, and all of it as a table."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from sqlite3 import Row

from bot.database import Tx
from bot.quotas.facts import grant_account, guild_account, member_account
from bot.quotas.ledger import Kind
from bot.quotas.windows import Window

_COLUMNS = ("time", "job", "kind", "account", "subject", "units", "window_begins", "limit")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Cost:
    """What one job took, and how that stands: `reserve` while it is on its way, else how it was closed."""

    job: str
    at: int
    units: int
    kind: Kind


@dataclass(frozen=True)
class Use:
    """Units used on a guild: one count for each day, oldest first, and the members by what they used."""

    days: tuple[date, ...]
    by_day: tuple[int, ...]
    by_member: tuple[tuple[str, int], ...]
    jobs: int

    @property
    def units(self) -> int:
        return sum(self.by_day)


def last_costs(tx: Tx, guild: str, member: str, count: int) -> tuple[Cost, ...]:
    """The member's last jobs, newest first; the guild's account has the whole price of each, or a contest's."""
    jobs = tx.all(
        "SELECT job, at FROM ledger WHERE account = ? AND kind = 'reserve' ORDER BY at DESC LIMIT ?",
        (member_account(guild, member), count),
    )
    return tuple(_cost(tx, row["job"], row["at"], guild_account(guild)) for row in jobs)


def use(tx: Tx, guild: str, days: Mapping[date, Window]) -> Use:
    """What was used in these days."""
    rows = tx.all(
        "SELECT used.at, used.amount, mine.account FROM ledger AS used JOIN ledger AS mine ON mine.job = used.job"
        " AND mine.kind = 'reserve' AND mine.account >= ? AND mine.account < ?"
        " WHERE used.account = ? AND used.kind = 'settle' AND used.at >= ?",
        (*_members(guild), guild_account(guild), _first(days)),
    )
    members: Counter[str] = Counter()
    for row in rows:
        members[row["account"].rpartition(":")[2]] += row["amount"]
    by_day = tuple(sum(row["amount"] for row in rows if day.start <= row["at"] < day.end) for day in days.values())
    ranked = sorted(members.items(), key=lambda item: (-item[1], item[0]))
    return Use(tuple(days), by_day, tuple(item for item in ranked if item[1]), len(rows))


def exported(tx: Tx, guild: str, days: Mapping[date, Window], most: int) -> tuple[bytes, int]:
    """The guild's rows of the ledger in these days as CSV, oldest first, the newest `most`; and how many.

    Jobs of contests are left out: nobody is to find out by them whose an entry is.
    """
    rows = tx.all(
        "SELECT * FROM (SELECT ledger.*, grants.member AS holder FROM ledger LEFT JOIN grants"
        " ON ledger.account = ? || grants.id WHERE at >= ?"
        " AND (account = ? OR (account >= ? AND account < ?) OR grants.guild = ?)"
        " AND job NOT IN (SELECT job FROM ledger WHERE account LIKE 'contest:%')"
        " ORDER BY at DESC LIMIT ?) ORDER BY at, job, account, kind",
        (grant_account(""), _first(days), guild_account(guild), *_members(guild), guild, most),
    )
    with io.StringIO(newline="") as text:
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        writer.writerows([safe(cell) for cell in _cells(row)] for row in rows)
        return text.getvalue().encode("utf-8-sig"), len(rows)


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _first(days: Mapping[date, Window]) -> int:
    return next(iter(days.values())).start


def _members(guild: str) -> tuple[str, str]:
    """The first name that an account of the guild's members could have, and the first one after them."""
    first = member_account(guild, "")
    return first, first[:-1] + chr(ord(first[-1]) + 1)


def _cells(row: Row) -> Iterable[str]:
    account, _, subject = str(row["account"]).partition(":")
    who = row["holder"] or subject.rpartition(":")[2]
    times = (_time(row["at"]), _time(row["window_start"]) if row["window_start"] else "")
    return (
        times[0],
        row["job"],
        row["kind"],
        account,
        who,
        str(row["amount"]),
        times[1],
        str(row["limit_then"]),
    )


def _cost(tx: Tx, job: str, at: int, account: str) -> Cost:
    rows = tx.all(
        "SELECT kind, amount FROM ledger WHERE job = ? AND (account = ? OR account LIKE 'contest:%')"
        " ORDER BY amount DESC",
        (job, account),
    )
    kinds = {Kind(row["kind"]) for row in rows}
    closed = next((kind for kind in (Kind.SETTLE, Kind.RELEASE) if kind in kinds), Kind.RESERVE)
    return Cost(job, at, rows[0]["amount"] if rows else 0, closed)


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
