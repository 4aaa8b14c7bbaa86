"""Decides whether a history and the rows at its end keep the invariants I1 to I12 (docs/reliability.md); pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.history import Event, Row, Rows

ENDED = frozenset({"done", "failed", "cancelled", "unknown"})
_ACTIVE = frozenset({"making", "entered"})
RESULTS = frozenset({"result", "ready"})
NOTICES = frozenset({"notice", "sorry"})
INVALID_BUDGET = 100
"""Answers 401, 403 and 429 that a run may cost; Discord bans an address after 10,000 in ten minutes."""
SPARE_IDENTIFIES = 3
CARD_SAYS: Mapping[str, frozenset[str]] = {
    "done": frozenset({"done", "kept"}),
    "failed": frozenset({"failed", "cancelled"}),
    "cancelled": frozenset({"cancelled"}),
    "unknown": frozenset({"unknown"}),
}
"""What a live card may say of a job that ended, by the job's state."""


@dataclass(frozen=True)
class Violation:
    """One broken invariant; `job` is empty where it is about the whole run."""

    invariant: str
    job: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.job} {self.what}".replace("  ", " ")


def check(events: Sequence[Event], rows: Rows) -> list[Violation]:
    """Every violation, those of single jobs first."""
    run = _Run(events, rows)
    found: list[Violation] = []
    of_jobs = (_ends, _submits, _appears_once, _places, _entries, _cards)
    for rule in (*of_jobs, _limits, _balances, _leaks, _budgets, _stored):
        found += rule(run)
    return found


class _Run:
    """The events by kind and the rows by job."""

    def __init__(self, events: Sequence[Event], rows: Rows) -> None:
        self.rows = rows
        self.jobs = {row["id"]: row for row in rows.jobs}
        self._kinds: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            self._kinds[event["kind"]].append(event)
        self.asked = {event["interaction"]: event for event in self.of("asked")}
        self.seen: dict[str, list[Event]] = defaultdict(list)
        for event in self.of("message"):
            if event["job"]:
                self.seen[event["job"]].append(event)
        self.closed: dict[str, list[str]] = defaultdict(list)
        for row in rows.ledger:
            if row["kind"] != "reserve":
                self.closed[row["job"]].append(row["kind"])

    def of(self, kind: str) -> list[Event]:
        return self._kinds[kind]

    def messages(self, job: str, roles: frozenset[str]) -> list[Event]:
        """Each message that ever had one of these roles for a job, once, in the order of appearance."""
        return list(
            {(e["message"], e["role"]): e for e in reversed(self.seen[job]) if e["role"] in roles}.values()
        )[::-1]


def _ends(run: _Run) -> Iterator[Violation]:
    """I1: one terminal state, and one result or one explanation that the member could see."""
    for job, row in run.jobs.items():
        if row["state"] not in ENDED:
            yield Violation("I1", job, f"never ended: {row['state']}")
            continue
        results, notices = run.messages(job, RESULTS), run.messages(job, NOTICES)
        told = len(results) + len(notices)
        if row["state"] == "cancelled" and row["cancelled_by"] == row["member"]:
            told += 1  # who stopped it was answered at once
        late = len(results) == len(notices) == 1 and row["state"] == "done" and run.closed[job] != ["settle"]
        kept = told == 0 and row["how"] == "kept" and any(p["state"] == "dead" for p in _posts_of(run, job))
        if not (told == 1 or late or kept):
            yield Violation(
                "I1", job, f"{row['state']} with {len(results)} results and {len(notices)} explanations"
            )
        elif (row["state"] == "done") != bool(results) and not kept:
            yield Violation("I1", job, f"{row['state']}, but the member saw something else")
    for event in run.of("overwritten"):
        yield Violation("I1", event["job"], "a card took the place of its end")


def _posts_of(run: _Run, job: str) -> list[Row]:
    return [row for row in run.rows.posts if row["subject"] == f"job:{job}"]


def _submits(run: _Run) -> Iterator[Violation]:
    """I2: a create that may have been taken is the last one of its job."""
    taken: Counter[str] = Counter()
    for event in run.of("create"):
        if taken[event["job"]]:
            yield Violation("I2", event["job"], "submitted again after a create that was taken")
        taken[event["job"]] += not event["refused"]


