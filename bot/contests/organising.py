"""What organisers do: make contests, change them, and move them by hand. Each one unit with its note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.contests import moves, news, store
from bot.contests.contest import (
    RUNNING,
    Contest,
    Draft,
    Phase,
    Schedule,
    SourceFile,
    check_changes,
    check_rules,
    check_texts,
    dump,
)
from bot.contests.desk import LISTED, Desk, contest_of, must_organise, must_run, note
from bot.contests.galleries import redirect
from bot.contests.schedule import NEVER, after_pause, check_changed, check_new, moved_along
from bot.database import Tx
from bot.errors import Code, Refused
from bot.files.store import Stored, keep
from bot.guilds.audit import Action
from bot.guilds.moderation import Actor, must_make_contests
from bot.guilds.store import settings_of
from bot.jobs.service import Offer, Place
from bot.posts.post import Purpose

_DATES = ("opens_at", "closes_at", "ends_at")
_RULES = ("engines", "units", "entries", "enter_role", "vote_role", "masking", "winners", "mention_role")


class Organising(Desk):
    """Every method raises `Refused`; then nothing is changed."""

    async def create(self, actor: Actor, place: Place, draft: Draft, offers: tuple[Offer, ...] = ()) -> Contest:
        """A contest as a draft; `offers` are the fixed pair, or none. Opens by its date, or by hand."""
        check_texts(draft.title, draft.theme, draft.prize)
        check_rules(draft.rules)
        check_new(draft.schedule, self._clock.now())
        await self._db.work(lambda tx: self._may_create(tx, actor))
        contest_id = self._clock.new_id()
        staged = [await self._stage(contest_id, side, offer) for side, offer in zip("ab", offers, strict=False)]
        post_id, salt = self._clock.new_id(), self._clock.new_secret()

        def unit(tx: Tx) -> Contest:
            known = store.by_interaction(tx, place.interaction)
            if known is not None:
                return known
            now = self._clock.now()
            self._may_create(tx, actor)
            check_new(draft.schedule, now)
            locale = settings_of(tx, actor.guild).locale or place.locale
            contest = store.drafted(
                draft,
                id=contest_id,
                guild=actor.guild,
                organiser=actor.member,
                locale=locale,
                max_bytes=place.max_bytes,
                salt=salt,
                wake_at=now,
                sources=tuple(source for source, _ in staged),
            )
            store.insert(tx, contest, place.interaction, now)
            for _, stored in staged:
                keep(tx, stored, contest.subject, NEVER, now)
            title = contest.title
            self._note(tx, actor, Action.CREATE_CONTEST, contest, post_id, now, why=title)
            return self._advanced(tx, contest.id, actor)

        contest = await self._db.work(unit)
        self._wake()
        return contest

    async def edit(self, actor: Actor, contest_id: str, **changes: Any) -> Contest:
        """Change fields of `EDITABLE` by their names; a later deadline takes the end of voting along."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Contest:
            now = self._clock.now()
            old = self._mine(tx, actor, contest_id)
            wanted = {name: value for name, value in changes.items() if value != _value(old, name)}
            check_changes(old, wanted)
            new = _edited(old, wanted)
            check_texts(new.title, new.theme, new.prize)
            check_rules(new.rules)
            check_changed(old, new.schedule, now)
            if not wanted:
                return old
            _write(tx, old, new)
            self._note(tx, actor, Action.EDIT_CONTEST, old, post_id, now, why=", ".join(sorted(wanted)))
            changed = store.get(tx, old.id) or new
            redirect(tx, changed, now)
            if old.phase in RUNNING - {Phase.DRAFT}:
                told = tuple(sorted(wanted))
                news.tell(tx, changed, Purpose.CONTEST_NEWS, "edited", self._clock.new_id, now, changes=told)
            return self._advanced(tx, old.id, actor)

        contest = await self._db.work(unit)
        self._wake()
        return contest

    async def open(self, actor: Actor, contest_id: str) -> Contest:
        """Open a draft now."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Contest:
            now = self._clock.now()
            contest = self._mine(tx, actor, contest_id)
            if contest.phase is not Phase.DRAFT:
                raise Refused(Code.CONTEST_PHASE, phase=contest.phase.value)
            must_run(contest)
            check_new(replace(contest.schedule, opens_at=None), now)
            store.change(tx, contest.id, {"opens_at": now})
            self._note(tx, actor, Action.OPEN_CONTEST, contest, post_id, now)
            return self._advanced(tx, contest.id, actor)

        contest = await self._db.work(unit)
        self._wake()
        return contest

    async def close(self, actor: Actor, contest_id: str) -> Contest:
        """End entering or voting now. After entering, voting begins as soon as every entry has its masked copy."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Contest:
            now = self._clock.now()
            contest = self._mine(tx, actor, contest_id)
            column = {Phase.OPEN: "closes_at", Phase.VOTING: "ends_at"}.get(contest.phase)
            if column is None:
                raise Refused(Code.CONTEST_PHASE, phase=contest.phase.value)
            must_run(contest)
            at = min(now, getattr(contest.schedule, column))
            store.change(tx, contest.id, {column: at})
            self._note(tx, actor, Action.CLOSE_CONTEST, contest, post_id, now)
            self._advanced(tx, contest.id, actor)
            store.ring(tx, contest.id)
            return self._mine(tx, actor, contest.id)

        contest = await self._db.work(unit)
        self._wake()
        return contest

    async def cancel(self, actor: Actor, contest_id: str, reason: str) -> Contest:
        """End it without a result."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Contest:
            now = self._clock.now()
            contest = self._mine(tx, actor, contest_id)
            cancelled = moves.cancel(tx, contest, self._clock.new_id, now, reason, actor.member)
            self._note(tx, actor, Action.CANCEL_CONTEST, contest, post_id, now, why=reason)
            return cancelled

        contest = await self._db.work(unit)
        self._wake()
        return contest

    async def pause(self, actor: Actor, contest_id: str, on: bool) -> Contest:
        """Stop everything, or go on: what had not passed then comes later by as much."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Contest:
            now = self._clock.now()
            contest = self._mine(tx, actor, contest_id)
            if contest.phase not in RUNNING:
                raise Refused(Code.CONTEST_PHASE, phase=contest.phase.value)
            if contest.paused == on:
                return contest
            later = contest.schedule if on else after_pause(contest, now)
            store.change(tx, contest.id, {"paused_at": now if on else None, **_dates(later)})
            action = Action.PAUSE_CONTEST if on else Action.RESUME_CONTEST
            self._note(tx, actor, action, contest, post_id, now)
            changed = self._mine(tx, actor, contest.id)
            if contest.phase is not Phase.DRAFT:
                move = "paused" if on else "resumed"
                news.tell(tx, changed, Purpose.CONTEST_NEWS, move, self._clock.new_id, now, by=actor.member)
            return self._advanced(tx, contest.id, actor)

        contest = await self._db.work(unit)
        self._wake()
        return contest

    def _may_create(self, tx: Tx, actor: Actor) -> None:
        must_make_contests(settings_of(tx, actor.guild), actor)
        if store.count_running(tx, actor.guild) >= LISTED:
            raise Refused(Code.TOO_MANY_CONTESTS, limit=LISTED)

    def _mine(self, tx: Tx, actor: Actor, contest_id: str) -> Contest:
        contest = contest_of(tx, actor.guild, contest_id)
        must_organise(tx, actor, contest)
        return contest

    def _advanced(self, tx: Tx, contest_id: str, actor: Actor) -> Contest:
        """The contest after every step that is due now."""
        contest = store.get(tx, contest_id)
        if contest is None:
            raise RuntimeError(f"contest {contest_id} vanished in its own transaction")
        now, new_id = self._clock.now(), self._clock.new_id
        return moves.advance(tx, contest, keep_ms=self._keep_ms, new_id=new_id, now=now, by=actor.member)

    def _note(
        self, tx: Tx, actor: Actor, action: Action, contest: Contest, post_id: str, now: int, **values: str
    ) -> None:
        values.setdefault("why", contest.title)
        note(tx, actor.guild, actor.member, action, contest.subject, post_id=post_id, now=now, **values)

    async def _stage(self, contest_id: str, side: str, offer: Offer) -> tuple[SourceFile, Stored]:
        self._jobs.check_size(offer)
        stored, seconds = await self._stager.stage(f"{contest_id}-{side}", offer.name, offer.url)
        return SourceFile(side, offer.name[:200], offer.size, stored.hash, seconds), stored


