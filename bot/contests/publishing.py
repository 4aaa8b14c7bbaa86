"""What everybody may know: contests and where they are, then their result and every ballot by its number."""

from __future__ import annotations

from dataclasses import dataclass

from bot.contests import ballots, entries, moves, news, sheet, store
from bot.contests.contest import ACTIVE, Contest, Entry, EntryState
from bot.contests.desk import LISTED, Desk, contest_of, note
from bot.contests.sheet import Sheet, Shown
from bot.database import Tx
from bot.errors import Code, Refused
from bot.guilds.audit import Action
from bot.guilds.moderation import Actor, must_moderate
from bot.guilds.store import settings_of
from bot.posts.post import Placed
from bot.quotas import ledger
from bot.quotas.facts import contest_account


@dataclass(frozen=True)
class Info:
    """A contest as anybody may see it, and what the asking member has in it."""

    contest: Contest
    entry_count: int
    ballots_cast: int
    standings: tuple[Placed, ...] | None
    """None until the result is out."""
    own: tuple[Entry, ...]
    """The member's entries in every state, oldest first."""
    ballot_number: int | None
    units_taken: int
    """What the member used of the contest's allowance, or has on the way."""


@dataclass(frozen=True)
class Results:
    """A result that is out, best first, with names."""

    contest: Contest
    placed: tuple[Placed, ...]
    ballots: int
    digest: str

    @property
    def winners(self) -> tuple[Placed, ...]:
        return tuple(one for one in self.placed if one.winner)


class Publishing(Desk):
    """Every method raises `Refused`."""

    async def listed(self, guild: str) -> tuple[Contest, ...]:
        """The contests of a guild, those under way first."""
        return tuple(await self._db.work(lambda tx: store.listed(tx, guild, LISTED)))

    async def named(self, guild: str, typed: str) -> Contest:
        """A contest by its id or its exact title."""
        return await self._db.work(lambda tx: contest_of(tx, guild, typed))

    async def info(self, guild: str, contest_id: str, member: str = "") -> Info:
        """A contest, and what `member` has in it."""

        def unit(tx: Tx) -> Info:
            contest = contest_of(tx, guild, contest_id)
            found = entries.of(tx, contest.id)
            active = ACTIVE if contest.takes_entries(self._clock.now()) else {EntryState.ENTERED}
            return Info(
                contest=contest,
                entry_count=sum(entry.state in active for entry in found),
                ballots_cast=ballots.count(tx, contest.id),
                standings=_placed(tx, contest) if contest.published else None,
                own=tuple(entry for entry in found if member and entry.member == member),
                ballot_number=ballots.number_of(tx, contest.id, member),
                units_taken=ledger.taken(tx, contest_account(contest.id, member), 0),
            )

        return await self._db.work(unit)

    async def results(self, guild: str, contest_id: str) -> Results:
        """The result of a contest that is over."""

        def unit(tx: Tx) -> Results:
            contest = contest_of(tx, guild, contest_id)
            if not contest.published:
                raise Refused(Code.CONTEST_NOT_PUBLISHED)
            return results_of(tx, contest)

        return await self._db.work(unit)

    async def export(self, actor: Actor, contest_id: str, kind: str) -> tuple[str, bytes]:
        """Entries and ballots by their numbers as `csv` or `json`, with a name for the file.

        Before the result is out that is for moderators, without names, and is written down.
        """
        post_id = self._clock.new_id()

        def unit(tx: Tx) -> Sheet:
            now = self._clock.now()
            contest = contest_of(tx, actor.guild, contest_id)
            if not contest.published:
                if not _moderates(tx, actor):
                    raise Refused(Code.CONTEST_NOT_PUBLISHED)
                action, subject = Action.EXPORT_BALLOTS, contest.subject
                note(tx, actor.guild, actor.member, action, subject, post_id=post_id, now=now, why=contest.title)
            return _sheet(tx, contest)

        found = await self._db.work(unit)
        self._wake()
        written = sheet.to_csv(found) if kind == "csv" else sheet.to_json(found)
        return f"contest-{found.contest}.{'csv' if kind == 'csv' else 'json'}", written


def results_of(tx: Tx, contest: Contest) -> Results:
    """The result as it stands."""
    return Results(contest, _placed(tx, contest), ballots.count(tx, contest.id), contest.digest or "")


def _moderates(tx: Tx, actor: Actor) -> bool:
    try:
        must_moderate(settings_of(tx, actor.guild), actor)
    except Refused:
        return False
    return True


def _placed(tx: Tx, contest: Contest) -> tuple[Placed, ...]:
    return news.placed(entries.of(tx, contest.id, EntryState.ENTERED), moves.ranks_of(tx, contest))


def _sheet(tx: Tx, contest: Contest) -> Sheet:
    """What is in the file; before the result without salt, hash, members and titles."""
    out = contest.published
    found = [entry for entry in entries.of(tx, contest.id) if entry.number is not None]
    numbers = {entry.id: entry.number or 0 for entry in found}
    breaks = store.tie_breaks(tx, contest.id)
    shown = [
        Shown(entry.number or 0, entry.state.value, entry.member if out else "", entry.title if out else "")
        for entry in found
    ]
    return Sheet(
        contest=contest.id,
        title=contest.title,
        winners=contest.rules.winners,
        salt=contest.salt if out else "",
        digest=contest.digest or "",
        entries=tuple(shown),
        ballots={number: tuple(choices) for number, choices in moves.numbers_in(tx, contest).items()},
        breaks={numbers[entry]: place for entry, place in breaks.items()},
    )
