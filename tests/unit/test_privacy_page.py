"""PRIVACY.md names every stored datum: what the schema has, and nothing else."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from pathlib import Path

from bot.database.connection import migrate, released
from bot.settings import KeepSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "PRIVACY.md").read_text("utf-8")
Datum = tuple[str, str]


def stored(*more: str) -> set[Datum]:
    """Every (table, column) of the schema, after `more` statements."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, Path("nowhere"), released())
    for statement in more:
        connection.execute(statement)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = {(t, row[1]) for (t,) in tables for row in connection.execute(f"PRAGMA table_info({t})")}
    connection.close()
    return found


def named(page: str) -> Counter[Datum]:
    """Every (table, column) that a row of the page tells of, with what it says beside."""
    found: Counter[Datum] = Counter()
    tables: list[str] = []
    for line in page.splitlines():
        if line.startswith("### "):
            tables = re.findall(r"`(\w+)`", line)
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| `"):
            continue
        first, second = (re.findall(r"`(\w+)`", cell) for cell in cells[:2])
        own = len(tables) == 1
        columns, of, rest = (first, tables[0], cells[1:3]) if own else (second, first[0], cells[2:4])
        assert all(rest), f"why and how long: {line}"
        found.update((of, column) for column in columns)
    return found


def test_every_stored_datum_is_named_once() -> None:
    found = named(PAGE)
    assert stored() - set(found) == set(), "a column has no line in PRIVACY.md"
    assert set(found) - stored() == set(), "PRIVACY.md tells of what is not stored"
    assert [datum for datum, times in found.items() if times > 1] == []


def test_a_new_column_or_table_without_a_line_is_found() -> None:
    more = stored("ALTER TABLE members ADD COLUMN birthday TEXT", "CREATE TABLE friends (member TEXT)")
    assert more - set(named(PAGE)) == {("members", "birthday"), ("friends", "member")}


def test_a_line_without_its_column_is_found() -> None:
    page = PAGE.replace("| `token` |", "| `tokens` |")
    assert set(named(page)) - stored() == {("jobs", "tokens")}


def test_the_days_are_the_defaults() -> None:
    keep = KeepSettings.model_validate({})
    assert f"results {keep.result_days} days, copies of sources {keep.source_days} days" in PAGE
    assert f"until {keep.job_days} days after it\nended" in PAGE
    assert f"everything of that server goes {keep.guild_grace_days} days later" in PAGE
    assert f"| {keep.audit_days} days |" in PAGE


def test_it_is_linked() -> None:
    assert "(PRIVACY.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "(../PRIVACY.md)" in (ROOT / "docs" / "operating.md").read_text("utf-8")
