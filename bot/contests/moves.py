"""The steps of a contest along its arrows: each one unit with everything that it changes and says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.contests import ballots, entries, news, store
from bot.contests.contest import Contest, Entry, EntryState, Phase, check_arrow
from bot.contests.schedule import PATIENCE_MS, Due, begun, due, next_look
from bot.contests.tally import Rank, digest, shuffled, standings
from bot.database import Tx
from bot.files.store import disown
from bot.posts.post import Purpose

NEVER_OPENED, TOO_FEW, NOT_MADE = "never-opened", "too-few", "not-made"
"""Reasons that nobody wrote."""


def advance(
    tx: Tx, contest: Contest, *, keep_ms: int, new_id: Callable[[], str], now: int, by: str = ""
) -> Contest:
    """Every step that is due, one after another, and when to look again; `by` who asked for it."""
    while (step := due(contest, entries.counted(tx, contest.id), keep_ms, now)) is not None:
        contest = _STEPS[step](tx, contest, new_id, now, by)
    wake_at = next_look(contest, entries.counted(tx, contest.id), keep_ms)
    return _change(tx, contest, {"wake_at": wake_at})


def cancel(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, reason: str, by: str = "") -> Contest:
    """End it without a result. A draft, of which nobody was told, goes silently."""
    check_arrow(contest.phase, Phase.CANCELLED)
    announced = contest.phase is not Phase.DRAFT
    contest = _change(tx, contest, {"phase": Phase.CANCELLED, "ended_at": now, "paused_at": None, "wake_at": 0})
    if announced:
        news.tell(tx, contest, Purpose.CONTEST_CANCELLED, "cancelled", new_id, now, reason=reason, by=by)
    return contest


def ranks_of(tx: Tx, contest: Contest) -> tuple[Rank, ...]:
    """The standings by what is in the ballots now, best first."""
    found = entries.of(tx, contest.id, EntryState.ENTERED)
    choices = [ballot.choices for ballot in ballots.of(tx, contest.id)]
    breaks = store.tie_breaks(tx, contest.id)
    return standings([entry.id for entry in found], choices, contest.rules.winners, breaks)


def numbers_in(tx: Tx, contest: Contest) -> Mapping[int, list[int]]:
    """Every ballot by its number, as the numbers of the entries that it names."""
    numbers = {entry.id: entry.number or 0 for entry in entries.of(tx, contest.id)}
    return {b.number: sorted(numbers[choice] for choice in b.choices) for b in ballots.of(tx, contest.id)}


def publish(tx: Tx, contest: Contest, move: str, new_id: Callable[[], str], now: int, **more: Any) -> None:
    """Tell the result, or how it was corrected."""
    purpose = Purpose.CONTEST_RESULTS if move == "results" else Purpose.CONTEST_NEWS
    found = entries.of(tx, contest.id, EntryState.ENTERED)
    placed = news.placed(found, ranks_of(tx, contest))
    news.tell(tx, contest, purpose, move, new_id, now, placed=placed, **more)


def drop_out(tx: Tx, entry: Entry, reason: str | None) -> None:
    """An entry that is not made or not wanted any more: our copies of it go."""
    entries.change(tx, entry.id, {"state": EntryState.WITHDRAWN, "reason": reason, "audio": None, "original": None})
    disown(tx, entry.subject)


def _open(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, by: str) -> Contest:
    contest = _begin(tx, contest, Phase.OPEN, now)
    news.tell(tx, contest, Purpose.CONTEST_OPENED, "opened", new_id, now, by=by)
    return contest


def _ask(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, by: str) -> Contest:
    for entry in entries.of(tx, contest.id, EntryState.MAKING):
        drop_out(tx, entry, NOT_MADE)
    contest = _change(tx, contest, {"warned_at": now})
    news.tell(tx, contest, Purpose.CONTEST_EXTEND, "extend", new_id, now, answer_by=now + PATIENCE_MS)
    return contest


def _vote(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, by: str) -> Contest:
    """Masks get their numbers, in an order that nobody could foresee, and are shown."""
    for entry in entries.of(tx, contest.id, EntryState.MAKING):
        drop_out(tx, entry, NOT_MADE)
    found = entries.of(tx, contest.id, EntryState.ENTERED)
    entries.number(tx, shuffled(contest.salt, [entry.id for entry in found]))
    contest = _begin(tx, contest, Phase.VOTING, now)
    news.tell(tx, contest, Purpose.CONTEST_VOTING, "voting", new_id, now, by=by)
    news.show(tx, contest, entries.of(tx, contest.id, EntryState.ENTERED), new_id, now)
    return contest


def _close(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, by: str) -> Contest:
    check_arrow(contest.phase, Phase.CLOSED)
    seal = digest(contest.id, contest.salt, numbers_in(tx, contest))
    changes = {"phase": Phase.CLOSED, "ended_at": now, "digest": seal}
    contest = _change(tx, contest, changes)
    publish(tx, contest, "results", new_id, now, by=by)
    return contest


def _cancel(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, by: str) -> Contest:
    reason = NEVER_OPENED if contest.phase is Phase.DRAFT else TOO_FEW
    return cancel(tx, contest, new_id, now, reason)


def _archive(tx: Tx, contest: Contest, new_id: Callable[[], str], now: int, by: str) -> Contest:
    check_arrow(contest.phase, Phase.ARCHIVED)
    for entry in entries.of(tx, contest.id):
        disown(tx, entry.subject)
        entries.change(tx, entry.id, {"original": None, "audio": None})
    disown(tx, contest.subject)
    ballots.unname(tx, contest.id)
    return _change(tx, contest, {"phase": Phase.ARCHIVED})


_STEPS: Mapping[Due, Callable[[Tx, Contest, Callable[[], str], int, str], Contest]] = {
    Due.OPEN: _open,
    Due.ASK: _ask,
    Due.VOTE: _vote,
    Due.CLOSE: _close,
    Due.CANCEL: _cancel,
    Due.ARCHIVE: _archive,
}


def _begin(tx: Tx, contest: Contest, phase: Phase, now: int) -> Contest:
    """A phase begins: with the dates that it leaves, if the bot was late."""
    check_arrow(contest.phase, phase)
    schedule = begun(contest, phase, now)
    dates = {"opens_at": schedule.opens_at, "closes_at": schedule.closes_at, "ends_at": schedule.ends_at}
    return _change(tx, contest, {"phase": phase, "warned_at": None, **dates})


def _change(tx: Tx, contest: Contest, changes: Mapping[str, Any]) -> Contest:
    store.change(tx, contest.id, changes)
    found = store.get(tx, contest.id)
    if found is None:
        raise RuntimeError(f"contest {contest.id} vanished in its own transaction")
    return found


def order_for(contest: Contest, member: str, shown: Sequence[Entry]) -> list[Entry]:
    """The entries in the order in which this voter sees them."""
    known = {entry.id: entry for entry in shown}
    return [known[name] for name in shuffled(contest.salt, known, member)]
