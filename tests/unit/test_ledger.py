"""Reservations: never over a limit, closed exactly once, and counters that equal the sums of the ledger."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.database import Database, Tx
from bot.database.connection import _connect, migrate, released
from bot.errors import Code, Refused
from bot.quotas import ledger
from bot.quotas.facts import Claim
from bot.quotas.ledger import Running
from bot.quotas.windows import Window, day
from tests.bookkeeping import Balances, counters, kinds, sums, transact

TODAY, TOMORROW = day(0), day(86_400_000)
Close = Callable[[Tx, str, int], None]


def member(amount: int = 1, limit: int = 5, window: Window = TODAY, name: str = "m") -> Claim:
    return Claim(f"member:g:{name}", amount, limit, window)


def guild(amount: int = 1, limit: int = 50, window: Window = TODAY) -> Claim:
    return Claim("guild:g", amount, limit, window)


def refusal(tx: Tx, *claims: Claim) -> Refused:
    with pytest.raises(Refused) as caught:
        ledger.reserve(tx, "refused", claims, 0)
    return caught.value


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = _connect(Path(":memory:"))
    migrate(connection, Path("nowhere"), released())
    yield connection
    connection.close()


@pytest.fixture
def tx(connection: sqlite3.Connection) -> Tx:
    return Tx(connection)


@pytest.mark.parametrize(
    ("calls", "held", "used"),
    [
        ("reserve", 2, 0),
        ("reserve reserve", 2, 0),
        ("reserve settle", 0, 2),
        ("reserve settle settle", 0, 2),
        ("reserve settle release", 0, 2),
        ("reserve settle reserve", 0, 2),
        ("reserve release", 0, 0),
        ("reserve release release", 0, 0),
        ("reserve release settle", 0, 0),
        ("reserve release reserve", 0, 0),
        ("reserve release reserve settle", 0, 0),
        ("settle", 0, 0),
        ("release", 0, 0),
        ("settle release reserve", 2, 0),
    ],
)
def test_a_reservation_is_made_once_and_closed_once(tx: Tx, calls: str, held: int, used: int) -> None:
    for now, call in enumerate(calls.split()):
        if call == "reserve":
            ledger.reserve(tx, "j", [member(2), guild(2)], now)
        else:
            getattr(ledger, call)(tx, "j", now)
    expected = {("member:g:m", 0): (held, used), ("guild:g", 0): (held, used)} if held or used else {}
    assert counters(tx) == sums(tx) == expected


def test_the_limit_is_reached_and_not_passed(tx: Tx) -> None:
    for number in range(5):
        ledger.reserve(tx, f"j{number}", [member()], 0)
    ledger.settle(tx, "j0", 1)
    refusal(tx, member())
    ledger.release(tx, "j1", 1)
    ledger.reserve(tx, "j5", [member()], 2)
    refusal(tx, member())
    assert counters(tx) == {("member:g:m", 0): (4, 1)}


def test_a_claim_that_only_partly_fits_takes_nothing(tx: Tx) -> None:
    ledger.reserve(tx, "j", [member(4)], 0)
    refusal(tx, member(2))
    assert counters(tx) == {("member:g:m", 0): (4, 0)}


def test_a_lowered_limit_breaks_nothing_and_counts_what_is_held(tx: Tx) -> None:
    ledger.reserve(tx, "j", [member(5, limit=5)], 0)
    assert refusal(tx, member(limit=2)).refusal.values["left"] == 0
    ledger.settle(tx, "j", 1)
    assert counters(tx) == {("member:g:m", 0): (0, 5)}
    ledger.reserve(tx, "raised", [member(limit=6)], 2)


def test_a_free_job_is_a_row_even_where_the_account_is_full(tx: Tx) -> None:
    ledger.reserve(tx, "j", [member(5), guild(5)], 0)
    ledger.reserve(tx, "free", [member(0, limit=0), guild(0, limit=0)], 1)
    assert kinds(tx, "free") == [("member", "reserve"), ("guild", "reserve")]
    ledger.settle(tx, "free", 2)
    assert kinds(tx, "free")[2:] == [("member", "settle"), ("guild", "settle")]
    assert counters(tx) == sums(tx)


def test_accounts_are_taken_in_one_order_whatever_the_claims_say(tx: Tx) -> None:
    claims = [Claim("credits:kie", 9, 99, TODAY), guild(), member()]
    ledger.reserve(tx, "j", claims, 0)
    ledger.release(tx, "j", 1)
    order = ["member", "guild", "credits"]
    assert kinds(tx, "j") == [(a, "reserve") for a in order] + [(a, "release") for a in order]
    assert refusal(tx, guild(limit=0), member(limit=0)).refusal.code is Code.QUOTA_MEMBER


@pytest.mark.parametrize(("code", "index"), [(Code.QUOTA_MEMBER, 0), (Code.QUOTA_GUILD, 1)])
def test_a_refusal_says_what_is_left_and_until_when(tx: Tx, code: Code, index: int) -> None:
    claims = [member(3, limit=99), guild(3, limit=99)]
    ledger.reserve(tx, "j", claims, 0)
    claims[index] = Claim(claims[index].account, 3, 5, TODAY)
    said = refusal(tx, *claims).refusal
    values = {"left": 2, "limit": 5, "amount": 3, "period": "day", "ends": "86400"}
    assert (said.code, dict(said.values)) == (code, values)


def test_a_refused_job_leaves_nothing_of_the_accounts_taken_before(connection: sqlite3.Connection) -> None:
    with pytest.raises(Refused):
        transact(connection, lambda tx: ledger.reserve(tx, "j", [member(), guild(limit=0)], 0))
    tx = Tx(connection)
    assert (counters(tx), sums(tx), kinds(tx, "j")) == ({}, {}, [])


@pytest.mark.parametrize(("close", "after"), [(ledger.settle, (0, 5)), (ledger.release, (0, 0))])
def test_a_reservation_is_closed_in_the_window_it_was_made_in(tx: Tx, close: Close, after: tuple[int, int]) -> None:
    ledger.reserve(tx, "late", [member(5)], TODAY.end - 1)
    ledger.reserve(tx, "next", [member(5, window=TOMORROW)], TOMORROW.start)
    close(tx, "late", TOMORROW.start + 1)
    yesterday = {("member:g:m", TODAY.start): after} if any(after) else {}
    assert counters(tx) == sums(tx) == {**yesterday, ("member:g:m", TOMORROW.start): (5, 0)}


def test_asking_again_on_the_next_day_takes_nothing_there(tx: Tx) -> None:
    ledger.reserve(tx, "j", [member()], 0)
    ledger.reserve(tx, "j", [member(window=TOMORROW)], TOMORROW.start)
    assert counters(tx) == {("member:g:m", TODAY.start): (1, 0)}


def test_only_jobs_that_drew_units_took_something(tx: Tx) -> None:
    ledger.reserve(tx, "j", [member(2), guild(0)], 0)
    ledger.reserve(tx, "free", [member(0), guild(0)], 0)
    assert [ledger.took(tx, job) for job in ("j", "free", "nobody")] == [True, False, False]
    assert ledger.taken(tx, "member:g:m", TODAY.start) == 2


def test_jobs_run_from_their_reservation_to_its_end_in_whatever_window(tx: Tx) -> None:
    assert ledger.running(tx, "member:g:m") == Running(0, 0)
    ledger.reserve(tx, "late", [member(0), guild(0)], TODAY.end - 1)
    ledger.reserve(tx, "next", [member(window=TOMORROW), guild(window=TOMORROW)], TOMORROW.start)
    assert ledger.running(tx, "member:g:m") == Running(2, TOMORROW.start)
    ledger.settle(tx, "late", TOMORROW.start + 5)
    ledger.release(tx, "next", TOMORROW.start + 5)
    assert ledger.running(tx, "guild:g") == Running(0, TOMORROW.start)


def test_a_reset_forgets_what_was_used_and_keeps_what_is_held(tx: Tx) -> None:
    ledger.reserve(tx, "used", [member(2)], 0)
    ledger.settle(tx, "used", 1)
    ledger.reserve(tx, "held", [member(1)], 2)
    assert ledger.reset(tx, "reset:1", "member:g:m", TODAY, 3) == 2
    assert counters(tx) == sums(tx) == {("member:g:m", 0): (1, 0)}
    assert [tuple(row) for row in tx.all("SELECT amount, limit_then FROM ledger WHERE kind = 'reset'")] == [(2, 0)]
    assert ledger.reset(tx, "reset:2", "member:g:m", TODAY, 4) == 0
    ledger.settle(tx, "held", 5)
    assert counters(tx) == sums(tx) == {("member:g:m", 0): (0, 1)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE balance SET held = -1",
        "UPDATE balance SET used = -1",
        "INSERT INTO balance (account, window_start) SELECT account, window_start FROM balance",
        "INSERT INTO ledger SELECT job, account, kind, 0, 0, 0, 9 FROM ledger WHERE kind = 'reserve'",
        "INSERT INTO ledger SELECT job, account, 'release', 0, 0, 0, 9 FROM ledger WHERE kind = 'settle'",
        "INSERT INTO ledger VALUES ('x', 'member:g:m', 'refund', 1, 0, 5, 0)",
        "INSERT INTO ledger VALUES ('x', 'member:g:m', 'reserve', -1, 0, 5, 0)",
    ],
)
def test_the_tables_themselves_forbid_what_must_never_be(tx: Tx, statement: str) -> None:
    ledger.reserve(tx, "j", [member()], 0)
    ledger.settle(tx, "j", 1)
    with pytest.raises(sqlite3.IntegrityError):
        tx.run(statement)


def accounts(tx: Tx) -> set[str]:
    """That either table knows."""
    in_ledger, in_balance = (tx.all(f"SELECT DISTINCT account FROM {name}") for name in ("ledger", "balance"))
    assert {row[0] for row in in_ledger} == {row[0] for row in in_balance}
    return {row[0] for row in in_ledger}


def test_a_renamed_account_takes_the_windows_with_it_that_began_by_then(tx: Tx) -> None:
    for job, window in (("j1", TODAY), ("j2", TOMORROW)):
        ledger.reserve(tx, job, [member(window=window)], 0)
    assert ledger.last_window(tx, "member:g:m", TODAY.start) == TODAY.start
    assert ledger.last_window(tx, "member:g:m", TODAY.start - 1) is None
    ledger.rename(tx, "member:g:m", "member:g:former", TODAY.start)
    assert accounts(tx) == {"member:g:m", "member:g:former"}
    assert ledger.taken(tx, "member:g:former", TODAY.start) == 1
    assert ledger.taken(tx, "member:g:m", TOMORROW.start) == 1


def test_a_guild_that_is_dropped_takes_its_members_and_grants_with_it_and_no_other(tx: Tx) -> None:
    for grant, owner in (("1", "g"), ("2", "h")):
        tx.run("INSERT INTO grants VALUES (?, ?, 'm', 9, NULL, 'by', 'why', 0)", (grant, owner))
    names = ("guild:g", "guild:h", "member:g:m", "member:h:m", "grant:1", "grant:2", "contest:c:m", "contest:d:m")
    for name in names:
        ledger.reserve(tx, f"of {name}", [Claim(name, 1, 5, TODAY)], 0)
    ledger.drop_guild(tx, "g")
    assert accounts(tx) == {"guild:h", "member:h:m", "grant:2", "contest:c:m", "contest:d:m"}
    ledger.drop_contest(tx, "c")
    assert accounts(tx) == {"guild:h", "member:h:m", "grant:2", "contest:d:m"}


def test_an_account_cannot_be_claimed_twice_by_one_job(tx: Tx) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        ledger.reserve(tx, "j", [member(), member()], 0)


# A random walk beside a slow model.


@dataclass
class Model:
    """The ledger as a plain list of what happened; every answer is counted anew from all of it."""

    rows: list[tuple[str, str, str, int, int]] = field(default_factory=list)

    def balances(self) -> Balances:
        found: Balances = {}
        for _, account, kind, amount, window in self.rows:
            held, used = found.get((account, window), (0, 0))
            change = {"reserve": (amount, 0), "settle": (-amount, amount), "release": (-amount, 0)}[kind]
            found[account, window] = (held + change[0], used + change[1])
        return {key: value for key, value in found.items() if any(value)}

    def reserve(self, job: str, claims: Sequence[Claim]) -> bool:
        if any(row[0] == job for row in self.rows):
            return True
        taken = self.balances()
        for claim in claims:
            if (
                claim.amount
                and sum(taken.get((claim.account, claim.window.start), (0, 0))) + claim.amount > claim.limit
            ):
                return False
        self.rows += [(job, c.account, "reserve", c.amount, c.window.start) for c in claims]
        return True

    def close(self, job: str, kind: str) -> None:
        mine = [row for row in self.rows if row[0] == job]
        if all(row[2] == "reserve" for row in mine):
            self.rows += [(job, account, kind, amount, window) for _, account, _, amount, window in mine]


def step(connection: sqlite3.Connection, model: Model, chance: random.Random, release: Close) -> str:
    """Do one random thing to both, and compare what they answer and hold; returns the answer."""
    job = f"j{chance.randrange(15)}"
    call = chance.choice(("reserve", "reserve", "settle", "release"))
    if call == "reserve":
        amount, window = chance.choice((0, 1, 1, 2, 3)), chance.choice((TODAY, TOMORROW))
        mine = member(amount, chance.randrange(7), window, chance.choice("abc"))
        claims = [mine, guild(amount, chance.randrange(12), window)]
        try:
            transact(connection, lambda tx: ledger.reserve(tx, job, claims, 0))
            answer = "granted"
        except Refused:
            answer = "refused"
        assert (answer == "granted") == model.reserve(job, claims)
    else:
        close = ledger.settle if call == "settle" else release
        transact(connection, lambda tx: close(tx, job, 0))
        model.close(job, call)
        answer = call
    tx = Tx(connection)
    assert counters(tx) == sums(tx) == model.balances()
    return answer


def walk(connection: sqlite3.Connection, release: Close = ledger.release) -> Counter[str]:
    """Two hundred times fifty random steps from empty tables; returns how often each answer came."""
    answers: Counter[str] = Counter()
    for seed in range(200):
        for table in ("balance", "ledger"):
            connection.execute(f"DELETE FROM {table}")
        chance, model = random.Random(seed), Model()
        answers.update(step(connection, model, chance, release) for _ in range(50))
    return answers


def test_two_hundred_random_walks_agree_with_a_slow_model(connection: sqlite3.Connection) -> None:
    answers = walk(connection)
    assert answers.total() == 10_000
    assert min(answers[name] for name in ("granted", "refused", "settle", "release")) > 500


def release_what_was_settled(tx: Tx, job: str, now: int) -> None:
    """Broken on purpose: gives back what counts as used already."""
    tx.run("UPDATE ledger SET kind = 'release' WHERE job = ? AND kind = 'settle'", (job,))
    tx.run("UPDATE balance SET used = 0 WHERE account IN (SELECT account FROM ledger WHERE job = ?)", (job,))
    ledger.release(tx, job, now)


def release_from_the_wrong_window(tx: Tx, job: str, now: int) -> None:
    """Broken on purpose: gives back in the window of today."""
    tx.run("UPDATE ledger SET window_start = 0 WHERE job = ?", (job,))
    ledger.release(tx, job, now)


def nothing(tx: Tx, job: str, now: int) -> None:
    pass


@pytest.mark.parametrize(
    "broken", [ledger.settle, nothing, release_what_was_settled, release_from_the_wrong_window]
)
def test_the_walks_notice_a_broken_release(connection: sqlite3.Connection, broken: Close) -> None:
    with pytest.raises((AssertionError, sqlite3.IntegrityError)):
        walk(connection, broken)


# Two thousand at once.

MEMBERS, MEMBER_LIMIT, GUILD_LIMIT = 40, 9, 300


def ask(number: int) -> list[Claim]:
    return [member(limit=MEMBER_LIMIT, name=str(number % MEMBERS)), guild(limit=GUILD_LIMIT)]


async def overspent(db: Database) -> list[str]:
    """Accounts that are over their limit."""
    found = await db.work(counters)
    return [a for (a, _), b in found.items() if sum(b) > (GUILD_LIMIT if a == "guild:g" else MEMBER_LIMIT)]


async def test_two_thousand_at_once_get_every_unit_and_none_more(db: Database) -> None:
    asked = (db.work(lambda tx, n=n: ledger.reserve(tx, f"j{n}", ask(n), 0)) for n in range(2000))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(answers) - len(refused) == GUILD_LIMIT
    assert [answer for answer in answers if answer is not None and not isinstance(answer, Refused)] == []
    assert await overspent(db) == []
    found = await db.work(counters)
    assert found["guild:g", 0] == (GUILD_LIMIT, 0)
    assert found == await db.work(sums)


async def check_then_act(db: Database, job: str, claims: Sequence[Claim]) -> None:
    """Broken on purpose: looks in one unit and takes in the next."""
    before = await db.work(counters)
    for claim in claims:
        if sum(before.get((claim.account, claim.window.start), (0, 0))) + claim.amount > claim.limit:
            raise Refused(Code.QUOTA_MEMBER)
    unlimited = [Claim(claim.account, claim.amount, 1 << 40, claim.window) for claim in claims]
    await db.work(lambda tx: ledger.reserve(tx, job, unlimited, 0))


async def test_looking_first_and_taking_later_overspends(db: Database) -> None:
    asked = (check_then_act(db, f"j{n}", ask(n)) for n in range(1000))
    await asyncio.gather(*asked, return_exceptions=True)
    assert "guild:g" in await overspent(db)
