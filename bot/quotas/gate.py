"""The gate over the rows: reads the facts, lets the policy decide, holds what it claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.database import Tx
from bot.errors import Refused
from bot.guilds.guild import Period
from bot.guilds.store import settings_of
from bot.quotas import ledger, policy, store
from bot.quotas.facts import THOUSANDTHS, Asking, Facts, Operator, credits_account, guild_account, member_account
from bot.quotas.policy import Standing, Verdict
from bot.quotas.windows import Window, window
from bot.request import EngineName, Operation
from bot.settings import HostedSettings, QuotaSettings, SettingsError

_CAPS_ZONE = "UTC"


class Gate:
    """One for all guilds; `operator` is what the settings say."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator

    def decide(self, tx: Tx, asking: Asking, now: int) -> Verdict:
        """Walk the whole gate without taking anything."""
        return policy.decide(self.operator, self.facts(tx, asking, now))

    def reserve(self, tx: Tx, job: str, asking: Asking, now: int) -> Verdict:
        """Walk the gate and hold what it claims. Raises `Refused`, which must leave the unit."""
        verdict = self.decide(tx, asking, now)
        if verdict.refusal is not None:
            raise Refused(verdict.refusal.code, **verdict.refusal.values)
        ledger.reserve(tx, job, verdict.claims, now)
        return verdict

    def member(self, tx: Tx, asking: Asking, now: int) -> Standing:
        """What the member has left."""
        return policy.member_standing(self.operator, self.facts(tx, asking, now))

    def facts(self, tx: Tx, asking: Asking, now: int) -> Facts:
        """Everything that the gate looks at."""
        settings = settings_of(tx, asking.guild)
        covered = window(settings.period, settings.zone, now)
        mine = member_account(asking.guild, asking.member)
        ours = guild_account(asking.guild)
        running = ledger.running(tx, mine)
        if (given := asking.allowance) is not None:
            asking = replace(asking, allowance=replace(given, taken=ledger.taken(tx, given.account, 0)))
        return Facts(
            now=now,
            asking=asking,
            settings=settings,
            window=covered,
            rules=store.rules_for(tx, asking.guild, (asking.member, *asking.roles)),
            block=store.block_of(tx, asking.guild, asking.member),
            member_running=running.jobs,
            guild_running=ledger.running(tx, ours).jobs,
            asked_at=running.reserved_at,
            member_taken=ledger.taken(tx, mine, covered.start),
            guild_taken=ledger.taken(tx, ours, covered.start),
            grants=store.grants_of(tx, asking.guild, asking.member, now),
            credits=self.credits(tx, asking.engine, now),
        )

    def credits(self, tx: Tx, engine: str, now: int) -> Mapping[Period, tuple[Window, int]]:
        """What is taken in the windows of an engine's caps."""
        covered = {p: window(p, _CAPS_ZONE, now) for e, p in self.operator.caps if e == engine}
        return {
            period: (span, ledger.taken(tx, credits_account(engine, period), span.start))
            for period, span in covered.items()
        }


def capped(accounts: Mapping[EngineName, HostedSettings]) -> frozenset[EngineName]:
    """The engines whose credits have a cap."""
    return frozenset(n for n, a in accounts.items() if a.credits_day is not None or a.credits_month is not None)


def operator_of(quota: QuotaSettings, accounts: Mapping[EngineName, HostedSettings]) -> Operator:
    """What the settings say. Raises `SettingsError` for a price of something that does not exist."""
    both = (f"{engine}/{operation}" for engine in EngineName for operation in Operation)
    known = {*EngineName, *Operation, *both}
    if strange := sorted(set(quota.prices) - known):
        raise SettingsError(f"TWODECK_QUOTA_PRICES is wrong: there is no {strange[0]}.")
    caps = {
        (engine.value, period): round(credits * THOUSANDTHS)
        for engine, account in accounts.items()
        for period, credits in ((Period.DAY, account.credits_day), (Period.MONTH, account.credits_month))
        if credits is not None
    }
    return Operator(
        member_day=quota.member_day,
        member_day_most=quota.member_day_most,
        guild_day=quota.guild_day,
        guild_day_most=quota.guild_day_most,
        member_running=quota.member_running,
        member_running_most=quota.member_running_most,
        guild_running=quota.guild_running,
        guild_running_most=quota.guild_running_most,
        cooldown_seconds=quota.cooldown_seconds,
        prices=quota.prices,
        denied=quota.denied,
        caps=caps,
    )
