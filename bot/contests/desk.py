"""What every part of the contest service needs: finding a contest, checking rights, writing down who did what."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from bot.clock import Clock
from bot.contests import entries, store
from bot.contests.contest import Contest, Entry
from bot.database import Database, Tx
from bot.errors import Code, Refused, Value
from bot.guilds.announcing import announce, write
from bot.guilds.audit import Action
from bot.guilds.audit import Entry as Note
from bot.guilds.moderation import Actor, moderates
from bot.guilds.store import settings_of
from bot.jobs.service import JobService
from bot.jobs.staging import Stager

LISTED = 25
"""As many contests as one of Discord's menus offers, and as a guild may have under way."""


@dataclass(frozen=True)
class Tools:
    """What the service works with; `keep_ms`: how long after its end a contest is archived."""

    db: Database
    clock: Clock
    jobs: JobService
    stager: Stager
    keep_ms: int
    wake: Callable[[], None]


class Desk:
    """The base of the service's parts."""

    def __init__(self, tools: Tools) -> None:
        self._db = tools.db
        self._clock = tools.clock
        self._jobs = tools.jobs
        self._stager = tools.stager
        self._keep_ms = tools.keep_ms
        self._wake = tools.wake


def contest_of(tx: Tx, guild: str, typed: str) -> Contest:
    """A guild's contest by its id, or by its title if no other under way has the same. Raises `Refused`."""
    found = store.get(tx, typed.strip().lower())
    if found is not None and found.guild == guild:
        return found
    wanted = typed.strip().casefold()
    named = [contest for contest in store.listed(tx, guild, LISTED) if contest.title.casefold() == wanted]
    if not named:
        raise Refused(Code.NO_SUCH_CONTEST, contest=typed.strip()[:60])
    return named[0]


def entry_of(tx: Tx, contest: Contest, typed: str) -> Entry:
    """An entry by its id or number. Raises `Refused`."""
    found = entries.get(tx, contest.id, typed)
    if found is None:
        raise Refused(Code.NO_SUCH_ENTRY, entry=typed.strip()[:60])
    return found


def must_organise(tx: Tx, actor: Actor, contest: Contest) -> None:
    """Its organiser, or a moderator. Raises `Refused`."""
    if actor.member != contest.organiser and not moderates(settings_of(tx, actor.guild), actor):
        raise Refused(Code.CONTEST_ORGANISER_ONLY)


def must_run(contest: Contest) -> None:
    """Raises `Refused` for a paused contest."""
    if contest.paused:
        raise Refused(Code.CONTEST_PAUSED)


def must_have_role(role: str | None, roles: frozenset[str]) -> None:
    """Raises `Refused` for somebody without the role that a contest wants."""
    if role is not None and role not in roles:
        raise Refused(Code.CONTEST_ROLE, role=role)


def note(
    tx: Tx, guild: str, member: str, action: Action, subject: str, *, post_id: str, now: int, **values: Value
) -> None:
    """Write down who did what, and tell the guild's log channel."""
    written = Note(now, member, action, subject, json.dumps(values, ensure_ascii=False))
    write(tx, guild, written)
    announce(tx, guild, settings_of(tx, guild), [written], post_id=post_id, now=now)
