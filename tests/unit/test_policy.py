"""The gate: its rules in their order, what they find, and on what a job that passes draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import Code
from bot.guilds.guild import GuildSettings, Period
from bot.quotas.facts import (
    UNLIMITED,
    Asking,
    Block,
    Claim,
    Effect,
    Facts,
    Grant,
    Kind,
    Operator,
    Rule,
    nearly_used,
)
from bot.quotas.gate import operator_of
from bot.quotas.policy import Gate, Limits, Verdict, decide, limits, member_standing
from bot.quotas.windows import Window, day, window
from bot.request import EngineName
from bot.settings import KieSettings, QuotaSettings, SettingsError

NOW = 1_800_000_000_000
TODAY = day(NOW)
A, B, C = "100000000000000001", "100000000000000002", "100000000000000003"
ASKING = Asking("7", "42", frozenset({A}), C, "", "kie", "mashup", "V6", 12_000)
FACTS = Facts(NOW, ASKING, GuildSettings(), TODAY)
ENDS = str(TODAY.end // 1000)


def facts(**changes: Any) -> Facts:
    """The facts of a good ask, but for what a rule looks at; settings and asking by their own fields."""
    settings = {name: changes.pop(name) for name in list(changes) if name in GuildSettings.model_fields}
    asking = {name: changes.pop(name) for name in list(changes) if name in Asking.__dataclass_fields__}
    found = replace(FACTS, settings=GuildSettings(**settings), asking=replace(ASKING, **asking))
    period = Period(settings.get("period", Period.DAY))
    return replace(found, window=window(period, "UTC", NOW), **changes)


def walk(operator: Operator | None = None, **changes: Any) -> Verdict:
    return decide(operator or Operator(), facts(**changes))


def amounts(verdict: Verdict) -> dict[str, tuple[int, int]]:
    return {claim.account: (claim.amount, claim.limit) for claim in verdict.claims}


# One rule at a time.

REFUSED: list[tuple[Gate, Code, dict[str, Any], dict[str, Any]]] = [
    (Gate.BLOCK, Code.BLOCKED, {"block": Block("spam", None)}, {"why": "spam"}),
    (
        Gate.BLOCK,
        Code.BLOCKED_UNTIL,
        {"block": Block("spam", NOW + 1)},
        {"why": "spam", "ends": str(NOW // 1000 + 1)},
    ),
    (Gate.PAUSE, Code.GUILD_PAUSED, {"paused": True}, {}),
    (Gate.ROLE, Code.ROLE_NEEDED, {"roles": frozenset()}, {"roles": B}),
    (Gate.CHANNEL, Code.CHANNEL_NOT_ALLOWED, {"channels": frozenset({B})}, {"channels": B}),
    (
        Gate.ENGINE,
        Code.ENGINE_NOT_ALLOWED,
        {"engines": frozenset({"local"})},
        {"engine": "kie", "choices": "local"},
    ),
    (Gate.MODEL, Code.MODEL_NOT_ALLOWED, {"models": frozenset({"V5"})}, {"model": "V6", "choices": "V5"}),
    (Gate.MEMBER_RUNNING, Code.TOO_MANY_WAITING, {"member_running": 1}, {"actual": 1, "limit": 1}),
    (Gate.GUILD_RUNNING, Code.SERVER_FULL, {"guild_running": 5}, {"actual": 5, "limit": 5}),
    (
        Gate.COOLDOWN,
        Code.COOLDOWN,
        {"asked_at": NOW - 14_500},
        {"seconds": 15, "ends": str(NOW // 1000 + 1)},
    ),
    (
        Gate.MEMBER_UNITS,
        Code.QUOTA_MEMBER,
        {"member_taken": 5},
        {"left": 0, "limit": 5, "amount": 1, "period": "day", "ends": ENDS},
    ),
    (
        Gate.GUILD_UNITS,
        Code.QUOTA_GUILD,
        {"guild_taken": 50},
        {"left": 0, "limit": 50, "amount": 1, "period": "day", "ends": ENDS},
    ),
]


def fact_walk(changes: dict[str, Any]) -> Verdict:
    """Facts and settings share the names of the running jobs; here they are facts."""
    if "roles" in changes:
        found = replace(FACTS, settings=GuildSettings(roles=frozenset({B})))
        return decide(Operator(), found)
    named = {name: changes[name] for name in changes if name in Facts.__dataclass_fields__}
    rest = {name: value for name, value in changes.items() if name not in named}
    return decide(Operator(), replace(facts(**rest), **named))


@pytest.mark.parametrize(("gate", "code", "changes", "values"), REFUSED)
def test_one_rule_refuses_with_its_values(
    gate: Gate, code: Code, changes: dict[str, Any], values: dict[str, Any]
) -> None:
    verdict = fact_walk(changes)
    assert [check.gate for check in verdict.checks if not check.passed] == [gate]
    assert verdict.refusal is not None
    assert (verdict.refusal.code, dict(verdict.refusal.values)) == (code, values)
    assert verdict.claims == ()


def test_a_good_ask_passes_every_rule_and_draws_on_member_and_guild() -> None:
    verdict = walk()
    assert verdict.refusal is None
    assert [check.gate for check in verdict.checks] == list(Gate)
    assert verdict.claims == (Claim("member:7:42", 1, 5, TODAY), Claim("guild:7", 1, 50, TODAY))


def test_the_first_rule_that_fails_refuses_in_the_order_of_the_gate() -> None:
    everything = replace(
        FACTS,
        settings=GuildSettings(
            paused=True,
            roles=frozenset({B}),
            channels=frozenset({B}),
            engines=frozenset({"local"}),
            models=frozenset({"V5"}),
        ),
        block=Block("spam", None),
        member_running=9,
        guild_running=99,
        asked_at=NOW,
        member_taken=9,
        guild_taken=99,
        credits={Period.DAY: (TODAY, 90_000)},
    )
    mend: list[tuple[Code, dict[str, Any]]] = [
        (Code.NOT_SERVED, {}),
        (Code.BLOCKED, {"block": None}),
        (Code.GUILD_PAUSED, {"settings": everything.settings.model_copy(update={"paused": False})}),
        (Code.ROLE_NEEDED, {"asking": replace(ASKING, roles=frozenset({B}))}),
        (Code.CHANNEL_NOT_ALLOWED, {"asking": replace(ASKING, roles=frozenset({B}), parent=B)}),
        (Code.ENGINE_NOT_ALLOWED, {"settings": GuildSettings(models=frozenset({"V5"}))}),
        (Code.MODEL_NOT_ALLOWED, {"settings": GuildSettings()}),
        (Code.TOO_MANY_WAITING, {"member_running": 0}),
        (Code.SERVER_FULL, {"guild_running": 0}),
        (Code.COOLDOWN, {"asked_at": 0}),
        (Code.QUOTA_MEMBER, {"member_taken": 0}),
        (Code.QUOTA_GUILD, {"guild_taken": 0}),
        (Code.CREDITS_SPENT, {"credits": {Period.DAY: (TODAY, 88_000)}}),
    ]
    operator = Operator(denied=frozenset({"42"}), caps={("kie", Period.DAY): 100_000})
    for code, change in mend:
        verdict = decide(operator, everything)
        assert verdict.refusal is not None
        assert verdict.refusal.code is code
        if code is Code.NOT_SERVED:
            operator = replace(operator, denied=frozenset())
        everything = replace(everything, **change)
    assert decide(operator, everything).refusal is None


@pytest.mark.parametrize("denied", ["7", "42"])
def test_the_operator_denies_guilds_and_members(denied: str) -> None:
    verdict = walk(Operator(denied=frozenset({denied})))
    assert verdict.refusal is not None
    assert verdict.refusal.code is Code.NOT_SERVED


def test_a_block_ends_at_its_moment() -> None:
    assert walk(block=Block("spam", NOW)).refusal is None


def test_a_thread_of_an_allowed_channel_is_allowed() -> None:
    assert walk(channels=frozenset({B}), parent=B).refusal is None


def test_an_engine_without_models_passes_a_list_of_models() -> None:
    assert walk(models=frozenset({"V5"}), engine="local", model=None).refusal is None


@pytest.mark.parametrize(("asked_at", "passes"), [(NOW - 14_999, False), (NOW - 15_000, True), (0, True)])
def test_the_cooldown_ends_on_the_millisecond(asked_at: int, passes: bool) -> None:
    assert (walk(asked_at=asked_at).refusal is None) is passes


def test_a_guild_chooses_its_caps_up_to_what_the_operator_allows() -> None:
    settings = GuildSettings(member_running=4, guild_running=100, cooldown_seconds=0)
    found = replace(FACTS, settings=settings, member_running=3, guild_running=19, asked_at=NOW)
    assert decide(Operator(), found).refusal is None
    assert decide(Operator(member_running_most=3), found).refusal is not None
    refusal = decide(Operator(), replace(found, guild_running=20)).refusal
    assert refusal is not None
    assert refusal.values == {"actual": 20, "limit": 20}


# Prices.


@pytest.mark.parametrize("engine", EngineName)
def test_only_work_on_our_own_machine_is_free(engine: EngineName) -> None:
    assert Operator().price(engine, "mashup") == (0 if engine is EngineName.LOCAL else 1)


def test_the_narrower_price_wins() -> None:
    operator = Operator(prices={"kie": 2, "cover": 3, "kie/cover": 4, "local": 1})
    asked = [("kie", "mashup"), ("kie", "cover"), ("sunoapi", "cover"), ("sunoapi", "mashup"), ("local", "mashup")]
    assert [operator.price(*one) for one in asked] == [2, 4, 3, 1, 1]


def test_what_costs_nothing_passes_where_nothing_is_left() -> None:
    verdict = walk(engine="local", credits=0, member_taken=5, guild_taken=50)
    assert verdict.refusal is None
    assert amounts(verdict) == {"member:7:42": (0, 5), "guild:7": (0, 50)}


def test_a_price_above_what_is_left_is_refused_whole() -> None:
    refusal = walk(Operator(prices={"kie": 3}), member_taken=3).refusal
    assert refusal is not None
    assert (refusal.values["left"], refusal.values["amount"]) == (2, 3)


# Rules for roles and members.


def limited(*rules: Rule, roles: frozenset[str] = frozenset({A, B}), **changes: Any) -> int | None:
    found = replace(facts(**changes), asking=replace(ASKING, roles=roles), rules=rules)
    return member_standing(Operator(member_day_most=100), found).limit


def role(subject: str, effect: Effect, units: int = 0) -> Rule:
    return Rule(Kind.ROLE, subject, effect, units)


def test_the_highest_raise_wins_and_additions_sum() -> None:
    assert limited(role(A, Effect.RAISE, 8), role(B, Effect.RAISE, 12)) == 12
    assert limited(role(A, Effect.RAISE, 2)) == 5
    assert limited(role(A, Effect.ADD, 2), role(B, Effect.ADD, 3)) == 10
    assert limited(role(A, Effect.RAISE, 8), role(B, Effect.ADD, 3)) == 11


def test_any_exempt_exempts_and_only_roles_that_one_has_count() -> None:
    assert limited(role(A, Effect.RAISE, 8), role(B, Effect.EXEMPT)) is None
    assert limited(role(C, Effect.EXEMPT), role(C, Effect.ADD, 9)) == 5


def test_a_rule_for_the_member_wins_over_those_for_roles() -> None:
    assert limited(role(A, Effect.EXEMPT), Rule(Kind.MEMBER, "42", Effect.LIMIT, 1)) == 1
    assert limited(role(A, Effect.ADD, 9), Rule(Kind.MEMBER, "42", Effect.LIMIT, 0)) == 0
    assert limited(Rule(Kind.MEMBER, "42", Effect.EXEMPT)) is None
    assert limited(Rule(Kind.MEMBER, "43", Effect.LIMIT, 1)) == 5


def test_the_operators_ceiling_holds_for_choices_and_rules() -> None:
    assert limited(member_units=1000) == 100
    assert limited(role(A, Effect.RAISE, 1000)) == 100
    assert decide(Operator(), facts(guild_units=1000)).guild.limit == 200


def test_a_longer_window_has_as_many_times_the_defaults_as_days() -> None:
    week, month = walk(period=Period.WEEK), walk(period=Period.MONTH)
    assert (week.member.limit, week.guild.limit) == (35, 350)
    assert (month.member.limit, month.guild.limit) == (5 * month.member.window.days, 50 * month.member.window.days)
    assert walk(period=Period.WEEK, member_units=6).member.limit == 6


def test_what_holds_on_a_guild_is_told_as_it_holds() -> None:
    assert limits(Operator(), GuildSettings(), TODAY) == Limits(Period.DAY, 5, 50, 1, 5, 15)
    chosen = GuildSettings(member_units=999, guild_units=9, member_running=99, guild_running=3, cooldown_seconds=0)
    assert limits(Operator(), chosen, TODAY) == Limits(Period.DAY, 20, 9, 5, 3, 0)


def test_an_exempt_member_is_counted_and_still_held_to_the_guild() -> None:
    free = replace(FACTS, rules=(role(A, Effect.EXEMPT),), member_taken=900)
    assert amounts(decide(Operator(), free)) == {"member:7:42": (1, UNLIMITED), "guild:7": (1, 50)}
    refusal = decide(Operator(), replace(free, guild_taken=50)).refusal
    assert refusal is not None
    assert refusal.code is Code.QUOTA_GUILD


# Grants.


def test_grants_are_used_after_the_window_the_soonest_to_expire_first() -> None:
    grants = (Grant("never", 5, 0, None), Grant("soon", 1, 0, NOW + 10), Grant("empty", 3, 3, NOW + 5))
    dear = Operator(prices={"kie": 4})
    verdict = decide(dear, replace(FACTS, grants=grants, member_taken=4))
    assert verdict.member.left == 7
    assert amounts(verdict) == {
        "member:7:42": (1, 5),
        "grant:soon": (1, 1),
        "grant:never": (2, 5),
        "guild:7": (4, 50),
    }
    assert amounts(decide(dear, replace(FACTS, grants=grants))) == {"member:7:42": (4, 5), "guild:7": (4, 50)}


def test_a_grant_does_not_widen_the_guild() -> None:
    verdict = walk(grants=(Grant("g", 5, 0, None),), guild_taken=50)
    assert verdict.refusal is not None
    assert verdict.refusal.code is Code.QUOTA_GUILD


# Caps.


def test_an_engine_with_caps_is_charged_for_in_each_of_their_windows() -> None:
    month = window(Period.MONTH, "UTC", NOW)
    operator = Operator(caps={("kie", Period.DAY): 24_000, ("kie", Period.MONTH): 200_000})
    taken = {Period.DAY: (TODAY, 12_000), Period.MONTH: (month, 100_000)}
    verdict = walk(operator, credits=12_000)
    assert len(verdict.claims) == 2
    verdict = decide(operator, replace(FACTS, credits=taken))
    assert verdict.claims[2:] == (
        Claim("credits:kie:day", 12_000, 24_000, TODAY),
        Claim("credits:kie:month", 12_000, 200_000, month),
    )
    over = decide(operator, replace(FACTS, credits={**taken, Period.DAY: (TODAY, 12_001)}))
    assert over.refusal is not None
    assert over.refusal.values == {"engine": "kie", "period": "day", "percent": 50, "ends": ENDS}
    free = replace(FACTS, asking=replace(ASKING, credits=0), credits={Period.DAY: (TODAY, 99_000)})
    assert decide(operator, free).refusal is None


def test_operators_hear_of_a_cap_at_eighty_percent() -> None:
    assert [nearly_used(taken, 100) for taken in (79, 80, 100)] == [False, True, True]


# The operator's settings.


def test_the_settings_become_the_operators_rules() -> None:
    quota = QuotaSettings.model_validate(
        {"TWODECK_QUOTA_PRICES": "kie=2, kie/cover = 3", "TWODECK_DENY": f"{A}, {B}", "TWODECK_QUOTA_MEMBER_DAY": 3}
    )
    kie = KieSettings.model_validate({"KIE_CREDITS_DAY": 60, "KIE_CREDITS_MONTH": 0.5})
    operator = operator_of(quota, {EngineName.KIE: kie})
    assert (operator.price("kie", "cover"), operator.price("kie", "vocals")) == (3, 2)
    assert (operator.member_day, operator.denied) == (3, {A, B})
    assert operator.caps == {("kie", Period.DAY): 60_000, ("kie", Period.MONTH): 500}


def test_a_price_of_something_unknown_is_named() -> None:
    quota = QuotaSettings.model_validate({"TWODECK_QUOTA_PRICES": "kia=2"})
    with pytest.raises(SettingsError, match="TWODECK_QUOTA_PRICES is wrong: there is no kia"):
        operator_of(quota, {})


def test_the_defaults_are_those_of_the_settings() -> None:
    assert operator_of(QuotaSettings.model_validate({}), {}) == Operator()


def test_claims_of_two_guilds_share_no_account() -> None:
    accounts = [set(amounts(walk(guild=guild))) for guild in ("1", "2")]
    assert accounts == [{"member:1:42", "guild:1"}, {"member:2:42", "guild:2"}]


def test_a_window_is_told_with_what_is_left() -> None:
    assert walk(member_taken=2).member.left == 3
    assert walk(member_taken=9).member.left == 0
    assert walk().member.window == Window(TODAY.start, TODAY.end)
