"""How many jobs a second pass the full gate at FULL, against what raw sqlite3 commits on the same disk.

Facts, decision and reservation are one unit, as in the bot, over guilds with rules, grants and caps.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.lives import commits, plain
from benchmarks.report import Figure, print_table
from bot.database import Database, Tx
from bot.guilds.guild import GuildSettings, Period
from bot.guilds.store import keep_settings
from bot.quotas import store
from bot.quotas.facts import Asking, Effect, Grant, Kind, Operator, Rule
from bot.quotas.gate import Gate

ROUNDS = 3
TURNS = 5
JOBS = 400
AT_A_TIME = 50
RATIO = 0.4
GUILDS, MEMBERS, ROLES = 10, 100, 8
_MANY = 1 << 30
_NOW = 1_800_000_000_000


def main() -> bool:
    rounds = [asyncio.run(_round()) for _ in range(ROUNDS)]
    gates, raws = [gate for gate, _ in rounds], [raw for _, raw in rounds]
    ratio = statistics.median(gate / raw for gate, raw in rounds)
    return print_table(
        [
            Figure("jobs through the gate per second", _all(gates)),
            Figure("raw sqlite3 FULL commits per second", _all(raws)),
            Figure("jobs / commits", f"{ratio:.2f}", f"at least {RATIO}", ratio >= RATIO),
        ]
    )


async def _round() -> tuple[float, float]:
    """Jobs and raw commits per second; they take turns, because a disk that others use has its moods."""
    jobs, raw = 0.0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db, gate = Database(folder / "twodeck.db"), Gate(_operator())
        await db.open()
        try:
            await db.work(_furnish)
            with closing(plain(folder / "plain.db")) as connection:
                for turn in range(TURNS):
                    raw += commits(connection, JOBS)
                    jobs += await _pass(db, gate, turn * JOBS)
        finally:
            await db.close()
    return TURNS * JOBS / jobs, TURNS * JOBS / raw


async def _pass(db: Database, gate: Gate, first: int) -> float:
    """Seconds that `JOBS` jobs take, `AT_A_TIME` of them asked for at once."""
    started = time.perf_counter()
    for begin in range(first, first + JOBS, AT_A_TIME):
        units = (_reserve(db, gate, number) for number in range(begin, begin + AT_A_TIME))
        await asyncio.gather(*units)
    return time.perf_counter() - started


async def _reserve(db: Database, gate: Gate, number: int) -> None:
    asking = _asking(number)
    await db.work(lambda tx: gate.reserve(tx, f"job-{number}", asking, _NOW + number))


def _asking(number: int) -> Asking:
    guild, member = f"g{number % GUILDS}", f"m{number % MEMBERS}"
    roles = frozenset(f"r{role}" for role in range(ROLES))
    return Asking(guild, member, roles, "c", "", "kie", "mashup", "V6", 12_000)


def _operator() -> Operator:
    return Operator(
        **dict.fromkeys(("member_day_most", "guild_day", "guild_day_most"), _MANY),
        **dict.fromkeys(("member_running", "member_running_most", "guild_running", "guild_running_most"), _MANY),
        cooldown_seconds=0,
        caps={("kie", period): _MANY for period in (Period.DAY, Period.MONTH)},
    )


def _furnish(tx: Tx) -> None:
    """What moderators of busy guilds have set up."""
    for guild in range(GUILDS):
        settings = GuildSettings(zone="Europe/Berlin", engines=frozenset({"kie"}), member_units=10_000)
        keep_settings(tx, f"g{guild}", settings, _NOW)
        for role in range(ROLES):
            store.put_rule(tx, f"g{guild}", Rule(Kind.ROLE, f"r{role}", Effect.ADD, role))
    for member in range(MEMBERS):
        grant = Grant(f"grant{member}", 5, 0, None)
        store.add_grant(tx, grant, f"g{member % GUILDS}", f"m{member}", by="sam", reason="-", now=_NOW)


def _all(values: list[float]) -> str:
    """The median, then every value."""
    return f"{statistics.median(values):.0f} ({', '.join(f'{value:.0f}' for value in values)})"
