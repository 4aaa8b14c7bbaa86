"""What the ledger tells, and what an older database brings along."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.database import Tx
from bot.database.connection import _connect, migrate, released
from bot.guilds import audit
from bot.guilds.audit import Action, Entry
from bot.quotas import ledger, store
from bot.quotas.facts import Claim, Grant
from bot.quotas.ledger import Kind, Running
from bot.quotas.reports import Cost, exported, last_costs, safe, use
from bot.quotas.windows import Window, days_back
from cogs.views.log import log_lines
from tests.bookkeeping import counters, sums

NOW = 1_800_000_000_000
DAY_MS = 24 * 3600_000
DAYS = days_back("Europe/Berlin", NOW, 3)
FOREVER = Window(0, 1 << 50)


@pytest.fixture
def tx() -> Iterator[Tx]:
    connection = _connect(Path(":memory:"))
    migrate(connection, Path("nowhere"), released())
    yield Tx(connection)
    connection.close()


def job(
    tx: Tx, name: str, member: str, units: int, at: int, *, close: Kind | None = None, guild: str = "7"
) -> None:
    """A job, a unit of which comes from a grant when it takes more than two."""
    window = Window(at - at % DAY_MS, at - at % DAY_MS + DAY_MS)
    granted = [Claim("grant:won", 1, 9, FOREVER)] if units > 2 else []
    mine = Claim(f"member:{guild}:{member}", units - len(granted), 99, window)
    ledger.reserve(tx, name, [mine, *granted, Claim(f"guild:{guild}", units, 99, window)], at)
    if close is Kind.SETTLE:
        ledger.settle(tx, name, at)
    if close is Kind.RELEASE:
        ledger.release(tx, name, at)


@pytest.fixture
def busy(tx: Tx) -> Tx:
    """Three days of two members, and another guild whose id begins alike."""
    store.add_grant(tx, Grant("won", 9, 0, None), "7", "1", by="s", reason="-", now=0)
    job(tx, "a", "1", 3, NOW - 2 * DAY_MS, close=Kind.SETTLE)
    job(tx, "b", "1", 1, NOW - DAY_MS, close=Kind.RELEASE)
    job(tx, "c", "2", 2, NOW - 1000, close=Kind.SETTLE)
    job(tx, "d", "1", 0, NOW, close=Kind.SETTLE)
    job(tx, "e", "1", 1, NOW + 1)
    job(tx, "old", "1", 1, NOW - 9 * DAY_MS, close=Kind.SETTLE)
    job(tx, "other", "1", 1, NOW, close=Kind.SETTLE, guild="77")
    return tx


def test_use_is_counted_by_day_and_by_member(busy: Tx) -> None:
    found = use(busy, "7", DAYS)
    assert found.by_day == (3, 0, 2)
    assert found.by_member == (("1", 3), ("2", 2))
    assert (found.units, found.jobs) == (5, 3)


def test_the_last_jobs_tell_what_they_cost(busy: Tx) -> None:
    assert last_costs(busy, "7", "1", 3) == (
        Cost("e", NOW + 1, 1, Kind.RESERVE),
        Cost("d", NOW, 0, Kind.SETTLE),
        Cost("b", NOW - DAY_MS, 1, Kind.RELEASE),
    )
    assert last_costs(busy, "7", "3", 3) == ()


def test_the_export_has_every_row_of_the_guild_and_no_other(busy: Tx) -> None:
    table, count = exported(busy, "7", DAYS, 1000)
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert len(rows) == count
    assert {row["job"] for row in rows} == {"a", "b", "c", "d", "e"}
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    ours = [row for row in rows if row["account"] == "guild"]
    assert sum(int(row["units"]) for row in ours if row["kind"] == "settle") == 5
    assert {(row["subject"], row["units"]) for row in rows if row["account"] == "grant"} == {("1", "1")}
    newest, count = exported(busy, "7", DAYS, 2)
    assert count == 2
    assert b"\r\ne," not in newest
    assert b",e,reserve,guild,7,1," in newest


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


def test_ordinary_cells_stay_as_they_are() -> None:
    assert [safe(cell) for cell in ("", "12", "abc", "2026-11-21T00:00:00+00:00")] == [
        "",
        "12",
        "abc",
        "2026-11-21T00:00:00+00:00",
    ]


def test_a_job_that_calls_itself_a_formula_is_harmless_in_the_file(tx: Tx) -> None:
    job(tx, "=HYPERLINK(1)", "1", 1, NOW)
    assert b",'=HYPERLINK(1),reserve,guild" in exported(tx, "7", DAYS, 10)[0]


def test_the_log_is_read_newest_first_and_narrowed(tx: Tx) -> None:
    for at, actor, subject in ((1, "5", "member:1"), (2, "6", "member:2"), (3, "5", "guild")):
        audit.note(tx, "7", actor, Action.RESET, subject, reason='{"units": 4}', now=at)
    audit.note(tx, "8", "5", Action.RESET, "guild", reason="{}", now=9)

    def read(**narrowed: Any) -> list[int]:
        ask: dict[str, Any] = {"about": None, "by": None, "limit": 9, "offset": 0, **narrowed}
        return [entry.at for entry in audit.entries(tx, "7", **ask)]

    assert read() == [3, 2, 1]
    assert read(by="5") == [3, 1]
    assert read(about="member:2") == [2]
    assert read(limit=1, offset=1) == [2]


@pytest.mark.parametrize("action", Action)
def test_every_change_has_words_even_when_its_reason_was_forgotten(action: Action) -> None:
    assert log_lines([Entry(1000, "5", action, "member:former-1", "")], "en").startswith("<t:1:f> <@5> ")


def test_what_a_moderator_wrote_cannot_break_out_of_its_line() -> None:
    reason = json.dumps({"units": 1, "ends": None, "why": "**a**\n<@&123456789012345678> https://x"})
    line = log_lines([Entry(1000, "5", Action.GRANT, "member:1", reason)], "en")
    assert "\n" not in line
    assert "<@&1" not in line
    assert "https://" not in line


OLD = """
INSERT INTO balance VALUES ('member:g:m', 0, 1, 2), ('guild:g', 0, 1, 2), ('guild:idle', 0, 0, 0);
INSERT INTO ledger VALUES
 ('done', 'member:g:m', 'reserve', 2, 0, 5, 10), ('done', 'guild:g', 'reserve', 2, 0, 50, 10),
 ('done', 'member:g:m', 'settle', 2, 0, 5, 20), ('done', 'guild:g', 'settle', 2, 0, 50, 20),
 ('open', 'member:g:m', 'reserve', 1, 0, 5, 30), ('open', 'guild:g', 'reserve', 1, 0, 50, 30);
"""


def test_an_older_database_brings_its_books_and_its_running_jobs_along(tmp_path: Path) -> None:
    connection = _connect(tmp_path / "old.db")
    migrate(connection, tmp_path / "old.db", [one for one in released() if one[0] < 9])
    connection.executescript(OLD)
    migrate(connection, tmp_path / "old.db", released())
    tx = Tx(connection)
    assert counters(tx) == sums(tx) == {("member:g:m", 0): (1, 2), ("guild:g", 0): (1, 2)}
    assert ledger.running(tx, "member:g:m") == Running(1, 30)
    assert ledger.running(tx, "guild:idle") == Running(0, 0)
    ledger.release(tx, "open", 40)
    assert ledger.running(tx, "guild:g") == Running(0, 30)
    assert counters(tx) == sums(tx)
    with pytest.raises(sqlite3.IntegrityError):
        tx.run("INSERT INTO ledger VALUES ('open', 'guild:g', 'settle', 1, 0, 50, 50)")
    connection.close()
