"""The rows of `ballots` and `choices`: plain functions that take the transaction first.

Each choice remembers the click that decided it, and only a later click decides it anew. So it does not matter in
which order clicks arrive, or how often.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from sqlite3 import Row

from bot.contests.contest import Ballot
from bot.database import Tx

LEAST, NUMBERS = 100_000, 900_000
"""The least number of a ballot, and how many there are."""


def number_of(tx: Tx, contest_id: str, member: str) -> int | None:
    """The number of a member's ballot."""
    row = tx.one("SELECT number FROM ballots WHERE contest = ? AND member = ?", (contest_id, member))
    return row["number"] if row else None


def open_for(tx: Tx, contest_id: str, member: str, chances: Sequence[int], now: int) -> int:
    """The number of the member's one ballot, which is made if there is none: by the first chance that is free."""
    known = number_of(tx, contest_id, member)
    if known is not None:
        return known
    number = next(n for n in (LEAST + chance % NUMBERS for chance in chances) if not _is_known(tx, contest_id, n))
    tx.run(
        "INSERT INTO ballots (contest, member, number, cast_at) VALUES (?, ?, ?, ?)",
        (contest_id, member, number, now),
    )
    return number


def decide(
    tx: Tx, contest_id: str, number: int, shown: Collection[str], chosen: Collection[str], click: int, now: int
) -> None:
    """What one click says of each entry that it showed; a later click about the same entry stays."""
    for entry in sorted(shown):
        tx.run(
            "INSERT INTO choices (contest, number, entry, chosen, click) VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT (contest, number, entry) DO UPDATE SET chosen = excluded.chosen, click = excluded.click"
            " WHERE excluded.click > click",
            (contest_id, number, entry, int(entry in chosen), click),
        )
    tx.run("UPDATE ballots SET cast_at = ? WHERE contest = ? AND number = ?", (now, contest_id, number))


def chosen_in(tx: Tx, contest_id: str, number: int) -> tuple[str, ...]:
    """What a ballot names, as ids of entries."""
    rows = tx.all(
        "SELECT entry FROM choices WHERE contest = ? AND number = ? AND chosen ORDER BY entry", (contest_id, number)
    )
    return tuple(row["entry"] for row in rows)


def of(tx: Tx, contest_id: str) -> list[Ballot]:
    """Every ballot that names something, by its number."""
    rows = tx.all("SELECT * FROM ballots WHERE contest = ? ORDER BY number", (contest_id,))
    found = [_ballot(tx, row) for row in rows]
    return [ballot for ballot in found if ballot.choices]


def count(tx: Tx, contest_id: str) -> int:
    """How many ballots name something."""
    row = tx.one("SELECT count(DISTINCT number) FROM choices WHERE contest = ? AND chosen", (contest_id,))
    return row[0] if row else 0


def unname(tx: Tx, contest_id: str) -> None:
    """Nobody can be told any more which ballot was whose."""
    tx.run("UPDATE ballots SET member = 'former-' || number WHERE contest = ?", (contest_id,))


def _is_known(tx: Tx, contest_id: str, number: int) -> bool:
    return tx.one("SELECT 1 FROM ballots WHERE contest = ? AND number = ?", (contest_id, number)) is not None


def _ballot(tx: Tx, row: Row) -> Ballot:
    choices = chosen_in(tx, row["contest"], row["number"])
    return Ballot(row["contest"], row["member"], row["number"], choices, row["cast_at"])
