"""What a contest looks like: its terms, its state, what an organiser is asked before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.contests.contest import Contest, Draft, Entry, EntryState, Phase, Rules, Schedule
from bot.contests.publishing import Info
from bot.guilds.former import is_former
from bot.texts import duration, listed, say, say_many
from cogs.views.refusals import plain
from cogs.views.style import Look, card

_LOOKS = {Phase.CLOSED: Look.GOOD, Phase.ARCHIVED: Look.GOOD, Phase.CANCELLED: Look.BAD}
_MENTIONS = {"channel": "<#{}>", "gallery": "<#{}>"} | dict.fromkeys(
    ("enter_role", "vote_role", "mention_role"), "<@&{}>"
)
_MOMENTS = ("opens_at", "closes_at", "ends_at")


def moment(at: int) -> str:
    """A moment as everybody sees it on their own clock, and how far away it is."""
    return f"<t:{at // 1000}:F> (<t:{at // 1000}:R>)"


def mention(member: str, locale: str) -> str:
    """A member, or that it was one who asked to be forgotten."""
    return say(locale, "former-member") if is_former(member) else f"<@{member}>"


def link_to(guild: str, channel: str, message: str) -> str:
    """The address of a message."""
    return f"https://discord.com/channels/{guild}/{channel}/{message}"


def terms_card(
    terms: Draft | Contest, files: Sequence[str], locale: str, look: Look = Look.PLAIN, *, footer: str = ""
) -> discord.Embed:
    """Everything that members have to know, saved or not; `files` are the names of the source pair."""
    embed = card(look, plain(terms.title, 250), plain(terms.theme, 2000), footer=footer)
    add_terms(embed, terms.schedule, terms.rules, terms.prize, files, locale)
    gallery = terms.gallery or terms.channel
    where = [say(locale, "contest-where", channel=f"<#{terms.channel}>", gallery=f"<#{gallery}>")]
    if terms.rules.mention_role:
        where.append(say(locale, "contest-mentions", role=f"<@&{terms.rules.mention_role}>"))
    embed.add_field(name=say(locale, "contest-field-where"), value="\n".join(where), inline=False)
    return embed


def add_terms(
    embed: discord.Embed, when: Schedule, rules: Rules, prize: str, files: Sequence[str], locale: str
) -> None:
    """The fields with dates, rules and prize."""
    opens = say(locale, "contest-opens-by-hand")
    if when.opens_at is not None:
        opens = say(locale, "contest-opens", when=moment(when.opens_at))
    closes = say(locale, "contest-closes", when=moment(when.closes_at))
    ends = say(locale, "contest-ends", when=moment(when.ends_at))
    dates = "\n".join((opens, closes, ends))
    embed.add_field(name=say(locale, "contest-field-when"), value=dates, inline=False)
    lines = "\n".join(f"- {line}" for line in _rules(rules, files, locale))
    embed.add_field(name=say(locale, "contest-field-rules"), value=lines[:1024], inline=False)
    if prize:
        embed.add_field(name=say(locale, "contest-field-prize"), value=plain(prize, 1000), inline=False)


def info_card(info: Info, locale: str) -> discord.Embed:
    """A contest as it stands, with what is the reader's own in it."""
    contest = info.contest
    files, footer = [source.name for source in contest.sources], say(locale, "contest-footer", contest=contest.id)
    embed = terms_card(contest, files, locale, _LOOKS.get(contest.phase, Look.PLAIN), footer=footer)
    state = [f"**{say(locale, f'contest-phase-{contest.phase}')}**"]
    if contest.paused:
        state.append(say(locale, "contest-paused"))
    embed.description = "\n\n".join(filter(None, [" · ".join(state), embed.description]))
    counts = [say_many(locale, "contest-entry-count", info.entry_count)]
    if contest.phase not in (Phase.DRAFT, Phase.OPEN):
        counts.append(say_many(locale, "contest-ballot-count", info.ballots_cast))
    embed.add_field(name=say(locale, "contest-field-entries"), value="\n".join(counts), inline=False)
    own = [f"- {own_entry(entry, locale)}" for entry in info.own]
    if contest.sources and info.units_taken:
        limit = contest.rules.units
        own.append(say(locale, "contest-own-units", taken=info.units_taken, limit=limit))
    if info.ballot_number is not None:
        own.append(say(locale, "contest-own-ballot", number=str(info.ballot_number)))
    if own:
        embed.add_field(name=say(locale, "contest-field-own"), value="\n".join(own)[:1024], inline=False)
    return embed


