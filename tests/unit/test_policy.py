"""What an operation costs, and which window and accounts it draws on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.quotas.policy import Claim, Window, day, day_claims, price
from bot.request import EngineName


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("engine", EngineName)
def test_only_work_on_our_own_machine_is_free(engine: EngineName) -> None:
    assert price(engine) == (0 if engine is EngineName.LOCAL else 1)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-21T00:00:00", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("2026-11-21T12:34:56.789", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("2026-11-21T23:59:59.999", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("2026-12-31T23:59:59.999", "2026-12-31T00:00:00", "2027-01-01T00:00:00"),
        ("2028-02-29T01:00:00", "2028-02-29T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_a_day_is_the_one_in_utc(now: str, start: str, end: str) -> None:
    assert day(at(now)) == Window(at(start), at(end))


def test_an_ask_draws_on_its_member_and_its_guild() -> None:
    now = at("2026-11-21T12:00:00")
    assert day_claims("7", "42", 1, now, member_limit=5, guild_limit=50) == (
        Claim("member:7:42", 1, 5, day(now)),
        Claim("guild:7", 1, 50, day(now)),
    )


def test_members_have_an_account_on_each_guild() -> None:
    accounts = {
        claim.account
        for guild in ("1", "2")
        for claim in day_claims(guild, "42", 1, 0, member_limit=5, guild_limit=50)
    }
    assert accounts == {"member:1:42", "guild:1", "member:2:42", "guild:2"}
