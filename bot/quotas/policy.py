"""The gate that every job passes: its rules in one order, each with what it found (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.errors import Code, Refusal, Value
from bot.guilds.guild import GuildSettings, Period
from bot.quotas.facts import (
    UNLIMITED,
    Claim,
    Effect,
    Facts,
    Kind,
    Operator,
    Rule,
    credits_account,
    grant_account,
    guild_account,
    member_account,
)
from bot.quotas.windows import Window


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
class Limits:
    """What holds on a guild for whoever no rule names: units in a window, jobs at a time, seconds between two."""

    period: Period
    member_units: int
    guild_units: int
    member_running: int
    guild_running: int
    cooldown_seconds: int


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
    chosen = limits(operator, facts.settings, facts.window)
    member = _member_standing(operator, chosen, facts)
    guild = Standing(chosen.guild_units, facts.guild_taken, facts.window)
    units = operator.price(facts.asking.engine, facts.asking.operation)
    checks = (
        _served(operator, facts),
        *(rule(chosen, facts) for rule in _RULES),
        *_all_units(facts, member, guild, units),
        *_caps(operator, facts),
    )
    passed = all(check.passed for check in checks)
    return Verdict(checks, _claims(operator, facts, member, guild, units) if passed else (), member, guild)


def takes(verdict: Verdict) -> bool:
    """Whether the job will hold any units at all."""
    return any(claim.amount for claim in verdict.claims)


def standing_after(verdict: Verdict) -> Standing:
    """What the member has left once the claims are held."""
    member = verdict.member
    held = {
        kind: sum(c.amount for c in verdict.claims if c.account.startswith(kind)) for kind in ("member:", "grant:")
    }
    return replace(member, taken=member.taken + held["member:"], granted=member.granted - held["grant:"])


def member_standing(operator: Operator, facts: Facts) -> Standing:
    """What the member has left by the defaults, the guild's choice, the rules of their roles, and grants."""
    return _member_standing(operator, limits(operator, facts.settings, facts.window), facts)


def limits(operator: Operator, settings: GuildSettings, window: Window) -> Limits:
    """What the guild chose, or the operator's defaults, up to what the operator allows."""
    days = window.days
    return Limits(
        period=window.period,
        member_units=_chosen(settings.member_units, operator.member_day * days, operator.member_day_most * days),
        guild_units=_chosen(settings.guild_units, operator.guild_day * days, operator.guild_day_most * days),
        member_running=_chosen(settings.member_running, operator.member_running, operator.member_running_most),
        guild_running=_chosen(settings.guild_running, operator.guild_running, operator.guild_running_most),
        cooldown_seconds=operator.cooldown_seconds
        if settings.cooldown_seconds is None
        else settings.cooldown_seconds,
    )


def _member_standing(operator: Operator, limits: Limits, facts: Facts) -> Standing:
    window = facts.window
    limit = _ruled(limits.member_units, facts)
    limit = limit if limit is None else min(limit, operator.member_day_most * window.days)
    return Standing(limit, facts.member_taken, window, sum(grant.left for grant in facts.grants))


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


def _blocked(limits: Limits, facts: Facts) -> Check:
    block = facts.block
    if block is None or (block.until is not None and block.until <= facts.now):
        return Check(Gate.BLOCK, True, Code.BLOCKED)
    if block.until is None:
        return Check(Gate.BLOCK, False, Code.BLOCKED, {"why": block.reason})
    return Check(Gate.BLOCK, False, Code.BLOCKED_UNTIL, {"why": block.reason, "ends": _moment(block.until)})


def _paused(limits: Limits, facts: Facts) -> Check:
    return Check(Gate.PAUSE, not facts.settings.paused, Code.GUILD_PAUSED)


def _role(limits: Limits, facts: Facts) -> Check:
    wanted = facts.settings.roles
    passed = not wanted or bool(wanted & facts.asking.roles)
    return Check(Gate.ROLE, passed, Code.ROLE_NEEDED, {"roles": _listed(wanted)})


