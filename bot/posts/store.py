"""The rows of `posts`: plain functions that take the transaction first."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from sqlite3 import Row
from typing import Any

from bot.database import Tx
from bot.posts.post import NewPost, Post, PostState, Purpose, dump

_OPEN = "state NOT IN ('sent', 'dead', 'removed')"


def add(tx: Tx, subject: str, new: NewPost, *, post_id: str, now: int) -> None:
    """Ask for a message; a second ask for the same subject and purpose changes nothing."""
    tx.run(
        "INSERT INTO posts (id, subject, purpose, target, body, nonce, state, wake_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subject, purpose) DO NOTHING",
        (post_id, subject, new.purpose, new.target, dump(new.body), f"td{post_id}", PostState.PENDING, now, now),
    )


def replace_dead(tx: Tx, subject: str, new: NewPost, *, post_id: str, now: int) -> None:
    """The same, but one that its channel refused makes room for it."""
    tx.run("DELETE FROM posts WHERE subject = ? AND purpose = ? AND state = 'dead'", (subject, new.purpose))
    add(tx, subject, new, post_id=post_id, now=now)


def doubt(tx: Tx) -> int:
    """After a restore: whatever is not known to be out may be, so it is looked up first; returns how many."""
    return tx.run(
        "UPDATE posts SET state = 'sending', marked_at = coalesce(marked_at, created_at), wake_at = 0,"
        " owner = NULL, lease_until = NULL, rev = rev + 1 WHERE state IN ('pending', 'sending')"
    )


def set_aside(tx: Tx, subject: str, before: int) -> None:
    """Make room for another message of this subject; those asked for up to `before` go on under another name."""
    tx.run(
        "UPDATE posts SET subject = subject || ':' || id, rev = rev + 1 WHERE subject = ? AND created_at <= ?",
        (subject, before),
    )


def of(tx: Tx, subject: str, purpose: Purpose) -> Post | None:
    """The message of this subject and purpose, whatever its state."""
    row = tx.one("SELECT * FROM posts WHERE subject = ? AND purpose = ?", (subject, purpose))
    return _post(row) if row else None


def of_any(tx: Tx, subject: str, purposes: Sequence[Purpose]) -> list[Post]:
    """The messages of this subject and one of these purposes, in the order they were asked for."""
    rows = tx.all(
        "SELECT * FROM posts WHERE subject = ? AND purpose IN (SELECT value FROM json_each(?))"
        " ORDER BY created_at, id",
        (subject, json.dumps(purposes)),
    )
    return [_post(row) for row in rows]


def subject_of(tx: Tx, message: str) -> str | None:
    """What a message of ours is about; None for one that is not ours."""
    row = tx.one("SELECT subject FROM posts WHERE message_id = ?", (message,))
    return row["subject"] if row else None


def remove(tx: Tx, subject: str, purposes: Sequence[Purpose]) -> None:
    """Ask that those of these messages that are out be deleted."""
    tx.run(
        "UPDATE posts SET state = 'removing', wake_at = 0, attempts = 0, rev = rev + 1"
        " WHERE subject = ? AND state = 'sent' AND purpose IN (SELECT value FROM json_each(?))",
        (subject, json.dumps(purposes)),
    )


def redirect(tx: Tx, subject: str, purpose: Purpose, target: str, now: int) -> None:
    """Send a message that a closed channel refused to another one."""
    tx.run(
        "UPDATE posts SET target = ?, state = 'pending', marked_at = NULL, attempts = 0, wake_at = ?, error = NULL,"
        " rev = rev + 1 WHERE subject = ? AND purpose = ? AND state = 'dead' AND target <> ?",
        (target, now, subject, purpose, target),
    )


def erase(tx: Tx, subject: str) -> None:
    """Delete the messages of a subject, and what their rows say; one that is on its way is left until it ended."""
    tx.run(
        "DELETE FROM posts WHERE subject = ?"
        " AND (state IN ('dead', 'removed') OR (state = 'pending' AND owner IS NULL))",
        (subject,),
    )
    tx.run(
        "UPDATE posts SET state = 'removing', body = '{}', wake_at = 0, attempts = 0, rev = rev + 1"
        " WHERE subject = ? AND state = 'sent'",
        (subject,),
    )


def drop(tx: Tx, subject: str) -> None:
    """Forget the messages of a subject; they stay where they are."""
    tx.run("DELETE FROM posts WHERE subject = ?", (subject,))


def drop_under(tx: Tx, subject: str) -> None:
    """The same for every subject that is named `SUBJECT:...`."""
    tx.run("DELETE FROM posts WHERE subject >= ?1 || ':' AND subject < ?1 || ';'", (subject,))


def about(tx: Tx, subject: str) -> list[Post]:
    """The messages of this subject, and of those that are named `SUBJECT:...`."""
    rows = tx.all(
        "SELECT * FROM posts WHERE subject = ?1 OR (subject >= ?1 || ':' AND subject < ?1 || ';')", (subject,)
    )
    return [_post(row) for row in rows]


def unname(tx: Tx, post: Post, word: str, other: str) -> None:
    """Keep nothing of what a message said that is out, and of another one not this word; it stays where it is."""
    out = post.state in (PostState.SENT, PostState.REMOVED)
    body = "{}" if out else dump(post.body).replace(word, other)
    tx.run("UPDATE posts SET body = ? WHERE id = ?", (body, post.id))


def reword_under(tx: Tx, subject: str, word: str, other: str) -> None:
    """Replace a word in what is kept of messages whose subject is named `SUBJECT:...`; those that are out stay."""
    tx.run(
        "UPDATE posts SET body = replace(body, ?2, ?3) WHERE subject >= ?1 || ':' AND subject < ?1 || ';'",
        (subject, word, other),
    )


def drop_old(tx: Tx, before: int) -> int:
    """Forget messages that were asked for before `before` and are over, but for those that go with a job or a
    contest; returns how many."""
    return tx.run(
        "DELETE FROM posts WHERE state IN ('sent', 'dead', 'removed') AND created_at <= ?"
        " AND subject NOT LIKE 'job:%' AND subject NOT LIKE 'contest:%' AND subject NOT LIKE 'entry:%'",
        (before,),
    )


def claim(tx: Tx, *, owner: str, now: int, lease_until: int, room: int) -> list[Post]:
    """Lease up to `room` due posts, oldest first; those of one subject go out in the order they were asked for.

    The lease is the marker too: from now on the message may exist. In what is returned, `marked_at` is None for a
    post that was not marked before.
    """
    rows = tx.all(
        "SELECT * FROM posts WHERE state NOT IN ('sent', 'dead', 'removed') AND wake_at <= ? AND owner IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM posts AS earlier WHERE earlier.subject = posts.subject"
        " AND earlier.created_at < posts.created_at AND earlier.state NOT IN ('sent', 'dead', 'removed'))"
        " ORDER BY wake_at, created_at LIMIT ?",
        (now, room),
    )
    if rows:
        tx.run(
            "UPDATE posts SET owner = ?, lease_until = ?, rev = rev + 1, marked_at = coalesce(marked_at, ?),"
            " state = iif(state = 'pending', 'sending', state) WHERE id IN (SELECT value FROM json_each(?))",
            (owner, lease_until, now, json.dumps([row["id"] for row in rows])),
        )
    return [_post(row, claimed=True) for row in rows]


def next_wake(tx: Tx, since: int) -> int | None:
    """When the next unleased post is due that was not at `since` and waits for no other, UTC milliseconds."""
    row = tx.one(
        "SELECT min(wake_at) FROM posts WHERE state NOT IN ('sent', 'dead', 'removed') AND owner IS NULL"
        " AND wake_at > ?"
        " AND NOT EXISTS (SELECT 1 FROM posts AS earlier WHERE earlier.subject = posts.subject"
        " AND earlier.created_at < posts.created_at AND earlier.state NOT IN ('sent', 'dead', 'removed'))",
        (since,),
    )
    return row[0] if row else None


def shift(tx: Tx, by: int) -> None:
    """The wall clock was put forward, or back, by so many milliseconds; no look-up begins later than it did."""
    tx.run(
        "UPDATE posts SET wake_at = iif(wake_at > 0, wake_at + ?1, 0), marked_at = marked_at + min(?1, 0)"  # noqa: S608
        f" WHERE {_OPEN}",
        (by,),
    )


def clear_leases(tx: Tx) -> None:
    """At start: the file lock says that nobody else holds any."""
    tx.run(f"UPDATE posts SET owner = NULL, lease_until = NULL WHERE {_OPEN} AND owner IS NOT NULL")  # noqa: S608


def reclaim(tx: Tx, running: Collection[str], wake_at: int) -> None:
    """Free the posts whose step is gone without a word, and look again at `wake_at`."""
    tx.run(
        "UPDATE posts SET owner = NULL, lease_until = NULL, wake_at = ?, rev = rev + 1"  # noqa: S608
        f" WHERE {_OPEN} AND owner IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?))",
        (wake_at, json.dumps(list(running))),
    )


def change(tx: Tx, post: Post, owner: str, changes: Mapping[str, Any]) -> bool:
    """Write `changes` if this owner still holds the post in the state it read; raises `rev`."""
    assignments = ", ".join(f"{column} = ?" for column in changes)
    changed = tx.run(
        f"UPDATE posts SET {assignments}, rev = rev + 1 WHERE id = ? AND state = ? AND owner = ?",  # noqa: S608
        (*changes.values(), post.id, post.state, owner),
    )
    return changed == 1


def _post(row: Row, *, claimed: bool = False) -> Post:
    state = PostState(row["state"])
    return Post(
        id=row["id"],
        subject=row["subject"],
        purpose=Purpose(row["purpose"]),
        target=row["target"],
        body=json.loads(row["body"]),
        nonce=row["nonce"],
        state=PostState.SENDING if claimed and state is PostState.PENDING else state,
        rev=row["rev"],
        attempts=row["attempts"],
        marked_at=row["marked_at"],
        message_id=row["message_id"],
    )
