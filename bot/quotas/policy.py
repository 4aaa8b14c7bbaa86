"""The gate that every job passes: its rules in one order, each with what it found (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.errors import Code, Refusal, Value
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


class Gate(StrEnum):
    """The rules in the order in which they are asked; `explain-GATE` says what a passed one found."""

    SERVED = "served"
    BLOCK = "block"
    PAUSE = "pause"
    ROLE = "role"
    CHANNEL = "channel"
    ENGINE = "engine"
    MODEL = "model"
    MEMBER_RUNNING = "member-running"
    GUILD_RUNNING = "guild-running"
    COOLDOWN = "cooldown"
    MEMBER_UNITS = "member-units"
    GUILD_UNITS = "guild-units"
    CREDITS = "credits"


@dataclass(frozen=True)
class Check:
    """One rule and what it found; `code` and `values` make the refusal where it did not pass."""

    gate: Gate
    passed: bool
    code: Code
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])


@dataclass(frozen=True)
class Standing:
    """What a member or a guild has in a window; `limit` is None where nothing limits it, `granted` comes on top."""

    limit: int | None
    taken: int
    window: Window
    granted: int = 0

    @property
    def left(self) -> int | None:
        """Units of the window and of grants that are still there."""
        return None if self.limit is None else max(0, self.limit - self.taken) + self.granted


@dataclass(frozen=True)
class Verdict:
    """The whole walk, and the claims of a job that passed it."""

    checks: tuple[Check, ...]
    claims: tuple[Claim, ...]
    member: Standing
    guild: Standing

    @property
    def refusal(self) -> Refusal | None:
        """The first rule that said no."""
        failed = next((check for check in self.checks if not check.passed), None)
        return Refusal(failed.code, failed.values) if failed else None


def decide(operator: Operator, facts: Facts) -> Verdict:
    """Walk every rule; the first that fails refuses."""
    member = member_standing(operator, facts)
    guild = guild_standing(operator, facts)
    units = operator.price(facts.asking.engine, facts.asking.operation)
    checks = (
        *(rule(operator, facts) for rule in _RULES),
        _units(Gate.MEMBER_UNITS, Code.QUOTA_MEMBER, member, units),
        _units(Gate.GUILD_UNITS, Code.QUOTA_GUILD, guild, units),
        *_caps(operator, facts),
    )
    passed = all(check.passed for check in checks)
    return Verdict(checks, _claims(operator, facts, member, guild, units) if passed else (), member, guild)


def member_standing(operator: Operator, facts: Facts) -> Standing:
    """What the member has left by the defaults, the guild's choice, the rules of their roles, and grants."""
    window, settings = facts.window, facts.settings
    base = operator.member_day * window.days if settings.member_units is None else settings.member_units
    limit = _ruled(base, facts)
    limit = limit if limit is None else min(limit, operator.member_day_most * window.days)
    return Standing(limit, facts.member_taken, window, sum(grant.left for grant in facts.grants))


def guild_standing(operator: Operator, facts: Facts) -> Standing:
    """What the guild has left."""
    window, settings = facts.window, facts.settings
    limit = operator.guild_day * window.days if settings.guild_units is None else settings.guild_units
    return Standing(min(limit, operator.guild_day_most * window.days), facts.guild_taken, window)


def member_account(guild: str, member: str) -> str:
    """The account of one member on one guild."""
    return f"member:{guild}:{member}"


def guild_account(guild: str) -> str:
    """The account of one guild."""
    return f"guild:{guild}"


def grant_account(grant: str) -> str:
    """The account of one grant; it has one window, from the beginning to its end."""
    return f"grant:{grant}"


def credits_account(engine: str, period: Period) -> str:
    """The account of what an engine's provider is paid in the windows of a cap."""
    return f"credits:{engine}:{period}"


def nearly_used(taken: int, cap: int) -> bool:
    """Whether operators should know of it."""
    return taken >= _NEARLY * cap


def _ruled(base: int, facts: Facts) -> int | None:
    """The units of a window; None: exempt. A rule for the member wins over those for roles."""
    asking = facts.asking
    own = [rule for rule in facts.rules if rule.kind is Kind.MEMBER and rule.subject == asking.member]
    rules = own or [rule for rule in facts.rules if rule.kind is Kind.ROLE and rule.subject in asking.roles]
    if any(rule.effect is Effect.EXEMPT for rule in rules):
        return None
    limits = _units_of(rules, Effect.LIMIT)
    if limits:
        return min(limits)
    return max([base, *_units_of(rules, Effect.RAISE)]) + sum(_units_of(rules, Effect.ADD))


def _units_of(rules: Iterable[Rule], effect: Effect) -> list[int]:
    return [rule.units for rule in rules if rule.effect is effect]


def _served(operator: Operator, facts: Facts) -> Check:
    denied = {facts.asking.guild, facts.asking.member} & operator.denied
    return Check(Gate.SERVED, not denied, Code.NOT_SERVED)


def _blocked(operator: Operator, facts: Facts) -> Check:
    block = facts.block
    if block is None or (block.until is not None and block.until <= facts.now):
        return Check(Gate.BLOCK, True, Code.BLOCKED)
    if block.until is None:
        return Check(Gate.BLOCK, False, Code.BLOCKED, {"why": block.reason})
    return Check(Gate.BLOCK, False, Code.BLOCKED_UNTIL, {"why": block.reason, "ends": _moment(block.until)})


