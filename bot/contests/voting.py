"""What voters do: look at their ballot, and choose. Nothing here or in a log says who voted for what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bot.contests import ballots, entries
from bot.contests.contest import PAGE, Contest, Entry, EntryState, Phase, pages_of
from bot.contests.desk import Desk, contest_of, must_have_role, must_run
from bot.contests.moves import order_for
from bot.database import Tx
from bot.errors import Code, Refused
from bot.jobs.service import Place
from bot.posts import store as posts
from bot.posts.post import Purpose

_CHANCES = 64


@dataclass(frozen=True)
class BallotPage:
    """One page of a member's own ballot. Masked entries have neither member nor title."""

    contest: Contest
    candidates: tuple[Entry, ...]
    """In the order that only this voter sees."""
    chosen: frozenset[str]
    """Of all pages."""
    links: Mapping[str, tuple[str, str]]
    """Channel and message of each candidate that is out, by entry."""
    number: int | None
    """Under which the ballot is published; None before the first choice."""
    page: int
    pages: int


class Voting(Desk):
    """Every method raises `Refused`; then nothing is changed."""

    async def ballot(self, place: Place, contest_id: str, page: int = 0) -> BallotPage:
        """The member's ballot as it is now."""

        def unit(tx: Tx) -> BallotPage:
            return self._page(tx, self._votable(tx, place, contest_id), place.member, page)

        return await self._db.work(unit)

    async def vote(
        self, place: Place, contest_id: str, shown: Collection[str], chosen: Collection[str], page: int = 0
    ) -> BallotPage:
        """Of the entries that were `shown`, exactly the `chosen` ones; the rest of the ballot stays.

        The interaction's id says in which order clicks were made, whatever the order in which they arrive.
        """
        chances = [self._clock.new_seed() for _ in range(_CHANCES)]
        click = int(place.interaction)

        def unit(tx: Tx) -> BallotPage:
            contest, now = self._votable(tx, place, contest_id), self._clock.now()
            entered = {entry.id: entry for entry in entries.of(tx, contest.id, EntryState.ENTERED)}
            own = {entry.id for entry in entered.values() if entry.member == place.member}
            if own & set(chosen):
                raise Refused(Code.OWN_ENTRY)
            known = set(entered) - own
            number = ballots.open_for(tx, contest.id, place.member, chances, now)
            ballots.decide(tx, contest.id, number, known & set(shown), known & set(chosen), click, now)
            return self._page(tx, contest, place.member, page)

        return await self._db.work(unit)

    def _votable(self, tx: Tx, place: Place, contest_id: str) -> Contest:
        """A contest in which this member may vote at this moment. Raises `Refused`."""
        contest = contest_of(tx, place.guild, contest_id)
        if contest.phase is Phase.VOTING:
            must_run(contest)
        if not contest.takes_ballots(self._clock.now()):
            over = contest.phase is Phase.VOTING
            raise Refused(Code.CONTEST_PHASE, phase=Phase.CLOSED.value if over else contest.phase.value)
        must_have_role(contest.rules.vote_role, place.roles)
        return contest

    def _page(self, tx: Tx, contest: Contest, member: str, page: int) -> BallotPage:
        entered = entries.of(tx, contest.id, EntryState.ENTERED)
        others = order_for(contest, member, [entry for entry in entered if entry.member != member])
        pages = pages_of(others)
        page = min(max(0, page), pages - 1)
        shown = others[page * PAGE : (page + 1) * PAGE]
        sent = {entry.id: posts.of(tx, entry.subject, Purpose.ENTRY) for entry in shown}
        number = ballots.number_of(tx, contest.id, member)
        return BallotPage(
            contest=contest,
            candidates=tuple(_masked(contest, entry) for entry in shown),
            chosen=frozenset(ballots.chosen_in(tx, contest.id, number) if number is not None else ()),
            links={name: (post.target, post.message_id) for name, post in sent.items() if post and post.message_id},
            number=number,
            page=page,
            pages=pages,
        )


def _masked(contest: Contest, entry: Entry) -> Entry:
    return replace(entry, member="", title="", job="") if contest.rules.masking else entry
