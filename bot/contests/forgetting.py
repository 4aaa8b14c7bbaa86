"""What goes of a member who asks to be forgotten; of contests that are long over; of a guild that was left."""

from __future__ import annotations

from collections.abc import Callable

from bot.contests import entries, moves, store
from bot.contests.contest import ACTIVE, RUNNING, Contest, Phase
from bot.database import Tx
from bot.files.store import disown
from bot.guilds.former import former
from bot.posts import store as posts
from bot.posts.post import direct_to, dump
from bot.quotas import ledger
from bot.quotas.facts import contest_account

_BATCH = 50
_ALWAYS = 1 << 60


def guilds_of(tx: Tx, member: str) -> list[str]:
    """Where this member organised, entered or voted."""
    rows = tx.all(
        "SELECT guild FROM contests WHERE organiser = ?1 OR id IN (SELECT contest FROM entries WHERE member = ?1"
        " UNION SELECT contest FROM ballots WHERE member = ?1)",
        (member,),
    )
    return sorted({row["guild"] for row in rows})


def count_of(tx: Tx, member: str) -> int:
    """How many entries and ballots name this member."""
    row = tx.one(
        "SELECT (SELECT count(*) FROM entries WHERE member = ?1)"
        " + (SELECT count(*) FROM ballots WHERE member = ?1)",
        (member,),
    )
    return row[0] if row else 0


def forget_member(tx: Tx, guild: str, member: str, name: str) -> None:
    """In contests that still run, entries and the ballot go; what counted in a result counts on under `name`."""
    rows = tx.all(
        "SELECT id FROM contests WHERE guild = ?1 AND (organiser = ?2 OR id IN (SELECT contest FROM entries"
        " WHERE member = ?2 UNION SELECT contest FROM ballots WHERE member = ?2))",
        (guild, member),
    )
    for contest in (store.get(tx, row["id"]) for row in rows):
        if contest is not None:
            _forget_entries(tx, contest, member, name)
            _forget_ballot(tx, contest, member, name)
            _forget_organiser(tx, contest, member, name)
            _forget_messages(tx, contest, member, name)
            store.ring(tx, contest.id)


def part(tx: Tx, member: str, new_id: Callable[[], str]) -> int | None:
    """Take the name off accounts of contests that take no more entries; until when one of another is needed."""
    until: list[int] = []
    for account in ledger.accounts_in_contests(tx, member):
        contest_id = account.split(":")[1]
        contest = store.get(tx, contest_id)
        if contest is not None and contest.phase in (Phase.DRAFT, Phase.OPEN):
            until.append(contest.schedule.closes_at)
        else:
            ledger.rename(tx, account, contest_account(contest_id, former(new_id())), _ALWAYS)
    return max(until, default=None)


def drop_ended(tx: Tx, before: int) -> int:
    """Remove some contests that ended at `before` or earlier, with all that is theirs; returns how many."""
    rows = tx.all(
        "SELECT id FROM contests WHERE phase = 'archived' AND ended_at <= ? ORDER BY ended_at LIMIT ?",
        (before, _BATCH),
    )
    for row in rows:
        _drop(tx, row["id"])
    return len(rows)


def drop_guild(tx: Tx, guild: str) -> None:
    """Remove every contest of a guild."""
    for row in tx.all("SELECT id FROM contests WHERE guild = ?", (guild,)):
        _drop(tx, row["id"])


def _forget_entries(tx: Tx, contest: Contest, member: str, name: str) -> None:
    for entry in entries.of(tx, contest.id):
        if entry.member != member:
            continue
        posts.erase(tx, entry.subject)
        if contest.phase in RUNNING and entry.state in ACTIVE:
            moves.drop_out(tx, entry, None)
        disown(tx, entry.subject)
        blank = {"title": "", "reason": None, "original": None, "audio": None}
        entries.change(tx, entry.id, {"member": name, **blank})


def _forget_ballot(tx: Tx, contest: Contest, member: str, name: str) -> None:
    """A vote that could be cast again under the same name would count twice, so it goes while that is possible."""
    mine = (contest.id, member)
    if contest.phase in RUNNING:
        tx.run("DELETE FROM ballots WHERE contest = ? AND member = ?", mine)
    else:
        tx.run("UPDATE ballots SET member = ? WHERE contest = ? AND member = ?", (name, *mine))


def _forget_organiser(tx: Tx, contest: Contest, member: str, name: str) -> None:
    if contest.organiser == member:
        store.change(tx, contest.id, {"organiser": name, "interaction": f"{name}:{contest.id}"})


def _forget_messages(tx: Tx, contest: Contest, member: str, name: str) -> None:
    """Announcements about several people stay where they are; what is kept of them loses the name."""
    for post in posts.about(tx, contest.subject):
        if post.target == direct_to(member):
            posts.erase(tx, post.subject)
        elif member in dump(post.body):
            posts.unname(tx, post, member, name)


def _drop(tx: Tx, contest_id: str) -> None:
    """Entries, ballots and sources go with their contest."""
    subject = f"contest:{contest_id}"
    for entry in entries.of(tx, contest_id):
        disown(tx, entry.subject)
        posts.drop(tx, entry.subject)
    disown(tx, subject)
    posts.drop(tx, subject)
    posts.drop_under(tx, subject)
    ledger.drop_contest(tx, contest_id)
    tx.run("DELETE FROM contests WHERE id = ?", (contest_id,))