def _appears_once(run: _Run) -> Iterator[Violation]:
    """I3: at most one message of each kind, with one picture for each track; what is noted as shown is shown."""
    for job in run.seen:
        for role in ("card", "result", "shared", "ready", "notice", "sorry"):
            copies = {event["message"] for event in run.messages(job, frozenset({role}))}
            if len(copies) > 1:
                yield Violation("I3", job, f"{len(copies)} messages with its {role}")
    for event in run.of("pictured"):
        if event["pictures"] > event["sounds"]:
            yield Violation("I3", event["job"], f"{event['pictures']} pictures of {event['sounds']} tracks")
    pictured = {f"job:{event['job']}" for event in run.of("pictured")}
    marks: dict[str, set[int]] = defaultdict(set)
    for event in run.of("marked"):
        marks[event["mark"]].add(event["message"])
    for row in run.rows.posts:
        if row["purpose"] == "entry" or row["purpose"].startswith("contest-"):
            copies, out = len(marks[row["id"]]), row["state"] == "sent"
            if copies > 1 or (out and copies == 0):
                yield Violation("I3", "", f"{copies} messages with {row['purpose']} of {row['subject']}")
    for row in run.rows.posts:
        if row["purpose"] == "picture" and row["state"] == "sent" and row["subject"] not in pictured:
            yield Violation(
                "I3", row["subject"].removeprefix("job:"), "pictures that nobody saw are noted as shown"
            )


def _limits(run: _Run) -> Iterator[Violation]:
    """I4: held + used never passed the limit of that moment, at any prefix of the ledger."""
    taken: Counter[tuple[str, int]] = Counter()
    for row in run.rows.ledger:
        account = (row["account"], row["window_start"])
        if row["kind"] == "reserve":
            taken[account] += row["amount"]
            if row["amount"] and taken[account] > row["limit_then"]:
                yield Violation("I4", row["job"], f"{row['account']}: {taken[account]} of {row['limit_then']}")
        elif row["kind"] == "release":
            taken[account] -= row["amount"]


def _balances(run: _Run) -> Iterator[Violation]:
    """I5: counters equal the ledger; each reservation is closed once, by what the member got."""
    held: Counter[tuple[str, int]] = Counter()
    used: Counter[tuple[str, int]] = Counter()
    for row in run.rows.ledger:
        account = (row["account"], row["window_start"])
        held[account] += row["amount"] if row["kind"] == "reserve" else -row["amount"]
        used[account] += row["amount"] if row["kind"] == "settle" else 0
    for row in run.rows.balance:
        account = (row["account"], row["window_start"])
        if (row["held"], row["used"]) != (held[account], used[account]):
            yield Violation("I5", "", f"{row['account']}: the counters differ from the ledger")
    reserved: Counter[str] = Counter(row["job"] for row in run.rows.ledger if row["kind"] == "reserve")
    for job, row in run.jobs.items():
        if row["state"] not in ENDED:
            continue
        if len(run.closed[job]) != reserved[job] or not reserved[job]:
            yield Violation("I5", job, f"{reserved[job]} reservations, {len(run.closed[job])} of them closed")
            continue
        told = bool(run.messages(job, NOTICES))
        expected = "settle" if row["state"] == "done" and not told else "release"
        if set(run.closed[job]) != {expected}:
            yield Violation("I5", job, f"{row['state']}, but its reservations were closed by {run.closed[job]}")


def _entries(run: _Run) -> Iterator[Violation]:
    """I11: whoever used a contest's units has one entry of the job, and counts in it only while the job may."""
    reserved = {r["job"] for r in run.rows.ledger if r["kind"] == "reserve" and r["account"].startswith("contest:")}
    made = {row["job"] for row in run.rows.entries}
    for job in sorted(reserved - made):
        yield Violation("I11", job, "took units of a contest and is in none")
    active = Counter(
        (row["contest"], row["job"], row["track"]) for row in run.rows.entries if row["state"] in _ACTIVE
    )
    for (_, job, _), count in active.items():
        if count > 1:
            yield Violation("I11", job, f"is {count} times in one contest")
    for row in run.rows.entries:
        job = run.jobs.get(row["job"])
        if row["state"] == "entered" and job is not None and job["state"] != "done":
            yield Violation("I11", row["job"], f"counts as an entry and is {job['state']}")
        if row["state"] == "making" and job is not None and job["state"] in ENDED:
            yield Violation("I11", row["job"], f"is waited for as an entry and is {job['state']}")


