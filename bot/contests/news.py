"""The messages of a contest, each asked for in the unit of what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.contests import ballots, entries
from bot.contests.contest import Contest, Entry, EntryState
from bot.database import Tx
from bot.guilds.former import is_former
from bot.posts import store as posts
from bot.posts.post import ContestNews, EntryShow, NewPost, Placed, Purpose, direct_to

MENTIONING = frozenset({Purpose.CONTEST_OPENED, Purpose.CONTEST_VOTING, Purpose.CONTEST_RESULTS})
"""Moves that mention the role which the organiser chose."""


def tell(
    tx: Tx, contest: Contest, purpose: Purpose, move: str, new_id: Callable[[], str], now: int, **more: Any
) -> None:
    """One message in the contest's channel. What can happen only once is there once, whoever asks again."""
    body = _news(tx, contest, purpose, move, **more)
    again = purpose in (Purpose.CONTEST_EXTEND, Purpose.CONTEST_NEWS)
    subject = f"{contest.subject}:{contest.rev}" if again else contest.subject
    posts.add(tx, subject, NewPost(purpose, contest.channel, body.to_json()), post_id=new_id(), now=now)


def confide(
    tx: Tx, contest: Contest, about: str, move: str, new_id: Callable[[], str], now: int, reason: str
) -> None:
    """One direct message to the organiser for each `about`."""
    if is_former(contest.organiser):
        return
    body = _news(tx, contest, Purpose.CONTEST_TROUBLE, move, reason=reason)
    new = NewPost(Purpose.CONTEST_TROUBLE, direct_to(contest.organiser), body.to_json())
    posts.add(tx, f"{contest.subject}:{about}", new, post_id=new_id(), now=now)


def show(tx: Tx, contest: Contest, shown: Sequence[Entry], new_id: Callable[[], str], now: int) -> None:
    """Every entry in the gallery, in the order of their numbers."""
    for place, entry in enumerate(shown):
        masked = contest.rules.masking
        body = EntryShow(
            entry=entry.id,
            contest=contest.id,
            contest_title=contest.title,
            locale=contest.locale,
            number=entry.number or 0,
            audio=entry.audio or "",
            seconds=entry.seconds,
            member="" if masked else entry.member,
            title="" if masked else entry.title,
        )
        new = NewPost(Purpose.ENTRY, contest.gallery, body.to_json())
        posts.add(tx, entry.subject, new, post_id=new_id(), now=now + place)


def placed(found: Sequence[Entry], ranks: Sequence[Any]) -> tuple[Placed, ...]:
    """Ranks with what is known of their entries once the masks are off."""
    known = {entry.id: entry for entry in found}
    return tuple(
        Placed(
            number=known[rank.entry].number or 0,
            member=known[rank.entry].member,
            title=known[rank.entry].title,
            audio=known[rank.entry].audio or "",
            seconds=known[rank.entry].seconds,
            points=rank.points,
            rank=rank.rank,
            winner=rank.winner,
            tie_broken=rank.tie_broken,
        )
        for rank in ranks
    )


def _news(tx: Tx, contest: Contest, purpose: Purpose, move: str, **more: Any) -> ContestNews:
    rules, schedule = contest.rules, contest.schedule
    return ContestNews(
        move=move,
        contest=contest.id,
        locale=contest.locale,
        title=contest.title,
        organiser=contest.organiser,
        theme=contest.theme,
        prize=contest.prize,
        mention_role=rules.mention_role if purpose in MENTIONING else None,
        opens_at=schedule.opens_at,
        closes_at=schedule.closes_at,
        ends_at=schedule.ends_at,
        gallery=contest.gallery,
        entries=len(entries.of(tx, contest.id, EntryState.ENTERED)),
        ballots=ballots.count(tx, contest.id) if contest.published else 0,
        winners=rules.winners,
        per_member=rules.entries,
        units=rules.units,
        masking=rules.masking,
        enter_role=rules.enter_role,
        vote_role=rules.vote_role,
        sources=tuple(source.name for source in contest.sources),
        digest=contest.digest or "",
        **more,
    )