def _paused(operator: Operator, facts: Facts) -> Check:
    return Check(Gate.PAUSE, not facts.settings.paused, Code.GUILD_PAUSED)


def _role(operator: Operator, facts: Facts) -> Check:
    wanted = facts.settings.roles
    passed = not wanted or bool(wanted & facts.asking.roles)
    return Check(Gate.ROLE, passed, Code.ROLE_NEEDED, {"roles": _listed(wanted)})


def _channel(operator: Operator, facts: Facts) -> Check:
    allowed = facts.settings.channels
    passed = not allowed or bool(allowed & {facts.asking.channel, facts.asking.parent})
    return Check(Gate.CHANNEL, passed, Code.CHANNEL_NOT_ALLOWED, {"channels": _listed(allowed)})


def _engine(operator: Operator, facts: Facts) -> Check:
    allowed, engine = facts.settings.engines, facts.asking.engine
    values = {"engine": engine, "choices": _listed(allowed)}
    return Check(Gate.ENGINE, not allowed or engine in allowed, Code.ENGINE_NOT_ALLOWED, values)


def _model(operator: Operator, facts: Facts) -> Check:
    allowed, model = facts.settings.models, facts.asking.model
    passed = not allowed or model is None or model in allowed
    return Check(Gate.MODEL, passed, Code.MODEL_NOT_ALLOWED, {"model": model or "-", "choices": _listed(allowed)})


def _member_running(operator: Operator, facts: Facts) -> Check:
    limit = _chosen(facts.settings.member_running, operator.member_running, operator.member_running_most)
    return _running(Gate.MEMBER_RUNNING, Code.TOO_MANY_WAITING, facts.member_running, limit)


def _guild_running(operator: Operator, facts: Facts) -> Check:
    limit = _chosen(facts.settings.guild_running, operator.guild_running, operator.guild_running_most)
    return _running(Gate.GUILD_RUNNING, Code.SERVER_FULL, facts.guild_running, limit)


def _cooldown(operator: Operator, facts: Facts) -> Check:
    chosen = facts.settings.cooldown_seconds
    seconds = operator.cooldown_seconds if chosen is None else chosen
    ends = facts.asked_at + seconds * 1000
    values: dict[str, Value] = {"seconds": seconds, "ends": _moment(ends)}
    return Check(Gate.COOLDOWN, ends <= facts.now, Code.COOLDOWN, values)


_RULES: tuple[Callable[[Operator, Facts], Check], ...] = (
    _served,
    _blocked,
    _paused,
    _role,
    _channel,
    _engine,
    _model,
    _member_running,
    _guild_running,
    _cooldown,
)


def _running(gate: Gate, code: Code, running: int, limit: int) -> Check:
    return Check(gate, running < limit, code, {"actual": running, "limit": limit})


def _units(gate: Gate, code: Code, standing: Standing, units: int) -> Check:
    """A job that costs nothing passes even where nothing is left."""
    left = standing.left
    if left is None or standing.limit is None:
        return Check(gate, True, code, {"amount": units})
    values: dict[str, Value] = {
        "left": left,
        "limit": standing.limit,
        "amount": units,
        "period": standing.window.period.value,
        "ends": _moment(standing.window.end),
    }
    return Check(gate, units == 0 or left >= units, code, values)


def _caps(operator: Operator, facts: Facts) -> list[Check]:
    """One check for each cap of the engine, or one that says that there is none."""
    engine, found = facts.asking.engine, []
    for period, (window, taken) in facts.credits.items():
        cap = operator.caps[engine, period]
        values: dict[str, Value] = {
            "engine": engine,
            "period": period.value,
            "percent": round(100 * taken / cap) if cap else 100,
            "ends": _moment(window.end),
        }
        fits = not facts.asking.credits or taken + facts.asking.credits <= cap
        found.append(Check(Gate.CREDITS, fits, Code.CREDITS_SPENT, values))
    return found or [Check(Gate.CREDITS, True, Code.CREDITS_SPENT, {"engine": engine})]


def _claims(operator: Operator, facts: Facts, member: Standing, guild: Standing, units: int) -> tuple[Claim, ...]:
    """From the member's window first, what is missing from grants, the soonest to expire first; from the guild."""
    asking, window = facts.asking, facts.window
    limit = UNLIMITED if member.limit is None else member.limit
    rest = units - min(units, max(0, limit - facts.member_taken))
    claims = [Claim(member_account(asking.guild, asking.member), units - rest, limit, window)]
    for grant in sorted(facts.grants, key=lambda grant: (grant.ends or UNLIMITED << 10, grant.id)):
        if rest and grant.left:
            part = min(rest, grant.left)
            ends = grant.ends or UNLIMITED << 10
            claims.append(Claim(grant_account(grant.id), part, grant.units, Window(0, ends, window.period)))
            rest -= part
    claims.append(Claim(guild_account(asking.guild), units, guild.limit or 0, window))
    for period, (covered, _) in facts.credits.items():
        cap = operator.caps[asking.engine, period]
        claims.append(Claim(credits_account(asking.engine, period), asking.credits, cap, covered))
    return tuple(claims)


def _chosen(chosen: int | None, default: int, most: int) -> int:
    return min(default if chosen is None else chosen, most)


def _moment(milliseconds: int) -> str:
    """Whole seconds, rounded up: what ends then is over."""
    return str(-(-milliseconds // 1000))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))