def _channel(limits: Limits, facts: Facts) -> Check:
    allowed = facts.settings.channels
    passed = not allowed or bool(allowed & {facts.asking.channel, facts.asking.parent})
    return Check(Gate.CHANNEL, passed, Code.CHANNEL_NOT_ALLOWED, {"channels": _listed(allowed)})


def _engine(limits: Limits, facts: Facts) -> Check:
    allowed, engine = facts.settings.engines, facts.asking.engine
    values = {"engine": engine, "choices": _listed(allowed)}
    return Check(Gate.ENGINE, not allowed or engine in allowed, Code.ENGINE_NOT_ALLOWED, values)


def _model(limits: Limits, facts: Facts) -> Check:
    allowed, model = facts.settings.models, facts.asking.model
    passed = not allowed or model is None or model in allowed
    return Check(Gate.MODEL, passed, Code.MODEL_NOT_ALLOWED, {"model": model or "-", "choices": _listed(allowed)})


def _member_running(limits: Limits, facts: Facts) -> Check:
    limit = limits.member_running
    return _running(Gate.MEMBER_RUNNING, Code.TOO_MANY_WAITING, facts.member_running, limit)


def _guild_running(limits: Limits, facts: Facts) -> Check:
    limit = limits.guild_running
    return _running(Gate.GUILD_RUNNING, Code.SERVER_FULL, facts.guild_running, limit)


def _cooldown(limits: Limits, facts: Facts) -> Check:
    seconds = limits.cooldown_seconds
    asked_at = facts.asked_at if facts.asked_at <= facts.now else 0  # the clock was put back since
    ends = asked_at + seconds * 1000
    values: dict[str, Value] = {"seconds": seconds, "ends": _moment(ends)}
    return Check(Gate.COOLDOWN, ends <= facts.now, Code.COOLDOWN, values)


_RULES: tuple[Callable[[Limits, Facts], Check], ...] = (
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


def _all_units(facts: Facts, member: Standing, guild: Standing, units: int) -> tuple[Check, ...]:
    """Of the member and the guild; or of the allowance that takes their place."""
    allowance = facts.asking.allowance
    if allowance is None:
        return (
            _units(Gate.MEMBER_UNITS, Code.QUOTA_MEMBER, member, units),
            _units(Gate.GUILD_UNITS, Code.QUOTA_GUILD, guild, units),
        )
    left = max(0, allowance.limit - allowance.taken)
    values: dict[str, Value] = {"left": left, "limit": allowance.limit, "amount": units}
    return (
        Check(Gate.MEMBER_UNITS, units == 0 or left >= units, Code.QUOTA_CONTEST, values),
        Check(Gate.GUILD_UNITS, True, Code.QUOTA_GUILD, {"amount": units}),
    )


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
    engine = facts.asking.engine
    found: list[Check] = []
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
    """From the member's window first, what is missing from grants, the soonest to expire first; from the guild.

    Where an allowance gives the units, member and guild hold none, and still know that a job is on its way.
    """
    asking, window = facts.asking, facts.window
    if asking.allowance is not None:
        given = asking.allowance
        return (
            Claim(member_account(asking.guild, asking.member), 0, UNLIMITED, window),
            Claim(guild_account(asking.guild), 0, UNLIMITED, window),
            Claim(given.account, units, given.limit, Window(0, UNLIMITED << 10, window.period)),
            *_credits(operator, facts),
        )
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
    return (*claims, *_credits(operator, facts))


def _credits(operator: Operator, facts: Facts) -> tuple[Claim, ...]:
    """From every cap of the engine."""
    asking = facts.asking
    return tuple(
        Claim(credits_account(asking.engine, period), asking.credits, operator.caps[asking.engine, period], covered)
        for period, (covered, _) in facts.credits.items()
    )


def _chosen(chosen: int | None, default: int, most: int) -> int:
    return min(default if chosen is None else chosen, most)


def _moment(milliseconds: int) -> str:
    """Whole seconds, rounded up: what ends then is over."""
    return str(-(-milliseconds // 1000))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))
