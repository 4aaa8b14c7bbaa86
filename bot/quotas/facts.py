"""What the gate is asked and told: rules of operator and guild, the facts of one job, names of accounts (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.guilds.guild import GuildSettings, Period
from bot.quotas.windows import Window
from bot.request import EngineName

UNLIMITED = 1 << 40
"""The limit of an account that only counts."""
THOUSANDTHS = 1000
"""Credits are counted in these."""
_NEARLY = 0.8


@dataclass(frozen=True)
class Claim:
    """Units wanted from one account in one window, of at most `limit` in all."""

    account: str
    amount: int
    limit: int
    window: Window


@dataclass(frozen=True)
class Operator:
    """What the operator sets for all guilds: defaults, the most that a guild may choose, prices, caps.

    Units are for a day; a longer window has as many times more as it has days. `prices` are units by `ENGINE`,
    `OPERATION` or `ENGINE/OPERATION`; `caps` are thousandths of credits by engine and period.
    """

    member_day: int = 5
    guild_day: int = 50
    member_day_most: int = 20
    guild_day_most: int = 200
    member_running: int = 1
    guild_running: int = 5
    member_running_most: int = 5
    guild_running_most: int = 20
    cooldown_seconds: int = 15
    prices: Mapping[str, int] = field(default_factory=dict[str, int])
    denied: frozenset[str] = frozenset()
    caps: Mapping[tuple[str, Period], int] = field(default_factory=dict[tuple[str, Period], int])

    def price(self, engine: str, operation: str) -> int:
        """Units that one operation takes: what is said of both wins over the engine, that over the operation."""
        default = 0 if engine == EngineName.LOCAL else 1
        named = (self.prices.get(name) for name in (f"{engine}/{operation}", engine, operation))
        return next((units for units in named if units is not None), default)


class Kind(StrEnum):
    """Whom a rule is for."""

    ROLE = "role"
    MEMBER = "member"


class Effect(StrEnum):
    """What a rule does to the units that a member has in a window."""

    RAISE = "raise"  # at least so many; of several the highest
    ADD = "add"  # so many on top; several add up
    EXEMPT = "exempt"  # no limit but the guild's
    LIMIT = "limit"  # exactly so many, whatever the roles say


@dataclass(frozen=True)
class Rule:
    """One rule of a guild; `subject` is the id of a role or a member."""

    kind: Kind
    subject: str
    effect: Effect
    units: int = 0


@dataclass(frozen=True)
class Block:
    """A member who may not ask, until `until` (UTC milliseconds) or for good."""

    reason: str
    until: int | None


@dataclass(frozen=True)
class Grant:
    """Units given once, of which `taken` are held or used; they expire at `ends`, or never."""

    id: str
    units: int
    taken: int
    ends: int | None

    @property
    def left(self) -> int:
        return max(0, self.units - self.taken)


@dataclass(frozen=True)
class Allowance:
    """Units from another account than the member's and the guild's, of which `taken` are held or used."""

    account: str
    limit: int
    taken: int = 0


@dataclass(frozen=True)
class Asking:
    """Who asks what where; `parent` is the channel of a thread, `credits` are thousandths."""

    guild: str
    member: str
    roles: frozenset[str]
    channel: str
    parent: str
    engine: str
    operation: str
    model: str | None = None
    credits: int = 0
    allowance: Allowance | None = None
    """Whence its units come, if not from the member's and the guild's."""


@dataclass(frozen=True)
class Facts:
    """Everything that the gate looks at. Taken is what is held or used in the window; times are milliseconds."""

    now: int
    asking: Asking
    settings: GuildSettings
    window: Window
    rules: tuple[Rule, ...] = ()
    block: Block | None = None
    member_running: int = 0
    guild_running: int = 0
    asked_at: int = 0
    member_taken: int = 0
    guild_taken: int = 0
    grants: tuple[Grant, ...] = ()
    credits: Mapping[Period, tuple[Window, int]] = field(default_factory=dict[Period, tuple[Window, int]])
    """By period of a cap: its window, and what is taken in it."""


def member_account(guild: str, member: str) -> str:
    """The account of one member on one guild."""
    return f"member:{guild}:{member}"


def guild_account(guild: str) -> str:
    """The account of one guild."""
    return f"guild:{guild}"


def grant_account(grant: str) -> str:
    """The account of one grant; it has one window, from the beginning to its end."""
    return f"grant:{grant}"


def contest_account(contest: str, member: str) -> str:
    """The account of one entrant of a contest; it has one window, without an end."""
    return f"contest:{contest}:{member}"


def credits_account(engine: str, period: Period) -> str:
    """The account of what an engine's provider is paid in the windows of a cap."""
    return f"credits:{engine}:{period}"


def nearly_used(taken: int, cap: int) -> bool:
    """Whether operators should know of it."""
    return taken >= _NEARLY * cap
