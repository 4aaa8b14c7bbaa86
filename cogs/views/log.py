"""What moderators changed, in words: for the log channel and for `/quota log`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import discord

from bot.guilds.audit import Action, Entry
from bot.guilds.former import is_former
from bot.posts.post import Announcement
from bot.texts import Value, say
from cogs.views.refusals import plain
from cogs.views.style import Look, card

_MENTIONS = {"member": "<@{}>", "role": "<@&{}>"}
_LONGEST = 4000


def announcement_card(announcement: Announcement, mark: str) -> discord.Embed:
    """One message of the log channel. `mark` is the post's id."""
    locale = announcement.locale
    words = log_lines((Entry.from_json(one) for one in announcement.entries), locale)
    return card(Look.PLAIN, say(locale, "log-title"), words, footer=mark)


def log_lines(entries: Iterable[Entry], locale: str) -> str:
    """A line for each change."""
    lines = [f"<t:{entry.at // 1000}:f> {_sentence(entry, locale)}" for entry in entries]
    return "\n".join(lines)[:_LONGEST]


def _sentence(entry: Entry, locale: str) -> str:
    actor = say(locale, "former-member") if is_former(entry.actor) else f"<@{entry.actor}>"
    who: dict[str, Value] = {"actor": actor, "subject": _subject(entry.subject, locale)}
    if entry.action is Action.DELETE_RESULT:
        return say(locale, "log-delete-result", **who, why=plain(entry.reason, 300) or "-")
    known: Mapping[str, Any] = json.loads(entry.reason or "{}")
    return say(locale, f"log-{entry.action}", **who, **_values(entry.action, known, locale))


def _values(action: Action, known: Mapping[str, Any], locale: str) -> dict[str, Value]:
    match action:
        case Action.CHANGE_SETTING:
            return {name: _setting(known.get(name), locale) for name in ("old", "new")}
        case Action.SET_RULE:
            return {"rule": say(locale, f"rule-{known.get('effect', 'none')}", units=known.get("units", 0))}
        case _:
            ends = known.get("ends")
            when = say(locale, "ends-never") if ends is None else f"<t:{ends // 1000}:f>"
            why = plain(str(known.get("why") or "-"), 300)
            return {"units": known.get("units", 0), "ends": when, "why": why}


def _subject(subject: str, locale: str) -> str:
    kind, _, name = subject.partition(":")
    if is_former(name):
        return say(locale, "former-member")
    if kind in _MENTIONS and name.isdigit():
        return _MENTIONS[kind].format(name)
    return f"`{name}`" if name else say(locale, "log-guild")


def _setting(value: Any, locale: str) -> str:
    """A field's value: lists one after another, nothing as a word."""
    if isinstance(value, list):
        value = ", ".join(map(str, cast("list[Any]", value)))
    return say(locale, "log-nothing") if value in (None, "") else f"`{str(value).lower()[:200]}`"
