"""The rows of `rules`, `grants`, `blocks` and `confirmations`: plain functions that take the transaction first."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.database import Tx
from bot.quotas.facts import Block, Effect, Grant, Kind, Rule, grant_account

ANSWER_MS = 15 * 60_000
"""How long a question waits for its Yes."""


@dataclass(frozen=True)
class Pending:
    """A step that somebody was asked to confirm."""

    guild: str
    member: str
    step: Mapping[str, Any]


def rules_for(tx: Tx, guild: str, subjects: Collection[str]) -> tuple[Rule, ...]:
    """The guild's rules for these roles and members."""
    rows = tx.all(
        "SELECT * FROM rules WHERE guild = ? AND subject IN (SELECT value FROM json_each(?))",
        (guild, json.dumps(list(subjects))),
    )
    return tuple(Rule(Kind(r["kind"]), r["subject"], Effect(r["effect"]), r["units"]) for r in rows)


def rules_of(tx: Tx, guild: str) -> tuple[Rule, ...]:
    """Every rule of a guild."""
    rows = tx.all("SELECT * FROM rules WHERE guild = ? ORDER BY kind DESC, subject", (guild,))
    return tuple(Rule(Kind(r["kind"]), r["subject"], Effect(r["effect"]), r["units"]) for r in rows)


def put_rule(tx: Tx, guild: str, rule: Rule) -> None:
    """One rule for each role or member; the newer one stays."""
    tx.run(
        "INSERT INTO rules (guild, kind, subject, effect, units) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (guild, kind, subject) DO UPDATE SET effect = excluded.effect, units = excluded.units",
        (guild, rule.kind, rule.subject, rule.effect, rule.units),
    )


def drop_rule(tx: Tx, guild: str, kind: Kind, subject: str) -> bool:
    """Whether there was one."""
    return tx.run("DELETE FROM rules WHERE guild = ? AND kind = ? AND subject = ?", (guild, kind, subject)) == 1


def grants_of(tx: Tx, guild: str, member: str, now: int) -> tuple[Grant, ...]:
    """Grants that have not expired, with what is taken of each."""
    rows = tx.all(
        "SELECT id, units, expires_at, (SELECT coalesce(sum(held + used), 0) FROM balance"
        " WHERE account = ? || grants.id) AS taken FROM grants WHERE guild = ? AND member = ?"
        " AND (expires_at IS NULL OR expires_at > ?) ORDER BY id",
        (grant_account(""), guild, member, now),
    )
    return tuple(Grant(row["id"], row["units"], row["taken"], row["expires_at"]) for row in rows)


def add_grant(tx: Tx, grant: Grant, guild: str, member: str, *, by: str, reason: str, now: int) -> None:
    """Give units once."""
    tx.run(
        "INSERT INTO grants (id, guild, member, units, expires_at, granted_by, reason, granted_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (grant.id, guild, member, grant.units, grant.ends, by, reason, now),
    )


def block_of(tx: Tx, guild: str, member: str) -> Block | None:
    """The member's block, also one that is over."""
    row = tx.one("SELECT reason, until FROM blocks WHERE guild = ? AND member = ?", (guild, member))
    return Block(row["reason"], row["until"]) if row else None


def put_block(tx: Tx, guild: str, member: str, block: Block, *, by: str, now: int) -> None:
    """A member has one block; the newer one stays."""
    tx.run(
        "INSERT INTO blocks (guild, member, reason, until, blocked_by, blocked_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (guild, member) DO UPDATE SET reason = excluded.reason, until = excluded.until,"
        " blocked_by = excluded.blocked_by, blocked_at = excluded.blocked_at",
        (guild, member, block.reason, block.until, by, now),
    )


def drop_block(tx: Tx, guild: str, member: str) -> bool:
    """Whether there was one."""
    return tx.run("DELETE FROM blocks WHERE guild = ? AND member = ?", (guild, member)) == 1


def forget_member(tx: Tx, guild: str, member: str, name: str, now: int) -> None:
    """Take a member's name off what was given to them and what they gave; nothing they were asked is left.

    What a moderator decided against them stands: a block in force, a limit. Else being forgotten would lift it.
    """
    mine = (guild, member)
    tx.run("DELETE FROM rules WHERE guild = ? AND kind = 'member' AND subject = ? AND effect <> 'limit'", mine)
    tx.run("UPDATE grants SET member = ?, reason = '' WHERE guild = ? AND member = ?", (name, *mine))
    tx.run("UPDATE grants SET granted_by = ? WHERE guild = ? AND granted_by = ?", (name, *mine))
    tx.run("DELETE FROM blocks WHERE guild = ? AND member = ? AND until <= ?", (*mine, now))
    tx.run("UPDATE blocks SET blocked_by = ? WHERE guild = ? AND blocked_by = ?", (name, *mine))
    tx.run("DELETE FROM confirmations WHERE guild = ?1 AND (member = ?2 OR step LIKE '%' || ?2 || '%')", mine)


def guilds_of(tx: Tx, member: str) -> list[str]:
    """Where something was decided about this member, or by them."""
    rows = tx.all(
        "SELECT guild FROM rules WHERE kind = 'member' AND subject = ?1"
        " UNION SELECT guild FROM grants WHERE member = ?1 OR granted_by = ?1"
        " UNION SELECT guild FROM blocks WHERE member = ?1 OR blocked_by = ?1"
        " UNION SELECT guild FROM confirmations WHERE member = ?1",
        (member,),
    )
    return [row["guild"] for row in rows]


def drop_guild(tx: Tx, guild: str) -> None:
    """Forget everything that was decided on a guild."""
    for table in ("rules", "grants", "blocks", "confirmations"):
        tx.run(f"DELETE FROM {table} WHERE guild = ?", (guild,))  # noqa: S608


def paused_guilds(tx: Tx) -> frozenset[str]:
    """Guilds from which nothing is taken."""
    return frozenset(
        r["guild"] for r in tx.all("SELECT guild FROM guilds WHERE json_extract(settings, '$.paused')")
    )


def put_pending(tx: Tx, name: str, pending: Pending, now: int) -> None:
    """Keep a step until its button is pressed; forget those that nobody pressed."""
    tx.run("DELETE FROM confirmations WHERE expires_at <= ?", (now,))
    tx.run(
        "INSERT INTO confirmations (id, guild, member, step, expires_at) VALUES (?, ?, ?, ?, ?)",
        (name, pending.guild, pending.member, json.dumps(dict(pending.step), ensure_ascii=False), now + ANSWER_MS),
    )


def take_pending(tx: Tx, name: str, guild: str, member: str, now: int) -> Pending | None:
    """The step that this member was asked about here; it can be taken once."""
    rows = tx.all(
        "DELETE FROM confirmations WHERE id = ? AND guild = ? AND member = ? AND expires_at > ? RETURNING *",
        (name, guild, member, now),
    )
    return Pending(rows[0]["guild"], rows[0]["member"], json.loads(rows[0]["step"])) if rows else None
