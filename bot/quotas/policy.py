"""What an operation costs, and which allowances it draws on (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from bot.request import EngineName

_DAY_MS = 24 * 3600_000


@dataclass(frozen=True)
class Window:
    """A stretch of time that an allowance covers: UTC milliseconds, `end` excluded."""

    start: int
    end: int


@dataclass(frozen=True)
class Claim:
    """Units wanted from one account in one window, of at most `limit` in all."""

    account: str
    amount: int
    limit: int
    window: Window


def price(engine: EngineName) -> int:
    """Units that one operation takes: work on our own machine is free."""
    return 0 if engine is EngineName.LOCAL else 1


def day(now: int) -> Window:
    """The UTC day around `now`."""
    start = now - now % _DAY_MS
    return Window(start, start + _DAY_MS)


def member_account(guild: str, member: str) -> str:
    """The account of one member on one guild."""
    return f"member:{guild}:{member}"


def guild_account(guild: str) -> str:
    """The account of one guild."""
    return f"guild:{guild}"


def day_claims(
    guild: str, member: str, units: int, now: int, *, member_limit: int, guild_limit: int
) -> tuple[Claim, ...]:
    """What a member's ask draws on: their own day's allowance and the guild's."""
    window = day(now)
    return (
        Claim(member_account(guild, member), units, member_limit, window),
        Claim(guild_account(guild), units, guild_limit, window),
    )
