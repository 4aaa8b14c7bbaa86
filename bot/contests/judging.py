"""What moderators do about entries, and what members report: each one unit with its note."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.contests import entries, moves, news, store
from bot.contests.contest import Contest, Entry, EntryState, Phase
from bot.contests.desk import Desk, contest_of, entry_of, must_organise, note
from bot.contests.publishing import Results, results_of
from bot.contests.tally import tied_with
from bot.database import Tx
from bot.errors import Code, Refused
from bot.files.store import disown
from bot.guilds import audit
from bot.guilds.audit import Action
from bot.guilds.moderation import Actor, must_moderate
from bot.guilds.store import settings_of
from bot.jobs.service import Place
from bot.posts import store as posts

CORRECTED = "corrected"


class Judging(Desk):
    """Every method raises `Refused`; then nothing is changed."""

    async def disqualify(self, actor: Actor, contest_id: str, entry_id: str, reason: str) -> Contest:
        """Take an entry out for a reason, as a moderator; after the result that is corrected in the open."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Contest:
            now = self._clock.now()
            must_moderate(settings_of(tx, actor.guild), actor)
            contest = contest_of(tx, actor.guild, contest_id)
            entry = entry_of(tx, contest, entry_id)
            if contest.phase not in (Phase.OPEN, Phase.VOTING, Phase.CLOSED):
                raise Refused(Code.CONTEST_PHASE, phase=contest.phase.value)
            if entry.state is EntryState.WITHDRAWN:
                raise Refused(Code.NO_SUCH_ENTRY, entry=entry_id)
            if entry.state is not EntryState.DISQUALIFIED:
                disqualify_in(tx, contest, entry, reason, self._clock.new_id, now)
                subject = entry.subject
                note(
                    tx,
                    actor.guild,
                    actor.member,
                    Action.DISQUALIFY,
                    subject,
                    post_id=post_id,
                    now=now,
                    why=reason,
                )
            return contest

        contest = await self._db.work(unit)
        self._wake()
        return contest

    async def report(self, place: Place, contest_id: str, entry_id: str, reason: str) -> None:
        """Tell the moderators of an entry that is shown; each member once for each entry."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> None:
            now = self._clock.now()
            contest = contest_of(tx, place.guild, contest_id)
            entry = entry_of(tx, contest, entry_id)
            if entry.number is None:
                raise Refused(Code.NO_SUCH_ENTRY, entry=entry_id)
            about, by = entry.subject, place.member
            known = audit.entries(tx, place.guild, about=about, by=by, limit=LISTED_NOTES, offset=0)
            if any(one.action is Action.REPORT_ENTRY for one in known):
                return
            why = f"#{entry.number}, {contest.title}: {reason}"
            note(tx, place.guild, by, Action.REPORT_ENTRY, about, post_id=post_id, now=now, why=why)
            if settings_of(tx, place.guild).log_channel is None:
                new_id, mark = self._clock.new_id, f"report-{post_id}"
                news.confide(tx, contest, mark, "reported", new_id, now, f"#{entry.number}: {reason}")

        await self._db.work(unit)
        self._wake()

    async def behind_mask(self, actor: Actor, contest_id: str, entry_id: str, reason: str) -> str:
        """Whose an entry is, for a moderator who says why; that is written down."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> str:
            now = self._clock.now()
            must_moderate(settings_of(tx, actor.guild), actor)
            entry = entry_of(tx, contest_of(tx, actor.guild, contest_id), entry_id)
            action, subject = Action.LOOK_BEHIND_MASK, entry.subject
            note(tx, actor.guild, actor.member, action, subject, post_id=post_id, now=now, why=reason)
            return entry.member

        member = await self._db.work(unit)
        self._wake()
        return member

    async def break_tie(
        self, actor: Actor, contest_id: str, entry_ids_in_order: Sequence[str], reason: str
    ) -> Results:
        """Decide the order of entries that share a rank: the corrected result is told, with the reason."""
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Results:
            now = self._clock.now()
            contest = contest_of(tx, actor.guild, contest_id)
            must_organise(tx, actor, contest)
            if contest.phase is not Phase.CLOSED:
                raise Refused(Code.CONTEST_PHASE, phase=contest.phase.value)
            order = [entry_of(tx, contest, typed).id for typed in entry_ids_in_order]
            if not tied_with(moves.ranks_of(tx, contest), order):
                raise Refused(Code.NO_SUCH_TIE)
            store.break_tie(tx, contest.id, order)
            correct(tx, contest, self._clock.new_id, now, reason=reason, by=actor.member)
            action, subject = Action.BREAK_TIE, contest.subject
            note(tx, actor.guild, actor.member, action, subject, post_id=post_id, now=now, why=reason)
            return results_of(tx, contest)

        results = await self._db.work(unit)
        self._wake()
        return results


LISTED_NOTES = 50
"""As many notes of one member about one entry are looked at."""


def disqualify_in(tx: Tx, contest: Contest, entry: Entry, reason: str, new_id: Callable[[], str], now: int) -> None:
    """Its message goes, votes for it count for nothing, and a result that is out is corrected."""
    entries.change(tx, entry.id, {"state": EntryState.DISQUALIFIED, "reason": reason})
    posts.erase(tx, entry.subject)
    disown(tx, entry.subject)
    if contest.phase is Phase.CLOSED:
        correct(tx, contest, new_id, now, reason=reason)
    else:
        store.ring(tx, contest.id)


def correct(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, *, reason: str, by: str = "") -> None:
    """Tell a result again that has changed; each change raises `rev`, which names the message."""
    store.ring(tx, contest.id)
    fresh = store.get(tx, contest.id) or contest
    moves.publish(tx, fresh, CORRECTED, new_id, now, reason=reason, by=by)
