"""Many coroutines that reserve, settle, release and are cancelled at any moment; then the books are read."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.database import Database, Tx
from bot.errors import Code, Refused
from bot.quotas import ledger
from bot.quotas.facts import Claim
from bot.quotas.windows import day
from tests.bookkeeping import Balances, counters, sums

GUILDS = 5
MEMBER_LIMIT, GUILD_LIMIT, CREDITS_LIMIT = 6, 150, 700_000
PRICE = 1_000
TODAY = day(1_800_000_000_000)
Reserve = Callable[[Database, str, Sequence[Claim]], Awaitable[None]]


@dataclass
class Books:
    """What came of a storm, and everything that is wrong with it."""

    answers: Counter[str] = field(default_factory=Counter[str])
    overspent: list[str] = field(default_factory=list[str])
    differing: Balances = field(default_factory=dict[tuple[str, int], tuple[int, int]])

    @property
    def good(self) -> bool:
        return not self.overspent and not self.differing


async def reserve(db: Database, job: str, claims: Sequence[Claim]) -> None:
    """As the bot does it: all of it in one unit."""
    await db.work(lambda tx: ledger.reserve(tx, job, claims, 0))


async def check_then_act(db: Database, job: str, claims: Sequence[Claim]) -> None:
    """Broken on purpose: looks in one unit and takes in the next."""
    before = await db.work(counters)
    for claim in claims:
        if sum(before.get((claim.account, claim.window.start), (0, 0))) + claim.amount > claim.limit:
            raise Refused(Code.QUOTA_MEMBER)
    await asyncio.sleep(0)
    await db.work(lambda tx: _take(tx, job, claims))


async def storm(
    db: Database, attempts: int, coroutines: int, *, members: int, seed: int, how: Reserve = reserve
) -> Books:
    """`attempts` in all, a tenth of them cancelled somewhere on their way."""
    books, chance = Books(), random.Random(seed)
    each = attempts // coroutines
    seeds = [chance.random() for _ in range(coroutines)]
    lives = (_life(db, name, each, members, seeds[name], how, books) for name in range(coroutines))
    await asyncio.gather(*lives)
    await db.work(lambda tx: _audit(tx, books))
    return books


async def _life(
    db: Database, name: int, attempts: int, members: int, seed: float, how: Reserve, books: Books
) -> None:
    chance = random.Random(seed)
    for number in range(attempts):
        job = f"{name}-{number}"
        attempt = asyncio.create_task(_attempt(db, job, chance.randrange(members), chance.random(), how))
        if chance.random() < 0.1:
            for _ in range(chance.randrange(8)):
                await asyncio.sleep(0)
            attempt.cancel()
        try:
            books.answers[await attempt] += 1
        except Refused as refused:
            books.answers[refused.refusal.code.value] += 1
        except asyncio.CancelledError:
            books.answers["cancelled"] += 1


async def _attempt(db: Database, job: str, who: int, fate: float, how: Reserve) -> str:
    """Most are given back, so that there is always something to fight for."""
    await how(db, job, _claims(who))
    await asyncio.sleep(0)
    if fate < 0.02:
        await db.work(lambda tx: ledger.settle(tx, job, 1))
        return "settled"
    if fate < 0.97:
        await db.work(lambda tx: ledger.release(tx, job, 1))
        return "released"
    return "held"


def _claims(who: int) -> list[Claim]:
    guild = f"g{who % GUILDS}"
    return [
        Claim(f"member:{guild}:m{who}", 1, MEMBER_LIMIT, TODAY),
        Claim(f"guild:{guild}", 1, GUILD_LIMIT, TODAY),
        Claim("credits:kie:day", PRICE, CREDITS_LIMIT, TODAY),
    ]


def _take(tx: Tx, job: str, claims: Sequence[Claim]) -> None:
    """Take without looking, and write down the limit that was meant."""
    endless = [Claim(claim.account, claim.amount, 1 << 40, claim.window) for claim in claims]
    ledger.reserve(tx, job, endless, 0)
    for claim in claims:
        tx.run("UPDATE ledger SET limit_then = ? WHERE job = ? AND account = ?", (claim.limit, job, claim.account))


def _audit(tx: Tx, books: Books) -> None:
    """The limit at every prefix of the ledger, and the counters against its sums."""
    taken: Counter[tuple[str, int]] = Counter()
    for row in tx.all("SELECT job, account, kind, amount, window_start, limit_then FROM ledger ORDER BY rowid"):
        key = (row["account"], row["window_start"])
        taken[key] += {"reserve": 1, "release": -1}.get(row["kind"], 0) * row["amount"]
        if row["kind"] == "reserve" and taken[key] > row["limit_then"]:
            books.overspent.append(f"{row['job']}: {row['account']} has {taken[key]} of {row['limit_then']}")
    kept, summed = counters(tx), sums(tx)
    books.differing = {key: kept.get(key, (0, 0)) for key in {*kept, *summed} if kept.get(key) != summed.get(key)}
