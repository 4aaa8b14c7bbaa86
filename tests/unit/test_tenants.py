"""Servers share one database and learn nothing of one another: by chance, and by reading every statement."""

from __future__ import annotations

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.jobs import store
from bot.jobs.job import Job
from bot.jobs.service import Reader
from tests.tenants import Town, misplaced

ROOT = Path(__file__).parents[2]
_STATEMENT = re.compile(r"\s*(SELECT|UPDATE|DELETE|WITH)\b")
_TABLES = re.compile(r"(?:FROM|JOIN|UPDATE)\s+(\w+)")
_SCOPED = re.compile(r"\bguild (=|IS|IN)|\bguild=")
_ONE_ROW = re.compile(r"^\s*(\w+\.)?(id|interaction) (=|IN \(SELECT value) ")

OF_A_MEMBER = "what one person asked for about themselves, wherever they are"
MACHINERY = "what is due next, of whichever server; it shows nobody anything"
KEEPING = "what has been kept long enough"
OPERATOR = "what the operator sees in the terminal"
EXCEPTIONS = {
    "bot.contests.entries.is_taken": "a track is in one contest at most; it is asked with the id of a known job",
    "bot.contests.forgetting.guilds_of": OF_A_MEMBER,
    "bot.decks.store.count_of": OF_A_MEMBER,
    "bot.decks.store.forget_member": OF_A_MEMBER,
    "bot.guilds.audit.guilds_of": OF_A_MEMBER,
    "bot.guilds.audit.count_of": OF_A_MEMBER,
    "bot.jobs.store.guilds_of": OF_A_MEMBER,
    "bot.jobs.store.count_of_member": OF_A_MEMBER,
    "bot.quotas.store.guilds_of": OF_A_MEMBER,
    "bot.contests.store.running": MACHINERY,
    "bot.contests.store.claim": MACHINERY,
    "bot.contests.store.next_wake": MACHINERY,
    "bot.contests.store.clear_leases": MACHINERY,
    "bot.contests.store.reclaim": MACHINERY,
    "bot.jobs.store.due": MACHINERY,
    "bot.jobs.store.next_wake": MACHINERY,
    "bot.jobs.store.clear_leases": MACHINERY,
    "bot.jobs.store.poll_soon": MACHINERY,
    "bot.jobs.store.reclaim": MACHINERY,
    "bot.jobs.store.shift": MACHINERY,
    "bot.jobs.store.count_submitted": MACHINERY,
    "bot.jobs.store.pace": MACHINERY,
    "bot.jobs.store.repeats_of": "jobs that were made again of a known one",
    "bot.contests.forgetting.drop_ended": KEEPING,
    "bot.decks.store.drop_expired": KEEPING,
    "bot.decks.store.unload": "files that are gone, by their hash",
    "bot.guilds.audit.drop_before": KEEPING,
    "bot.guilds.departures.look_round": "which servers there are",
    "bot.guilds.departures.gone_since": KEEPING,
    "bot.jobs.retention.blank_tokens": KEEPING,
    "bot.jobs.retention.blank_links": KEEPING,
    "bot.jobs.retention._drop": KEEPING,
    "bot.jobs.retention.release_oldest": KEEPING,
    "bot.quotas.store.put_pending": KEEPING,
    "bot.jobs.listing.overview": OPERATOR,
    "bot.web.readings._rows": OPERATOR,
    "bot.jobs.store": "the table of jobs under way, which the terminal shows and a restart reads",
    "bot.jobs.store.open_jobs": OPERATOR,
    "bot.jobs.store.open_ids": MACHINERY,
    "bot.jobs.store.ended_last": MACHINERY,
    "bot.quotas.store.paused_guilds": MACHINERY,
}
"""Statements about more than one server, or without one, and why they may be."""


@pytest.mark.timeout(120)
async def test_whatever_is_done_on_one_server_tells_nothing_of_another(db: Database, tmp_path: Path) -> None:
    town = Town(db, tmp_path, guilds=6, seed=1)
    assert await town.live(900) == []
    assert set(town.done) == {act.__name__ for act in town._acts}, "every kind of act succeeded at least once"
    assert town.refused.total() > 100


@pytest.mark.parametrize("leak", ["listed", "get"])
async def test_a_query_without_its_server_is_found(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leak: str
) -> None:
    break_scope(monkeypatch, leak)
    town = Town(db, tmp_path, guilds=3, seed=2)
    assert await town.live(300)


def break_scope(patch: pytest.MonkeyPatch, leak: str) -> None:
    """Broken on purpose: `listed` lists the jobs of all servers; `get` finds a job wherever it is."""
    if leak == "listed":
        listed = store.listed

        def everywhere(tx: Tx, guild: str | None, member: str | None, **page: Any) -> Any:
            return listed(tx, None, member, **page)

        patch.setattr(store, "listed", everywhere)
    else:

        def anywhere(tx: Tx, _: Reader, name: str) -> Job:
            job = store.get(tx, name)
            if job is None:
                raise Refused(Code.NO_SUCH_JOB, job=name)
            return job

        patch.setattr("bot.jobs.service.known", anywhere)


async def test_a_row_of_two_servers_is_found(db: Database) -> None:
    await db.work(
        lambda tx: tx.run("INSERT INTO audit VALUES (1, 'zq01zq', '7', 'grant', 'guild', 'because of zq02zq')")
    )
    assert len(await db.work(misplaced)) == 1


# ---- every statement in the source


def tenant_tables() -> set[str]:
    """Tables with a column that says of which server a row is."""
    connection = sqlite3.connect(":memory:")
    for migration in sorted((ROOT / "bot/database/migrations").glob("*.sql")):
        connection.executescript(migration.read_text("utf-8"))
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {n for n in names if "guild" in {row[1] for row in connection.execute(f"PRAGMA table_info({n})")}}
    connection.close()
    return found


def statements(tree: ast.AST, way: str) -> Iterator[tuple[str, str]]:
    """Every SQL text with the function in which it stands; what is put in later is `{}`."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        words = _words(node)
        if words is not None and _STATEMENT.match(words):
            yield way, " ".join(words.split())
        else:
            yield from statements(node, f"{way}.{node.name}" if named else way)


def _words(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def unscoped(source: str, name: str, tables: set[str]) -> set[str]:
    """Functions with a statement about such a table that names neither the server nor the one row by its id."""
    found: set[str] = set()
    for where, sql in statements(ast.parse(source), name):
        condition = sql.partition(" WHERE ")[2]
        if tables & set(_TABLES.findall(sql)) and not (_SCOPED.search(condition) or _ONE_ROW.match(condition)):
            found.add(where)
    return found


def test_every_statement_about_servers_names_one_or_has_a_reason() -> None:
    tables, found = tenant_tables(), set[str]()
    for path in sorted((ROOT / "bot").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if "playground" not in path.parts:
            found |= unscoped(path.read_text("utf-8"), name, tables)
    assert found == set(EXCEPTIONS)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM jobs WHERE state = ?",
        "SELECT * FROM grants",
        "UPDATE contests SET title = ? WHERE organiser = ?",
        "DELETE FROM decks WHERE member = ?",
        "SELECT 1 FROM entries JOIN contests ON contests.id = entries.contest WHERE member = ?",
    ],
)
def test_a_statement_without_a_server_is_found(sql: str) -> None:
    """Broken on purpose."""
    scoped = sql.partition(" WHERE ")[0] + " WHERE guild = ?"
    assert unscoped(f'def f(tx):\n    tx.all("{scoped}")', "m", tenant_tables()) == set()
