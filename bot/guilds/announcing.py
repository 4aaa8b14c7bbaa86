"""Telling a guild's log channel what its moderators changed, in the unit that changes it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.database import Tx
from bot.guilds import arrivals, audit
from bot.guilds.audit import Action, Entry
from bot.guilds.guild import GuildSettings, differences, shown
from bot.posts import store as posts
from bot.posts.post import Announcement, NewPost, Purpose
from bot.texts import DEFAULT


def announce(
    tx: Tx, guild: str, settings: GuildSettings, entries: Sequence[Entry], *, post_id: str, now: int
) -> None:
    """One message for all of these, if the guild named a channel for them."""
    if settings.log_channel is None or not entries:
        return
    locale = settings.locale or arrivals.locale_of(tx, guild) or DEFAULT
    body = Announcement(locale, tuple(entry.to_json() for entry in entries))
    new = NewPost(Purpose.LOG, settings.log_channel, body.to_json())
    posts.add(tx, f"log:{guild}:{post_id}", new, post_id=post_id, now=now)


def settings_changed(old: GuildSettings, new: GuildSettings, actor: str, now: int) -> tuple[Entry, ...]:
    """What `change_in` wrote down."""
    return tuple(
        Entry(now, actor, Action.CHANGE_SETTING, f"setting:{name}", _values(before, after))
        for name, (before, after) in differences(old, new).items()
    )


def write(tx: Tx, guild: str, entry: Entry) -> None:
    """Into the audit."""
    audit.note(tx, guild, entry.actor, entry.action, entry.subject, reason=entry.reason, now=entry.at)


def _values(before: object, after: object) -> str:
    return json.dumps({"old": shown(before), "new": shown(after)}, ensure_ascii=False)
