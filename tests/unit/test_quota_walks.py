"""Random walks over everything that touches units: after each step the books agree and nobody has too much."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.database import Tx
from bot.database.connection import _connect, migrate, released
from bot.errors import Code, Refused
from bot.quotas import ledger, store
from bot.quotas.facts import Asking, Grant, Operator, grant_account
from bot.quotas.gate import Gate
from bot.quotas.windows import day
from tests.bookkeeping import counters, sums, transact

RUNS, STEPS = 200, 50
DAY_MS = 24 * 3600_000
START = day(1_800_000_000_000).start
OPERATOR = Operator(
    member_day=3,
    guild_day=8,
    member_running=3,
    guild_running=6,
    cooldown_seconds=0,
    prices={"kie": 1, "sunoapi": 2},
)
Close = Callable[[Tx, str, int], None]


@dataclass
class House:
    """The rows, and beside them what happened, as plain values."""

    connection: sqlite3.Connection
    chance: random.Random
    release: Close
    now: int = START
    open: dict[str, tuple[str, int, int]] = field(default_factory=dict[str, tuple[str, int, int]])
    """Who asked, what it takes, the window: by job."""
    used: Counter[int] = field(default_factory=Counter[int])
    """Units of the guild by window."""
    asked: int = 0
    given: int = 0

    def step(self) -> str:
        """Do one random thing."""
        deeds = (self.reserve, self.reserve, self.reserve, self.settle, self.give_back, self.grant, self.reset)
        deed = self.chance.choices((*deeds, self.turn, self.restart), (9, 9, 9, 7, 7, 4, 3, 2, 2))[0]
        return deed()

    def reserve(self) -> str:
        self.asked += 1
        job, member, engine = f"j{self.asked}", self.chance.choice("ab"), self.chance.choice(["kie", "sunoapi"])
        units, window = OPERATOR.prices[engine], day(self.now).start
        asking = Asking("g", member, frozenset(), "c", "", engine, "mashup")
        expected = self._expected(member, units)
        answer = self._asked(job, asking)
        assert answer is expected
        if answer is not None:
            return "refused"
        self.open[job] = (member, units, window)
        return "reserved"

    def _asked(self, job: str, asking: Asking) -> Code | None:
        """The code of the refusal."""
        try:
            transact(self.connection, lambda tx: Gate(OPERATOR).reserve(tx, job, asking, self.now))
        except Refused as refused:
            return refused.refusal.code
        return None

    def settle(self) -> str:
        return self._close("settled", ledger.settle)

    def give_back(self) -> str:
        return self._close("given back", self.release)

    def grant(self) -> str:
        self.given += 1
        ends = self.chance.choice([None, self.now + DAY_MS])
        made = Grant(f"grant{self.given}", self.chance.randint(1, 3), 0, ends)
        member = self.chance.choice("ab")
        transact(
            self.connection, lambda tx: store.add_grant(tx, made, "g", member, by="s", reason="-", now=self.now)
        )
        return "granted"

    def reset(self) -> str:
        window, name = day(self.now), f"reset:{self.chance.random()}"
        account = self.chance.choice(["guild:g", "member:g:a", "member:g:b"])
        units = transact(self.connection, lambda tx: ledger.reset(tx, name, account, window, self.now))
        if account == "guild:g":
            assert units == self.used.pop(window.start, 0)
        return "reset"

    def turn(self) -> str:
        """The next window begins; what is on its way goes on."""
        self.now += DAY_MS
        return "turned"

    def restart(self) -> str:
        """Only what was committed is there afterwards."""
        image = self.connection.serialize()
        self.connection.close()
        self.connection = _connect(Path(":memory:"))
        self.connection.deserialize(image)
        return "restarted"

    def check(self) -> None:
        tx = Tx(self.connection)
        assert counters(tx) == sums(tx)
        held: Counter[int] = Counter()
        for _, units, window in self.open.values():
            held[window] += units
        books = {start: both for (account, start), both in counters(tx).items() if account == "guild:g"}
        windows = {start for start in {*held, *self.used} if held[start] or self.used[start]}
        assert books == {start: (held[start], self.used[start]) for start in windows}
        for member in "ab":
            running = sum(who == member for who, _, _ in self.open.values())
            assert ledger.running(tx, f"member:g:{member}").jobs == running
        assert ledger.running(tx, "guild:g").jobs == len(self.open)

    def _close(self, word: str, close: Close) -> str:
        if not self.open:
            return "nothing"
        job = self.chance.choice(sorted(self.open))
        _, units, window = self.open.pop(job)
        transact(self.connection, lambda tx: close(tx, job, self.now))
        if word == "settled":
            self.used[window] += units
        return word

    def _expected(self, member: str, units: int) -> Code | None:
        """The answer of the gate, counted anew from every row of the ledger."""
        tx, window = Tx(self.connection), day(self.now).start
        books = {key: sum(both) for key, both in sums(tx).items()}
        if sum(who == member for who, _, _ in self.open.values()) >= OPERATOR.member_running:
            return Code.TOO_MANY_WAITING
        if len(self.open) >= OPERATOR.guild_running:
            return Code.SERVER_FULL
        grants = tx.all("SELECT * FROM grants WHERE member = ? AND coalesce(expires_at, ?) > ?", (
            member, self.now + 1, self.now))  # fmt: skip
        granted = sum(row["units"] - books.get((grant_account(row["id"]), 0), 0) for row in grants)
        left = max(0, OPERATOR.member_day - books.get((f"member:g:{member}", window), 0)) + granted
        if left < units:
            return Code.QUOTA_MEMBER
        return Code.QUOTA_GUILD if OPERATOR.guild_day - books.get(("guild:g", window), 0) < units else None


@pytest.fixture(scope="module")
def empty() -> bytes:
    """A migrated database without rows."""
    connection = _connect(Path(":memory:"))
    migrate(connection, Path("nowhere"), released())
    image = connection.serialize()
    connection.close()
    return image


def walk(empty: bytes, seed: int, release: Close = ledger.release) -> Counter[str]:
    """Fifty random steps, looked at after each; how often each thing happened."""
    connection = _connect(Path(":memory:"))
    connection.deserialize(empty)
    house, done = House(connection, random.Random(seed), release), Counter[str]()
    try:
        for _ in range(STEPS):
            done[house.step()] += 1
            house.check()
    finally:
        house.connection.close()
    return done


def walks(empty: bytes, release: Close = ledger.release) -> Counter[str]:
    done: Counter[str] = Counter()
    for seed in range(RUNS):
        done += walk(empty, seed, release)
    return done


def test_two_hundred_walks_keep_the_books(empty: bytes) -> None:
    done = walks(empty)
    assert done.total() == RUNS * STEPS
    wanted = ("reserved", "refused", "settled", "given back", "granted", "reset", "turned", "restarted")
    assert min(done[name] for name in wanted) > 100, done


def release_into_today(tx: Tx, job: str, now: int) -> None:
    """Broken on purpose: gives back to the window of today."""
    tx.run("UPDATE ledger SET window_start = ? WHERE job = ? AND window_start > 0", (day(now).start, job))
    ledger.release(tx, job, now)


def forget_the_release(tx: Tx, job: str, now: int) -> None:
    """Broken on purpose: the job is over, its units stay held."""


@pytest.mark.parametrize("broken", [release_into_today, forget_the_release, ledger.settle])
def test_the_walks_notice_a_broken_release(empty: bytes, broken: Close) -> None:
    with pytest.raises((AssertionError, sqlite3.IntegrityError)):
        walks(empty, broken)
