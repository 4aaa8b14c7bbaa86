"""What members may know of their quotas, and what moderators may change: each change one unit with its note."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.clock import Clock
from bot.database import Database, Tx
from bot.errors import Code, Refusal, Refused
from bot.guilds import audit
from bot.guilds.announcing import announce, settings_changed, write
from bot.guilds.audit import Action, Entry
from bot.guilds.guild import GuildSettings
from bot.guilds.moderation import Actor, must_moderate
from bot.guilds.service import change_in
from bot.guilds.store import settings_of
from bot.quotas import ledger, policy, reports, store
from bot.quotas.facts import Asking, Block, Effect, Grant, Kind, Rule, guild_account, member_account
from bot.quotas.gate import Gate
from bot.quotas.policy import Limits, Standing, Verdict
from bot.quotas.reports import Cost, Use
from bot.quotas.store import Pending
from bot.quotas.windows import days_back, window

PAGE = 10
_HOUR_MS = 3600_000
_COSTS = 5
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class Status:
    """Where a member stands: what is left, what is on the way, what the last jobs cost."""

    member: Standing
    guild: Standing
    running: int
    costs: tuple[Cost, ...]
    refusal: Refusal | None


@dataclass(frozen=True)
class Export:
    """The ledger as CSV; `cut` when there were more rows than fit."""

    table: bytes
    rows: int
    cut: bool


@dataclass(frozen=True)
class LogPage:
    """Some rows of the audit."""

    entries: tuple[Entry, ...]
    number: int
    more: bool


class QuotaService:
    """Every method but `status` is for moderators, which is looked up in the unit that does it."""

    def __init__(self, db: Database, clock: Clock, gate: Gate, wake: Callable[[], None]) -> None:
        self._db = db
        self._clock = clock
        self._gate = gate
        self._wake = wake

    async def status(self, asking: Asking) -> Status:
        """What the asking member has left."""
        now = self._clock.now()

        def unit(tx: Tx) -> Status:
            facts = self._gate.facts(tx, asking, now)
            verdict = policy.decide(self._gate.operator, facts)
            costs = reports.last_costs(tx, asking.guild, asking.member, _COSTS)
            return Status(verdict.member, verdict.guild, facts.member_running, costs, verdict.refusal)

        return await self._db.work(unit)

    async def explain(self, actor: Actor, asking: Asking) -> Verdict:
        """Walk the gate for somebody without taking anything. Raises `Refused`."""
        now = self._clock.now()

        def unit(tx: Tx) -> Verdict:
            must_moderate(settings_of(tx, actor.guild), actor)
            return self._gate.decide(tx, asking, now)

        return await self._db.work(unit)

    async def set_guild(self, actor: Actor, **changes: Any) -> Limits:
        """Change the limits of the guild, named as in `GuildSettings`; returns what holds. Raises `Refused`."""
        settings: GuildSettings = await self._change(actor, lambda tx, now: _settings(tx, actor, now, changes))
        covered = window(settings.period, settings.zone, self._clock.now())
        return policy.limits(self._gate.operator, settings, covered)

    async def set_rule(self, actor: Actor, kind: Kind, subject: str, effect: Effect | None, units: int) -> None:
        """Give a role or a member a rule, or none any more. Raises `Refused`."""

        def act(tx: Tx, now: int) -> tuple[None, tuple[Entry, ...]]:
            if effect is None:
                dropped = store.drop_rule(tx, actor.guild, kind, subject)
                return None, _noted(
                    now, actor, Action.SET_RULE, f"{kind}:{subject}", effect="none"
                ) if dropped else ()
            store.put_rule(tx, actor.guild, Rule(kind, subject, effect, units))
            return None, _noted(now, actor, Action.SET_RULE, f"{kind}:{subject}", effect=effect.value, units=units)

        await self._change(actor, act)

    async def grant(self, actor: Actor, member: str, units: int, hours: int | None, reason: str) -> Grant:
        """Give units once, on top of everything else. Raises `Refused`."""
        name = self._clock.new_id()

        def act(tx: Tx, now: int) -> tuple[Grant, tuple[Entry, ...]]:
            grant = Grant(name, units, 0, _later(now, hours))
            store.add_grant(tx, grant, actor.guild, member, by=actor.member, reason=reason, now=now)
            return grant, _noted(
                now, actor, Action.GRANT, f"member:{member}", units=units, ends=grant.ends, why=reason
            )

        return await self._change(actor, act)

    async def unblock(self, actor: Actor, member: str) -> bool:
        """Let a member ask again; whether they were blocked. Raises `Refused`."""

        def act(tx: Tx, now: int) -> tuple[bool, tuple[Entry, ...]]:
            if not store.drop_block(tx, actor.guild, member):
                return False, ()
            return True, _noted(now, actor, Action.UNBLOCK, f"member:{member}")

        return await self._change(actor, act)

    async def resume(self, actor: Actor) -> None:
        """Take jobs of the guild again. Raises `Refused`."""
        await self._change(actor, lambda tx, now: _settings(tx, actor, now, {"paused": False}))
        self._wake()

    async def prepare(self, actor: Actor, step: Mapping[str, Any]) -> str:
        """Keep a step of `STEPS` until its moderator says Yes; returns the id for the button. Raises `Refused`."""
        name, now = self._clock.new_id(), self._clock.now()

        def unit(tx: Tx) -> str:
            must_moderate(settings_of(tx, actor.guild), actor)
            store.put_pending(tx, name, Pending(actor.guild, actor.member, step), now)
            return name

        return await self._db.work(unit)

    async def confirm(self, actor: Actor, name: str) -> Mapping[str, Any]:
        """Do what was kept under this id; returns the step with what came of it.

        Raises `Refused` when the id is unknown, too old or somebody else's, or the rights are gone.
        """

        def act(tx: Tx, now: int) -> tuple[Mapping[str, Any], tuple[Entry, ...]]:
            pending = store.take_pending(tx, name, actor.guild, actor.member, now)
            if pending is None:
                raise Refused(Code.CONFIRMATION_GONE)
            outcome, entries = STEPS[pending.step["do"]](tx, actor, pending.step, now, name)
            return {**pending.step, **outcome}, entries

        return await self._change(actor, act)

    async def use(self, actor: Actor, days: int) -> Use:
        """Who used how much in the last days of the guild. Raises `Refused`."""
        now = self._clock.now()

        def unit(tx: Tx) -> Use:
            settings = settings_of(tx, actor.guild)
            must_moderate(settings, actor)
            return reports.use(tx, actor.guild, days_back(settings.zone, now, days))

        return await self._db.work(unit)

    async def log(self, actor: Actor, *, about: str | None, by: str | None, page: int) -> LogPage:
        """Who changed what, newest first. Raises `Refused`."""

        def unit(tx: Tx) -> LogPage:
            must_moderate(settings_of(tx, actor.guild), actor)
            subject = f"member:{about}" if about else None
            found = audit.entries(tx, actor.guild, about=subject, by=by, limit=PAGE + 1, offset=page * PAGE)
            return LogPage(tuple(found[:PAGE]), page, len(found) > PAGE)

        return await self._db.work(unit)

    async def export(self, actor: Actor, days: int) -> Export:
        """The ledger of the last days as a file. Raises `Refused`."""
        now = self._clock.now()

        def unit(tx: Tx) -> Export:
            settings = settings_of(tx, actor.guild)
            must_moderate(settings, actor)
            table, rows = reports.exported(tx, actor.guild, days_back(settings.zone, now, days), _MOST_ROWS)
            return Export(table, rows, rows == _MOST_ROWS)

        return await self._db.work(unit)

    async def _change(self, actor: Actor, act: Callable[[Tx, int], tuple[Any, tuple[Entry, ...]]]) -> Any:
        """Check the rights, act, write the notes and announce them: all of it or nothing."""
        post_id, now = self._clock.new_id(), self._clock.now()

        def unit(tx: Tx) -> Any:
            must_moderate(settings_of(tx, actor.guild), actor)
            outcome, entries = act(tx, now)
            for entry in entries:
                if entry.action is not Action.CHANGE_SETTING:  # `change_in` has written that
                    write(tx, actor.guild, entry)
            announce(tx, actor.guild, settings_of(tx, actor.guild), entries, post_id=post_id, now=now)
            return outcome

        outcome = await self._db.work(unit)
        self._wake()
        return outcome


Outcome = tuple[Mapping[str, Any], tuple[Entry, ...]]


def _reset(tx: Tx, actor: Actor, step: Mapping[str, Any], now: int, name: str) -> Outcome:
    """Forget what a member, or the guild as a whole, used in the present window."""
    settings, member = settings_of(tx, actor.guild), step["member"]
    covered = window(settings.period, settings.zone, now)
    account = member_account(actor.guild, member) if member else guild_account(actor.guild)
    units = ledger.reset(tx, f"reset:{name}", account, covered, now)
    subject = f"member:{member}" if member else "guild"
    return {"units": units}, _noted(now, actor, Action.RESET, subject, units=units)


def _block(tx: Tx, actor: Actor, step: Mapping[str, Any], now: int, name: str) -> Outcome:
    block = Block(step["why"], _later(now, step["hours"]))
    store.put_block(tx, actor.guild, step["member"], block, by=actor.member, now=now)
    subject = f"member:{step['member']}"
    return {"ends": block.until}, _noted(now, actor, Action.BLOCK, subject, ends=block.until, why=block.reason)


def _pause(tx: Tx, actor: Actor, step: Mapping[str, Any], now: int, name: str) -> Outcome:
    return {}, _settings(tx, actor, now, {"paused": True})[1]


STEPS: Mapping[str, Callable[[Tx, Actor, Mapping[str, Any], int, str], Outcome]] = {
    "reset": _reset,
    "block": _block,
    "pause": _pause,
}
"""What is asked about before it is done, by its name in `confirmations`."""


def _settings(
    tx: Tx, actor: Actor, now: int, changes: Mapping[str, Any]
) -> tuple[GuildSettings, tuple[Entry, ...]]:
    old = settings_of(tx, actor.guild)
    new = change_in(tx, actor.guild, actor.member, now, **changes)
    return new, settings_changed(old, new, actor.member, now)


def _noted(now: int, actor: Actor, action: Action, subject: str, **values: Any) -> tuple[Entry, ...]:
    return (Entry(now, actor.member, action, subject, json.dumps(values, ensure_ascii=False)),)


def _later(now: int, hours: int | None) -> int | None:
    return None if hours is None else now + hours * _HOUR_MS
