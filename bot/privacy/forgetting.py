"""What goes of a member who asks to be forgotten, in one unit; and what may go only when a window has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.contests import forgetting as contests
from bot.database import Tx
from bot.decks import store as decks
from bot.guilds import audit
from bot.guilds.former import former
from bot.guilds.guild import Period
from bot.guilds.store import forget_choices, settings_of
from bot.jobs import forgetting, persona_rows
from bot.jobs.store import guilds_of
from bot.posts import store as posts
from bot.quotas import ledger
from bot.quotas import store as quotas
from bot.quotas.policy import member_account

_HOUR_MS = 3600_000
LONGEST_MS = {
    Period.DAY: 25 * _HOUR_MS,
    Period.WEEK: (7 * 24 + 1) * _HOUR_MS,
    Period.MONTH: (31 * 24 + 1) * _HOUR_MS,
}
"""How long a window lasts at most: an hour more where the clocks go back."""


@dataclass(frozen=True)
class Forgotten:
    """How many jobs were still under way, and until when accounts of a running window stay (UTC milliseconds)."""

    under_way: int
    accounts_until: int | None


def forget(tx: Tx, member: str, *, new_id: Callable[[], str], now: int) -> Forgotten:
    """Everything of this member, everywhere.

    Accounts of a window that still runs, or of a contest that takes entries, keep their name until it ends, lest an
    allowance that was used up is made new by being forgotten: `finish` sees to them.
    """
    under_way = 0
    lists = (guilds_of, audit.guilds_of, quotas.guilds_of, ledger.guilds_of_member, contests.guilds_of)
    for guild in sorted({guild for found in lists for guild in found(tx, member)}):
        name = former(new_id())
        under_way += forgetting.forget_member(tx, guild, member, name, now)
        contests.forget_member(tx, guild, member, name)
        audit.forget_person(tx, guild, member, name)
        quotas.forget_member(tx, guild, member, name, now)
        posts.reword_under(tx, f"log:{guild}", member, name)
    persona_rows.forget(tx, member)
    decks.forget_member(tx, member)
    forget_choices(tx, member)
    tx.run(
        "INSERT INTO forgotten (member, asked_at) VALUES (?, ?)"
        " ON CONFLICT (member) DO UPDATE SET asked_at = excluded.asked_at",
        (member, now),
    )
    return Forgotten(under_way, _part(tx, member, now, new_id=new_id, now=now))


def finish(tx: Tx, *, new_id: Callable[[], str], now: int) -> None:
    """Accounts of forgotten members whose windows have ended since."""
    for row in tx.all("SELECT member, asked_at FROM forgotten"):
        _part(tx, row["member"], row["asked_at"], new_id=new_id, now=now)


def _part(tx: Tx, member: str, asked_at: int, *, new_id: Callable[[], str], now: int) -> int | None:
    """Take the name off the accounts of ended windows; returns until when one remains, of those asked about."""
    until = [ends for ends in (contests.part(tx, member, new_id),) if ends is not None]
    for guild in ledger.guilds_of_member(tx, member):
        account, longest = member_account(guild, member), LONGEST_MS[settings_of(tx, guild).period]
        ledger.rename(tx, account, member_account(guild, former(new_id())), min(asked_at, now - longest))
        last = ledger.last_window(tx, account, asked_at)
        until += [] if last is None else [last + longest]
    if not until:
        tx.run("DELETE FROM forgotten WHERE member = ?", (member,))
    return max(until, default=None)
