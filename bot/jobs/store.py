"""The rows of `jobs`, `sources` and `tracks`: plain functions that take the transaction first."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from sqlite3 import Row
from typing import Any

from bot.database import Tx
from bot.errors import Refusal
from bot.guilds.former import is_former
from bot.jobs.job import ENDED, Ask, Job, Removal, Source, State, Track

_FAR = 1 << 52
"""Later than any moment: who sleeps until then waits to be rung for."""
_OPEN = "state NOT IN ('done', 'failed', 'cancelled')"
_LAST_MS = 5 * 60_000
_WAITING = "SELECT id, state, guild, engine, created_at, deadline FROM jobs"
_DUE = f"{_OPEN} AND owner IS NULL AND wake_at <= ?"
_GLANCE = 100
"""As many due jobs as are looked at before each state has a look of its own."""


def insert(tx: Tx, job_id: str, ask: Ask, *, now: int, deadline: int) -> Job:
    """Write an accepted job with its two sources; returns what a later look at it would."""
    tx.run(
        "INSERT INTO jobs (id, interaction, guild, channel, member, locale, engine, operation, request, seed,"
        " max_bytes, state, wake_at, deadline, created_at, updated_at, private, token, again_of)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job_id,
            ask.interaction,
            ask.guild,
            ask.channel,
            ask.member,
            ask.locale,
            ask.engine,
            ask.operation,
            json.dumps(ask.request, ensure_ascii=False),
            ask.seed,
            ask.max_bytes,
            State.ACCEPTED,
            now,
            deadline,
            now,
            now,
            ask.private,
            ask.token or None,
            ask.again_of,
        ),
    )
    for source in ask.sources:
        tx.run(
            "INSERT INTO sources (job, side, url, name, size, hash, seconds) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job_id, source.side, source.url, source.name, source.size, source.hash, source.seconds),
        )
    return Job(
        id=job_id,
        ask=replace(ask, token="", roles=frozenset(), parent=""),
        state=State.ACCEPTED,
        rev=0,
        owner=None,
        deadline=deadline,
        attempts=0,
        marked_at=None,
        task=None,
        error=None,
        cancelled_by=None,
        report=None,
        tracks=(),
        created_at=now,
        updated_at=now,
    )


@dataclass(frozen=True)
class Held:
    """How a job stands that somebody works on; `forgotten`: its member asked to be."""

    state: State
    forgotten: bool


def held(tx: Tx, job_id: str, owner: str) -> Held | None:
    """A job that `owner` holds; None when it does not hold it."""
    row = tx.one("SELECT state, member FROM jobs WHERE id = ? AND owner = ?", (job_id, owner))
    return Held(State(row["state"]), is_former(row["member"])) if row else None


def is_forgotten(tx: Tx, job_id: str) -> bool:
    """Whether the member of a job asked to be forgotten."""
    row = tx.one("SELECT member FROM jobs WHERE id = ?", (job_id,))
    return row is not None and is_former(row["member"])


def has_ended(tx: Tx, job_id: str) -> bool:
    """Whether a job is at its end."""
    row = tx.one("SELECT state FROM jobs WHERE id = ?", (job_id,))
    return row is not None and row["state"] in ENDED


def guilds_of(tx: Tx, member: str) -> list[str]:
    """Where this member has jobs, or had a hand in those of others."""
    rows = tx.all(
        "SELECT DISTINCT guild FROM jobs WHERE member = ?1 OR cancelled_by = ?1 OR removed LIKE '%' || ?1 || '%'",
        (member,),
    )
    return [row["guild"] for row in rows]


def count_of_member(tx: Tx, member: str) -> int:
    """How many rows of jobs this member has, everywhere."""
    row = tx.one("SELECT count(*) FROM jobs WHERE member = ?", (member,))
    return row[0] if row else 0


def rewrite(tx: Tx, job_id: str, changes: Mapping[str, Any]) -> None:
    """Change columns of a job whoever holds it; its state stays."""
    tx.run(f"UPDATE jobs SET {_assigned(tuple(changes))}, rev = rev + 1 WHERE id = ?", (*changes.values(), job_id))  # noqa: S608


def by_interaction(tx: Tx, interaction: str) -> Job | None:
    """The job that this interaction already made, if any."""
    return _first(tx, tx.all("SELECT * FROM jobs WHERE interaction = ?", (interaction,)))


def get(tx: Tx, job_id: str) -> Job | None:
    """The job with this id."""
    return _first(tx, tx.all("SELECT * FROM jobs WHERE id = ?", (job_id,)))


def moved(job: Job, row: Row, new: tuple[Track, ...]) -> Job:
    """A job as its row is after a step; what was asked stays, and to its tracks come those that are `new`."""
    return _job(row, job.ask, (*job.tracks, *new))


def repeats_of(tx: Tx, job_id: str) -> list[Job]:
    """The jobs that ask again for this one, oldest first."""
    return _jobs(tx, tx.all("SELECT * FROM jobs WHERE again_of = ? ORDER BY created_at, id", (job_id,)))


def waiting(tx: Tx, state: State, now: int) -> list[Row]:
    """Due and unleased jobs of one state as (id, state, guild, engine, created_at, deadline), oldest first."""
    return tx.all(f"{_WAITING} WHERE {_DUE} AND state = ? ORDER BY created_at, id", (now, state))


@dataclass(frozen=True)
class Due:
    """Jobs that nobody holds and that it is time to look at.

    The `staged` ones are rows of `waiting`, the `others` ids, of each state as many as there is room for;
    whoever was rung for first, then as they became due.
    """

    staged: list[Row]
    others: list[str]


def due(tx: Tx, room: Mapping[State, int], now: int) -> Due:
    """What could be worked on; one look, unless very many are due."""
    rows = tx.all(f"{_WAITING} WHERE {_DUE} ORDER BY wake_at LIMIT ?", (now, _GLANCE))
    if len(rows) == _GLANCE:
        staged = waiting(tx, State.STAGED, now)
        look = f"SELECT id, state FROM jobs WHERE {_DUE} AND state = ? ORDER BY wake_at LIMIT ?"  # noqa: S608
        rows = [row for state, most in room.items() for row in tx.all(look, (now, state, most))]
    else:
        staged = sorted(
            (row for row in rows if row["state"] == State.STAGED), key=lambda row: (row["created_at"], row["id"])
        )
    left = Counter(dict(room))
    others: list[str] = []
    for row in rows:
        if left[row["state"]] > 0:
            left[row["state"]] -= 1
            others.append(row["id"])
    return Due(staged, others)


def lease(tx: Tx, ids: Sequence[str], *, owner: str, lease_until: int) -> list[Job]:
    """Take those of these jobs for `owner` that nobody holds, in this order."""
    if not ids:
        return []
    rows = tx.all(
        "UPDATE jobs SET owner = ?, lease_until = ?, rev = rev + 1"
        " WHERE id IN (SELECT value FROM json_each(?)) AND owner IS NULL RETURNING *",
        (owner, lease_until, json.dumps(ids)),
    )
    return _jobs(tx, sorted(rows, key=lambda row: ids.index(row["id"])))


def next_wake(tx: Tx, since: int) -> int | None:
    """When the next unleased job is due that was not at `since`, UTC milliseconds."""
    row = tx.one(
        f"SELECT min(wake_at) FROM jobs WHERE {_OPEN} AND owner IS NULL AND wake_at > ?",  # noqa: S608
        (since,),
    )
    return row[0] if row else None


def clear_leases(tx: Tx) -> None:
    """At start: the file lock says that nobody else holds any."""
    tx.run(f"UPDATE jobs SET owner = NULL, lease_until = NULL WHERE {_OPEN} AND owner IS NOT NULL")  # noqa: S608


def shift(tx: Tx, by: int) -> None:
    """The wall clock was put forward, or back, by so many milliseconds: what open jobs wait for moves with it."""
    tx.run(
        "UPDATE jobs SET deadline = deadline + ?1, created_at = created_at + ?1, marked_at = marked_at + ?1,"  # noqa: S608
        f" wake_at = iif(wake_at BETWEEN 1 AND ?2, wake_at + ?1, wake_at) WHERE {_OPEN}",
        (by, _FAR),
    )


def poll_soon(tx: Tx, engine: str, *, now: int, gap_ms: float) -> None:
    """At start: whoever waits for this engine asks it now, the oldest first, `gap_ms` after one another."""
    tx.run(
        "UPDATE jobs SET wake_at = min(wake_at, ?1 + CAST(place * ?2 AS INTEGER)), rev = rev + 1 FROM ("
        " SELECT id AS job, row_number() OVER (ORDER BY created_at, id) - 1 AS place"
        " FROM jobs WHERE state = 'submitted' AND engine = ?3) WHERE id = job",
        (now, gap_ms, engine),
    )


def reclaim(tx: Tx, running: Collection[str], wake_at: int) -> None:
    """Free the jobs whose step is gone without a word, and look again at `wake_at`."""
    tx.run(
        "UPDATE jobs SET owner = NULL, lease_until = NULL, wake_at = ?, rev = rev + 1"  # noqa: S608
        f" WHERE {_OPEN} AND owner IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?))",
        (wake_at, json.dumps(list(running))),
    )


def advance(
    tx: Tx, job: Job, owner: str, target: State, changes: Mapping[str, Any], *, hold: bool = False
) -> Row | None:
    """A forward step, fenced by state and owner; its row, or None when somebody else moved the job.

    `hold` keeps the lease.
    """
    values = {"state": target, **({} if hold else {"owner": None, "lease_until": None}), **changes}
    return tx.one(
        f"UPDATE jobs SET {_assigned(tuple(values))}, rev = rev + 1 WHERE id = ? AND state = ? AND owner = ?"  # noqa: S608
        " RETURNING *",
        (*values.values(), job.id, job.state, owner),
    )


def mark(tx: Tx, job: Job, owner: str, target: State, *, now: int, deadline: int) -> bool:
    """Commit a marker and keep the lease: the effect outside follows at once."""
    changed = tx.run(
        "UPDATE jobs SET state = ?, marked_at = ?, updated_at = ?, deadline = ?, attempts = attempts + 1,"
        " rev = rev + 1 WHERE id = ? AND state = ? AND owner = ?",
        (target, now, now, deadline, job.id, job.state, owner),
    )
    return changed == 1


def sleep(tx: Tx, job: Job, owner: str, wake_at: int) -> None:
    """Back to sleep; a ring that came since the row was read wins, and the job is due at once."""
    slept = tx.run(
        "UPDATE jobs SET owner = NULL, lease_until = NULL, wake_at = ?, rev = rev + 1"
        " WHERE id = ? AND owner = ? AND rev = ?",
        (wake_at, job.id, owner, job.rev),
    )
    if not slept:
        tx.run("UPDATE jobs SET owner = NULL, lease_until = NULL WHERE id = ? AND owner = ?", (job.id, owner))


def ring(tx: Tx, job_id: str) -> None:
    """Something happened to the job: look at once."""
    tx.run("UPDATE jobs SET wake_at = 0, rev = rev + 1 WHERE id = ?", (job_id,))


def cancel(tx: Tx, job_id: str, member: str) -> None:
    """Note who wants the job stopped, and look at once; the first wish stays."""
    tx.run(
        "UPDATE jobs SET cancelled_by = coalesce(cancelled_by, ?), wake_at = 0, rev = rev + 1 WHERE id = ?",
        (member, job_id),
    )


def remove(tx: Tx, job_id: str, removal: Removal) -> None:
    """Note that the result was deleted; the first deletion stays."""
    tx.run(
        "UPDATE jobs SET removed = ?, rev = rev + 1 WHERE id = ? AND removed IS NULL",
        (json.dumps(asdict(removal), ensure_ascii=False), job_id),
    )


def token_of(tx: Tx, job_id: str, since: int) -> str | None:
    """The interaction token of a private job that was accepted after `since`, UTC milliseconds."""
    row = tx.one("SELECT token FROM jobs WHERE id = ? AND created_at > ?", (job_id, since))
    return row["token"] if row else None


def listed(tx: Tx, guild: str | None, member: str | None, *, limit: int, offset: int) -> list[Job]:
    """Jobs newest first; None stands for any guild or any member."""
    rows = tx.all(
        "SELECT * FROM jobs WHERE (?1 IS NULL OR guild = ?1) AND (?2 IS NULL OR member = ?2)"
        " ORDER BY created_at DESC, id LIMIT ?3 OFFSET ?4",
        (guild, member, limit, offset),
    )
    return _jobs(tx, rows)


def count_submitted(tx: Tx, engine: str) -> int:
    """How many jobs an engine has."""
    row = tx.one("SELECT count(*) FROM jobs WHERE state = 'submitted' AND engine = ?", (engine,))
    return row[0] if row else 0


def stage_source(tx: Tx, job_id: str, source: Source) -> None:
    """Record our own copy of a source."""
    tx.run(
        "UPDATE sources SET hash = ?, seconds = ? WHERE job = ? AND side = ?",
        (source.hash, source.seconds, job_id, source.side),
    )


def add_track(tx: Tx, job_id: str, track: Track) -> None:
    """Record a finished track; of a known one, the picture that it lacked."""
    tx.run(
        "INSERT INTO tracks (job, number, hash, picture, title, seconds, audio) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (job, number) DO UPDATE SET picture = excluded.picture WHERE picture = ''",
        (job_id, track.number, track.hash, track.picture, track.title, track.seconds, track.audio),
    )


def open_jobs(tx: Tx) -> list[Job]:
    """Every job that has not ended, oldest first."""
    ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
    rows = tx.all(f"SELECT * FROM jobs WHERE state NOT IN ({ended}) ORDER BY created_at, id")  # noqa: S608
    return _jobs(tx, rows)


def open_ids(tx: Tx) -> list[str]:
    """The ids of every job that has not ended, oldest first."""
    ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
    rows = tx.all(f"SELECT id FROM jobs WHERE {_OPEN} AND state NOT IN ({ended}) ORDER BY created_at, id")  # noqa: S608
    return [row["id"] for row in rows]


def ended_last(tx: Tx) -> list[str]:
    """The ids of the jobs that ended within five minutes before the newest of them did, oldest first."""
    rows = tx.all(
        "SELECT id FROM jobs WHERE ended_at >= (SELECT max(ended_at) FROM jobs WHERE ended_at IS NOT NULL) - ?"
        " ORDER BY ended_at, id",
        (_LAST_MS,),
    )
    return [row["id"] for row in rows]


def pace(tx: Tx, engine: str) -> float | None:
    """Seconds an engine took per second of source audio, over its last ten finished jobs."""
    row = tx.one(
        "SELECT avg((ended_at - marked_at) / 1000.0 / length) FROM ("
        " SELECT j.ended_at, j.marked_at, (SELECT sum(seconds) FROM sources WHERE job = j.id) AS length"
        " FROM jobs j WHERE j.state = 'done' AND j.engine = ? ORDER BY j.ended_at DESC LIMIT 10)",
        (engine,),
    )
    return row[0] if row else None


@functools.cache
def _assigned(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{column} = ?" for column in columns)


def _first(tx: Tx, rows: Sequence[Row]) -> Job | None:
    return next(iter(_jobs(tx, rows)), None)


def _jobs(tx: Tx, rows: Sequence[Row]) -> list[Job]:
    """Each row with its sources and tracks."""
    if not rows:
        return []
    ids = json.dumps([row["id"] for row in rows])
    sources: dict[str, list[Source]] = {row["id"]: [] for row in rows}
    tracks: dict[str, list[Track]] = {row["id"]: [] for row in rows}
    of_these = "WHERE job IN (SELECT value FROM json_each(?))"
    for r in tx.all(f"SELECT * FROM sources {of_these} ORDER BY job, side", (ids,)):  # noqa: S608
        sources[r["job"]].append(Source(r["side"], r["url"], r["name"], r["size"], r["hash"], r["seconds"]))
    for r in tx.all(f"SELECT * FROM tracks {of_these} ORDER BY job, number", (ids,)):  # noqa: S608
        track = Track(r["number"], r["hash"], r["picture"], r["title"], r["seconds"], r["audio"])
        tracks[r["job"]].append(track)
    return [_job(row, _ask(row, tuple(sources[row["id"]])), tuple(tracks[row["id"]])) for row in rows]


def _ask(row: Row, sources: tuple[Source, ...]) -> Ask:
    return Ask(
        interaction=row["interaction"],
        guild=row["guild"],
        channel=row["channel"],
        member=row["member"],
        locale=row["locale"],
        engine=row["engine"],
        operation=row["operation"],
        request=json.loads(row["request"]),
        seed=row["seed"],
        max_bytes=row["max_bytes"],
        sources=sources,
        private=bool(row["private"]),
        again_of=row["again_of"],
    )


def _job(row: Row, ask: Ask, tracks: tuple[Track, ...]) -> Job:
    return Job(
        id=row["id"],
        ask=ask,
        state=State(row["state"]),
        rev=row["rev"],
        owner=row["owner"],
        deadline=row["deadline"],
        attempts=row["attempts"],
        marked_at=row["marked_at"],
        task=row["task"],
        error=Refusal.from_json(json.loads(row["error"])) if row["error"] else None,
        cancelled_by=row["cancelled_by"],
        report=json.loads(row["report"]) if row["report"] else None,
        tracks=tracks,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        uploads=tuple(json.loads(row["uploads"])) if row["uploads"] else (),
        how=row["how"],
        removed=Removal(**json.loads(row["removed"])) if row["removed"] else None,
    )
