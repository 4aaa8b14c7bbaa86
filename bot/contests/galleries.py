"""What becomes of messages of contests that found no place: their organiser is told, and may name another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.contests import entries, news, store
from bot.contests.contest import Contest, EntryState, Phase
from bot.database import Tx
from bot.posts import store as posts
from bot.posts.post import Post, PostState, Purpose

_TOLD_IN: Mapping[Phase, Purpose] = {
    Phase.OPEN: Purpose.CONTEST_OPENED,
    Phase.VOTING: Purpose.CONTEST_VOTING,
    Phase.CLOSED: Purpose.CONTEST_RESULTS,
    Phase.CANCELLED: Purpose.CONTEST_CANCELLED,
}


def redirect(tx: Tx, contest: Contest, now: int) -> None:
    """Send what closed channels refused in this phase to where the contest is now."""
    told = _TOLD_IN.get(contest.phase)
    if told is not None:
        posts.redirect(tx, contest.subject, told, contest.channel, now)
    if contest.phase is Phase.VOTING:
        for entry in entries.of(tx, contest.id, EntryState.ENTERED):
            posts.redirect(tx, entry.subject, Purpose.ENTRY, contest.gallery, now)


def posted(tx: Tx, post: Post, new_id: Callable[[], str], now: int) -> None:
    """In the unit that ends a post: tell the organiser, once for each place, that it is closed.

    An entry that dropped out while its message was on the way is not left there.
    """
    kind, _, name = post.subject.partition(":")
    if kind not in ("contest", "entry") or post.purpose is Purpose.CONTEST_TROUBLE:
        return
    entry = entries.by_id(tx, name) if kind == "entry" else None
    if entry is not None and entry.state is not EntryState.ENTERED:
        posts.erase(tx, post.subject)
        return
    ended = posts.of(tx, post.subject, post.purpose)
    contest = store.get(tx, entry.contest if entry else name.partition(":")[0])
    if ended is not None and ended.state is PostState.DEAD and contest is not None:
        news.confide(tx, contest, f"lost-{post.target}", "trouble", new_id, now, post.target)