def _cards(run: _Run) -> Iterator[Violation]:
    """I12: the live card of a job that ended says how, as long as it is there."""
    says = {event["message"]: event["says"] for event in run.of("card")}
    for job, message in ended_cards(run.rows):
        said = says.get(message, "")
        if said not in CARD_SAYS[job["state"]]:
            yield Violation("I12", job["id"], f"{job['state']}, and its card says {said or 'that it is under way'}")


def ended_cards(rows: Rows) -> Iterator[tuple[Row, int]]:
    """Each job that ended, with the message that is its public card."""
    jobs = {f"job:{row['id']}": row for row in rows.jobs if row["state"] in ENDED and not row["private"]}
    for row in rows.posts:
        if row["purpose"] == "card" and row["state"] == "sent" and row["subject"] in jobs:
            yield jobs[row["subject"]], int(row["message_id"])


def _places(run: _Run) -> Iterator[Violation]:
    """I6: a message is for the channel that asked, a private one for the member; I7: with its own title."""
    for job, events in run.seen.items():
        row = run.jobs.get(job)
        if row is None:
            yield Violation("I6", job, "messages of a job that is in no table")
            continue
        asked = run.asked.get(row["interaction"])
        for event in events:
            if event["role"] == "shared":
                wanted = [p["target"] for p in _posts_of(run, job) if p["purpose"] == "shared"]
                if not row["private"] or event["to"] or event["direct"] or event["channel"] not in wanted:
                    yield Violation("I6", job, "shown to others where nobody asked for that")
            elif not _is_at_home(event, row):
                yield Violation("I6", job, f"{event['role']} in a place that did not ask")
            if asked and event["tag"] and event["tag"] != asked["tag"]:
                yield Violation("I7", job, f"{event['role']} shows {event['tag']}, asked was {asked['tag']}")


def _is_at_home(event: Event, row: Row) -> bool:
    """Hints of a private job are for the channel; a copy is for whoever asked for one, wherever that was."""
    if event["direct"]:
        return bool(row["private"]) and event["direct"] == row["member"]
    if event["role"] == "copy":
        return event["to"] is not None and event["to"] == event["by"]
    only = row["member"] if row["private"] and event["role"] not in ("ready", "sorry") else None
    return event["channel"] == row["channel"] and event["to"] == only


def _leaks(run: _Run) -> Iterator[Violation]:
    """I8: no secret in a log, a message or a backup."""
    for event in run.of("leak"):
        yield Violation("I8", "", f"{event['secret']} in {event['where']}")


def _budgets(run: _Run) -> Iterator[Violation]:
    """I9: few requests that Discord counts as invalid, and no more identifies than starts."""
    invalid = len(run.of("invalid"))
    if invalid > INVALID_BUDGET:
        yield Violation("I9", "", f"{invalid} answers of 401, 403 and 429")
    identified = sum(event["identified"] for event in run.of("stopped"))
    starts = len(run.of("started")) + sum(event["reconnects"] for event in run.of("stopped"))
    if identified > starts + SPARE_IDENTIFIES:
        yield Violation("I9", "", f"{identified} identifies in {starts} starts")


def _stored(run: _Run) -> Iterator[Violation]:
    """I10: what was acknowledged, to a member or to a provider, is in the database; which is whole."""
    if run.rows.integrity != "ok":
        yield Violation("I10", "", f"the database is damaged: {run.rows.integrity}")
    for event in run.of("accepted"):
        row = run.jobs.get(event["job"])
        if row is None or row["interaction"] != event["interaction"]:
            yield Violation("I10", event["job"], "was promised to its member and is in no table")
    kept = {(row["job"], row["stage"]) for row in run.rows.inbox}
    for event in run.of("callback"):
        hints = {(event["job"], event["stage"]), (event["job"], "other")}  # not every dialect names its stages
        if 200 <= event["status"] < 300 and not hints & kept:
            yield Violation("I10", event["job"], f"callback {event['stage']} was acknowledged and not stored")
