"""The two ways to know what accounts hold, which must always agree: the counters, and the sums of the ledger."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from bot.database import Tx

T = TypeVar("T")

Balances = dict[tuple[str, int], tuple[int, int]]
"""(account, window_start) -> (held, used), without accounts that are at zero."""


def counters(tx: Tx) -> Balances:
    rows = tx.all("SELECT account, window_start, held, used FROM balance WHERE held <> 0 OR used <> 0")
    return {(row["account"], row["window_start"]): (row["held"], row["used"]) for row in rows}


def sums(tx: Tx) -> Balances:
    held: Counter[tuple[str, int]] = Counter()
    used: Counter[tuple[str, int]] = Counter()
    for row in tx.all("SELECT account, window_start, kind, amount FROM ledger"):
        key = (row["account"], row["window_start"])
        change = {"reserve": (1, 0), "settle": (-1, 1), "release": (-1, 0), "reset": (0, -1)}[row["kind"]]
        held[key] += change[0] * row["amount"]
        used[key] += change[1] * row["amount"]
    return {key: (held[key], used[key]) for key in held if held[key] or used[key]}


def kinds(tx: Tx, job: str) -> list[tuple[str, str]]:
    """What the ledger says of a job, as (account without ids, kind), in the order it was written."""
    rows = tx.all("SELECT account, kind FROM ledger WHERE job = ? ORDER BY at, rowid", (job,))
    return [(row["account"].partition(":")[0], row["kind"]) for row in rows]


def transact(connection: sqlite3.Connection, unit: Callable[[Tx], T]) -> T:
    """One unit alone in a transaction, undone when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcome = unit(Tx(connection))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return outcome
