"""What quotas look like: words, small bars and timestamps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import discord

from bot.errors import Refusal
from bot.quotas.charts import Panel
from bot.quotas.policy import Check, Gate, Limits, Standing, Verdict
from bot.quotas.reports import Cost, Use
from bot.quotas.service import Status
from bot.texts import Value, say, say_many
from cogs.views.refusals import described, plain, shown
from cogs.views.style import Look, card

CHART = "use.png"
_BAR = 10
_RANKED = 10


def what_is_left(standing: Standing, locale: str) -> str:
    """One sentence about a member's allowance."""
    if standing.limit is None or standing.left is None:
        return say(locale, "left-unlimited", taken=standing.taken)
    values = _standing(standing, locale)
    return say(locale, "left-granted" if standing.granted else "left", **values)


def bar(part: int, whole: int) -> str:
    """How much of the whole is there; anything that is there shows."""
    full = min(_BAR, -(-_BAR * part // whole)) if whole > 0 else 0
    return f"`{'█' * full}{'░' * (_BAR - full)}`"


def status_card(status: Status, locale: str) -> discord.Embed:
    """What a member has left, when it renews, what the last jobs cost, and what stands in their way now."""
    member, guild = status.member, status.guild
    lines = [what_is_left(member, locale)]
    if member.limit is not None and member.left is not None:
        lines.insert(0, bar(member.left, member.limit + member.granted))
    embed = card(Look.BAD if status.refusal else Look.GOOD, say(locale, "quota-title"), "\n".join(lines))
    ours = f"{bar(guild.left or 0, guild.limit or 0)}\n{say(locale, 'left-guild', **_standing(guild, locale))}"
    embed.add_field(name=say(locale, "quota-guild-title"), value=ours, inline=False)
    if status.costs:
        costs = "\n".join(_cost(cost, locale) for cost in status.costs)
        embed.add_field(name=say(locale, "quota-costs"), value=costs, inline=False)
    if status.refusal is not None:
        embed.add_field(name=say(locale, "quota-now"), value=described(status.refusal, locale), inline=False)
    return embed


def walk_card(verdict: Verdict, member: str, locale: str) -> discord.Embed:
    """Every rule of the gate, in its order, for one member."""
    refused = verdict.refusal is not None
    head = say(locale, "explain-refused" if refused else "explain-passed", member=f"<@{member}>")
    words = "\n".join([head, *(_check(check, locale) for check in verdict.checks)])[:4000]
    return card(Look.BAD if refused else Look.GOOD, say(locale, "explain-title"), words)


def use_card(use: Use, locale: str) -> discord.Embed:
    """Who used how much; the chart is attached as `CHART`."""
    lines = [say_many(locale, "use-units", use.units, jobs=use.jobs, days=len(use.days))]
    ranked = enumerate(use.by_member[:_RANKED], start=1)
    lines += [say(locale, "use-member", place=place, member=f"<@{who}>", units=n) for place, (who, n) in ranked]
    footer = f"↑ {say(locale, 'use-by-day')} · ↓ {say(locale, 'use-by-member')}"
    embed = card(Look.PLAIN, say(locale, "use-title"), "\n".join(lines), footer=footer)
    return embed.set_image(url=f"attachment://{CHART}")


def use_panels(use: Use) -> tuple[Panel, Panel]:
    """By day, and by member, who are numbered as on the card."""
    ranked = [(str(place), units) for place, (_, units) in enumerate(use.by_member[:_RANKED], start=1)]
    days = [f"{day:%m-%d}" for day in use.days]
    return list(zip(days, use.by_day, strict=True)), ranked


def limits_in_force(limits: Limits, locale: str) -> str:
    """What holds on the server for whoever no rule names."""
    numbers = {name: value for name, value in asdict(limits).items() if name != "period"}
    return say(locale, "limits", window=say(locale, f"choice-window-{limits.period}"), **numbers)


def confirmed(step: Mapping[str, Any], locale: str) -> str:
    """What came of a step that was confirmed."""
    who = f"<@{step['member']}>" if step.get("member") else say(locale, "log-guild")
    units = step.get("units", 0)
    return say(locale, f"did-{step['do']}", member=who, units=units, ends=ending(step.get("ends"), locale))


def question(step: Mapping[str, Any], locale: str) -> str:
    """What is asked before a step is done."""
    who = f"<@{step['member']}>" if step.get("member") else say(locale, "log-guild")
    return say(locale, f"ask-{step['do']}", member=who, why=plain(str(step.get("why") or "-")))


def ending(ends: int | None, locale: str) -> str:
    """A moment, or the word for never."""
    return say(locale, "ends-never") if ends is None else f"<t:{ends // 1000}:f>"


def _standing(standing: Standing, locale: str) -> dict[str, Value]:
    return {
        "left": standing.left or 0,
        "limit": standing.limit or 0,
        "granted": standing.granted,
        "period": say(locale, f"period-{standing.window.period}"),
        "ends": str(standing.window.end // 1000),
    }


def _cost(cost: Cost, locale: str) -> str:
    state = say(locale, f"cost-{cost.kind}")
    return say_many(locale, "cost", cost.units, job=cost.job, when=f"<t:{cost.at // 1000}:R>", state=state)


def _check(check: Check, locale: str) -> str:
    if not check.passed:
        return f"✗ {described(Refusal(check.code, check.values), locale)}"
    return f"✓ {say(locale, f'explain-{_words(check)}', **shown(check.values, locale))}"


def _words(check: Check) -> str:
    """A rule that limits nobody here says so."""
    if check.gate is Gate.MEMBER_UNITS and "limit" not in check.values:
        return "exempt"
    if check.gate is Gate.CREDITS and "percent" not in check.values:
        return "no-cap"
    return check.gate.value
