"""The rows of `personas`: plain functions that take the transaction first."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Row

from bot.database import Tx
from bot.request import EngineName


@dataclass(frozen=True)
class Persona:
    """The sound of one track, kept by an engine under `id`, for its member alone.

    `id` is None from before it is asked for until the answer is known: as long as it is, nobody asks again.
    """

    job: str
    number: int
    member: str
    engine: EngineName
    name: str
    description: str
    id: str | None = None


def of_track(tx: Tx, job: str, number: int) -> Persona | None:
    """The one persona of a track."""
    row = tx.one("SELECT * FROM personas WHERE job = ? AND number = ?", (job, number))
    return _persona(row) if row else None


def put(tx: Tx, persona: Persona, now: int) -> None:
    """Write down that it is about to be asked for."""
    tx.run(
        "INSERT INTO personas (job, number, member, engine, name, description, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            persona.job,
            persona.number,
            persona.member,
            persona.engine,
            persona.name,
            persona.description,
            now,
        ),
    )


def settle(tx: Tx, persona: Persona, made: str | None) -> None:
    """It was made under this id; or, for None, it certainly was not."""
    key = (persona.job, persona.number)
    if made is None:
        tx.run("DELETE FROM personas WHERE job = ? AND number = ? AND persona IS NULL", key)
    else:
        tx.run("UPDATE personas SET persona = ? WHERE job = ? AND number = ?", (made, *key))


def of_member(tx: Tx, member: str) -> tuple[Persona, ...]:
    """Those that can be used, newest first."""
    rows = tx.all(
        "SELECT * FROM personas WHERE member = ? AND persona IS NOT NULL ORDER BY created_at DESC, job, number",
        (member,),
    )
    return tuple(_persona(row) for row in rows)


def forget(tx: Tx, member: str) -> None:
    """Nothing more of theirs; what the provider keeps under its id, nobody here can name any more."""
    tx.run("DELETE FROM personas WHERE member = ?", (member,))


def chosen(tx: Tx, member: str, typed: str) -> Persona | None:
    """The member's own persona with this id or name, the newest of several."""
    mine = of_member(tx, member)
    wanted = typed.strip().lower()
    return next((p for p in mine if p.id == typed), None) or next(
        (p for p in mine if p.name.lower() == wanted), None
    )


def _persona(row: Row) -> Persona:
    return Persona(
        job=row["job"],
        number=row["number"],
        member=row["member"],
        engine=EngineName(row["engine"]),
        name=row["name"],
        description=row["description"],
        id=row["persona"],
    )