def own_entry(entry: Entry, locale: str) -> str:
    """One entry, for the member who made it."""
    state = "numbered" if entry.state is EntryState.ENTERED and entry.number else entry.state.value
    return say(
        locale,
        f"contest-own-{state}",
        number=entry.number or 0,
        track=entry.track,
        job=entry.job,
        length=duration(entry.seconds),
        reason=plain(entry.reason or "-", 200),
    )


def contests_card(contests: Sequence[Contest], locale: str) -> discord.Embed:
    """A line for each contest."""
    lines = "\n".join(_line(contest, locale) for contest in contests)[:4000]
    return card(Look.PLAIN, say(locale, "contests-title"), lines or say(locale, "contests-none"))


def changes_card(contest: Contest, changes: Mapping[str, Any], locale: str) -> discord.Embed:
    """What an edit does: old and new value of each field."""
    lines = [
        say(
            locale,
            "contest-change",
            name=say(locale, f"contest-name-{name}"),
            old=_value(name, _now(contest, name), locale),
            new=_value(name, value, locale),
        )
        for name, value in changes.items()
    ]
    return card(Look.PLAIN, plain(contest.title, 250), "\n".join(lines)[:4000])


def _rules(rules: Rules, files: Sequence[str], locale: str) -> list[str]:
    lines: list[str] = []
    if files:
        lines.append(say(locale, "contest-sources", a=plain(files[0], 60), b=plain(files[1], 60)))
        lines.append(say(locale, "contest-units", units=rules.units))
    if rules.engines:
        lines.append(say(locale, "contest-engines", engines=_value("engines", rules.engines, locale)))
    lines.append(say_many(locale, "contest-entries", rules.entries))
    if rules.enter_role:
        lines.append(say(locale, "contest-enter-role", role=f"<@&{rules.enter_role}>"))
    lines.append(say(locale, "contest-masked" if rules.masking else "contest-unmasked"))
    if rules.vote_role:
        lines.append(say(locale, "contest-vote-role", role=f"<@&{rules.vote_role}>"))
    lines.append(say(locale, "contest-vote-all"))
    lines.append(say_many(locale, "contest-winners", rules.winners))
    return lines


def _line(contest: Contest, locale: str) -> str:
    when, schedule = "over", contest.schedule
    at = contest.ended_at or schedule.ends_at
    if contest.phase is Phase.DRAFT:
        when, at = ("opens", schedule.opens_at) if schedule.opens_at else ("closes", schedule.closes_at)
    elif contest.phase is Phase.OPEN:
        when, at = "closes", schedule.closes_at
    elif contest.phase is Phase.VOTING:
        when, at = "ends", schedule.ends_at
    phase = say(locale, "contest-paused" if contest.paused else f"contest-phase-{contest.phase}")
    return say(
        locale,
        "contest-line",
        title=plain(contest.title, 80),
        phase=phase,
        when=say(locale, f"contest-when-{when}", when=f"<t:{at // 1000}:R>"),
        contest=contest.id,
    )


def _now(contest: Contest, name: str) -> Any:
    """What a field says before it is changed."""
    for holder in (contest, contest.rules, contest.schedule):
        if hasattr(holder, name):
            return getattr(holder, name)
    raise KeyError(name)


def _value(name: str, value: Any, locale: str) -> str:
    """What a field says, in words."""
    if value is None or value in ("", frozenset()):
        return say(locale, "log-nothing")
    if name in _MENTIONS:
        return _MENTIONS[name].format(value)
    if name in _MOMENTS:
        return moment(value)
    if name == "engines":
        return listed((say(locale, f"engine-{engine}") for engine in sorted(value)), locale)
    if name == "masking":
        return say(locale, "contest-masked" if value else "contest-unmasked")
    return plain(str(value), 300)