def _value(contest: Contest, name: str) -> Any:
    for part in (contest.schedule, contest.rules, contest):
        if hasattr(part, name):
            return getattr(part, name)
    raise Refused(Code.CONTEST_FIXED, field=name, phase=contest.phase.value)


def _edited(old: Contest, wanted: Mapping[str, Any]) -> Contest:
    schedule = old.schedule
    if "closes_at" in wanted and "ends_at" not in wanted:
        schedule = moved_along(schedule, wanted["closes_at"])
    schedule = replace(schedule, **{name: wanted[name] for name in _DATES if name in wanted})
    rules = replace(old.rules, **{name: wanted[name] for name in _RULES if name in wanted})
    others = {name: value for name, value in wanted.items() if name not in (*_DATES, *_RULES)}
    return replace(old, schedule=schedule, rules=rules, **others)


def _write(tx: Tx, old: Contest, new: Contest) -> None:
    texts = {name: getattr(new, name) for name in ("title", "theme", "prize", "channel", "gallery")}
    changes = {**texts, **_dates(new.schedule), "rules": dump(new.rules)}
    if new.schedule.closes_at != old.schedule.closes_at:
        changes["warned_at"] = None
    store.change(tx, old.id, changes)


def _dates(schedule: Schedule) -> dict[str, int | None]:
    return {name: getattr(schedule, name) for name in _DATES}
