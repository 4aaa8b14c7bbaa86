"""A storm of reservations, cancelled anywhere: no account is ever over its limit, and the books agree."""

from __future__ import annotations

from bot.database import Database
from tests.reservations import check_then_act, storm


async def test_no_prefix_of_the_ledger_is_over_a_limit(db: Database) -> None:
    books = await storm(db, attempts=1_500, coroutines=150, members=20, seed=1)
    assert books.good, (books.overspent[:5], books.differing)
    assert books.answers.total() == 1_500
    assert {"settled", "released", "held", "cancelled", "quota-member"} <= set(books.answers)


async def test_looking_first_and_taking_later_is_found_out(db: Database) -> None:
    books = await storm(db, attempts=1_500, coroutines=150, members=20, seed=1, how=check_then_act)
    assert books.overspent
