"""The rows of `contests`, `contest_sources` and `tie_breaks`: plain functions that take the transaction first."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from sqlite3 import Row
from typing import Any

from bot.contests.contest import RUNNING, Contest, Draft, Phase, Rules, Schedule, SourceFile, dump
from bot.database import Tx

_RUNNING = json.dumps(sorted(RUNNING))


def insert(tx: Tx, contest: Contest, interaction: str, now: int) -> None:
    """Write a new contest with its sources."""
    tx.run(
        "INSERT INTO contests (id, interaction, guild, channel, gallery, organiser, locale, max_bytes, title,"
        " theme, prize, rules, opens_at, closes_at, ends_at, phase, salt, wake_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            contest.id,
            interaction,
            contest.guild,
            contest.channel,
            contest.gallery,
            contest.organiser,
            contest.locale,
            contest.max_bytes,
            contest.title,
            contest.theme,
            contest.prize,
            dump(contest.rules),
            contest.schedule.opens_at,
            contest.schedule.closes_at,
            contest.schedule.ends_at,
            contest.phase,
            contest.salt,
            contest.wake_at,
            now,
        ),
    )
    for source in contest.sources:
        tx.run(
            "INSERT INTO contest_sources (contest, side, name, size, hash, seconds) VALUES (?, ?, ?, ?, ?, ?)",
            (contest.id, source.side, source.name, source.size, source.hash, source.seconds),
        )


def drafted(draft: Draft, **known: Any) -> Contest:
    """The contest that a draft describes."""
    return Contest(
        channel=draft.channel,
        gallery=draft.gallery or draft.channel,
        title=draft.title.strip(),
        theme=draft.theme.strip(),
        prize=draft.prize.strip(),
        rules=draft.rules,
        schedule=draft.schedule,
        phase=Phase.DRAFT,
        rev=0,
        **known,
    )


def by_interaction(tx: Tx, interaction: str) -> Contest | None:
    """The contest that this interaction already made, if any."""
    row = tx.one("SELECT * FROM contests WHERE interaction = ?", (interaction,))
    return _contest(tx, row) if row else None


def get(tx: Tx, contest_id: str) -> Contest | None:
    row = tx.one("SELECT * FROM contests WHERE id = ?", (contest_id,))
    return _contest(tx, row) if row else None


def listed(tx: Tx, guild: str, limit: int) -> list[Contest]:
    """The contests of a guild: those under way by their next date, then the others, newest first."""
    rows = tx.all(
        "SELECT * FROM contests WHERE guild = ?1 ORDER BY phase NOT IN (SELECT value FROM json_each(?2)),"
        " CASE WHEN phase IN (SELECT value FROM json_each(?2)) THEN ends_at ELSE -created_at END, id LIMIT ?3",
        (guild, _RUNNING, limit),
    )
    return [_contest(tx, row) for row in rows]


def running(tx: Tx) -> list[Contest]:
    """Every contest that has not ended, anywhere."""
    rows = tx.all(
        "SELECT * FROM contests WHERE phase IN (SELECT value FROM json_each(?)) ORDER BY created_at, id",
        (_RUNNING,),
    )
    return [_contest(tx, row) for row in rows]


def count_running(tx: Tx, guild: str) -> int:
    """How many contests of a guild have not ended."""
    row = tx.one(
        "SELECT count(*) FROM contests WHERE guild = ? AND phase IN (SELECT value FROM json_each(?))",
        (guild, _RUNNING),
    )
    return row[0] if row else 0


def change(tx: Tx, contest_id: str, changes: Mapping[str, Any]) -> None:
    """Write columns; whoever has read the row before knows by its `rev`."""
    assignments = ", ".join(f"{column} = ?" for column in changes)
    tx.run(
        f"UPDATE contests SET {assignments}, rev = rev + 1 WHERE id = ?",  # noqa: S608
        (*changes.values(), contest_id),
    )


def ring(tx: Tx, contest_id: str) -> None:
    """Something happened to the contest: look at once."""
    tx.run("UPDATE contests SET wake_at = 0, rev = rev + 1 WHERE id = ? AND phase <> 'archived'", (contest_id,))


def claim(tx: Tx, *, owner: str, now: int, lease_until: int, room: int) -> list[Contest]:
    """Lease up to `room` due contests."""
    rows = tx.all(
        "UPDATE contests SET owner = ?, lease_until = ? WHERE id IN (SELECT id FROM contests"
        " WHERE phase <> 'archived' AND wake_at <= ? AND owner IS NULL ORDER BY wake_at LIMIT ?) RETURNING *",
        (owner, lease_until, now, room),
    )
    return [_contest(tx, row) for row in rows]


def sleep(tx: Tx, contest_id: str, owner: str, wake_at: int) -> None:
    """Back to sleep until something may be due."""
    tx.run(
        "UPDATE contests SET owner = NULL, lease_until = NULL, wake_at = ? WHERE id = ? AND owner = ?",
        (wake_at, contest_id, owner),
    )


def is_held(tx: Tx, contest_id: str, owner: str) -> bool:
    return tx.one("SELECT 1 FROM contests WHERE id = ? AND owner = ?", (contest_id, owner)) is not None


def next_wake(tx: Tx, since: int) -> int | None:
    """When the next unleased contest is due that was not at `since`, UTC milliseconds."""
    row = tx.one(
        "SELECT min(wake_at) FROM contests WHERE phase <> 'archived' AND owner IS NULL AND wake_at > ?", (since,)
    )
    return row[0] if row else None


def clear_leases(tx: Tx) -> None:
    """At start: the file lock says that nobody else holds any."""
    tx.run("UPDATE contests SET owner = NULL, lease_until = NULL WHERE owner IS NOT NULL")


def reclaim(tx: Tx, running: Collection[str], wake_at: int) -> None:
    """Free the contests whose step is gone without a word, and look again at `wake_at`."""
    tx.run(
        "UPDATE contests SET owner = NULL, lease_until = NULL, wake_at = ?, rev = rev + 1"
        " WHERE owner IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?))",
        (wake_at, json.dumps(list(running))),
    )


def break_tie(tx: Tx, contest_id: str, entries: Sequence[str]) -> None:
    """The order of entries that share a rank; a later decision about the same ones stays."""
    for place, entry in enumerate(entries):
        tx.run(
            "INSERT INTO tie_breaks (contest, entry, place) VALUES (?, ?, ?)"
            " ON CONFLICT (contest, entry) DO UPDATE SET place = excluded.place",
            (contest_id, entry, place),
        )


def tie_breaks(tx: Tx, contest_id: str) -> dict[str, int]:
    rows = tx.all("SELECT entry, place FROM tie_breaks WHERE contest = ? ORDER BY place, entry", (contest_id,))
    return {row["entry"]: row["place"] for row in rows}


def _contest(tx: Tx, row: Row) -> Contest:
    sources = tx.all(
        "SELECT side, name, size, hash, seconds FROM contest_sources WHERE contest = ? ORDER BY side", (row["id"],)
    )
    plain = ("id", "guild", "channel", "gallery", "organiser", "locale", "max_bytes", "title", "theme", "prize")
    also = ("rev", "wake_at", "salt", "paused_at", "warned_at", "ended_at", "digest", "owner")
    return Contest(
        **{name: row[name] for name in (*plain, *also)},
        rules=Rules.from_json(json.loads(row["rules"])),
        schedule=Schedule(row["opens_at"], row["closes_at"], row["ends_at"]),
        phase=Phase(row["phase"]),
        sources=tuple(SourceFile(**dict(source)) for source in sources),
    )
