"""The checker: it takes a good history, and for each invariant rejects one that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.checker import INVALID_BUDGET, check
from tests.chaos.history import Rows

Story = tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]


def job(number: int, state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"job{number}",
        "interaction": f"i{number}",
        "channel": "c1",
        "member": "m1",
        "state": state,
        "how": "channel" if state == "done" else None,
        "cancelled_by": None,
        "private": 0,
        **more,
    }


def message(number: int, role: str, job: int, **more: Any) -> dict[str, Any]:
    facts = {"message": number, "role": role, "job": f"job{job}", "tag": f"k{job}", "channel": "c1", "direct": ""}
    return {"kind": "message", **facts, "to": None, "by": None, **more}


def pictured(number: int, job: int, sounds: int = 2, pictures: int = 2) -> dict[str, Any]:
    return {"kind": "pictured", "message": number, "job": f"job{job}", "sounds": sounds, "pictures": pictures}


def carded(number: int, says: str) -> dict[str, Any]:
    return {"kind": "card", "message": number, "says": says}


def post(job: int, purpose: str, state: str = "sent") -> dict[str, Any]:
    return {"subject": f"job:job{job}", "purpose": purpose, "state": state}


def entry(job: int, kind: str, limit: int = 5) -> dict[str, Any]:
    shared = {"account": "member:g:m1", "amount": 1, "window_start": 0, "limit_then": limit}
    return {"job": f"job{job}", "kind": kind, **shared}


def good() -> Story:
    """One delivered, one explained, one of unknown outcome, one delivered free after that, one private."""
    events: list[dict[str, Any]] = [
        {"kind": "started"},
        *({"kind": "asked", "interaction": f"i{n}", "tag": f"k{n}"} for n in range(1, 6)),
        *({"kind": "accepted", "interaction": f"i{n}", "job": f"job{n}"} for n in range(1, 6)),
        *({"kind": "create", "job": f"job{n}", "refused": False} for n in (1, 3, 4, 5)),
        {"kind": "create", "job": "job2", "refused": True},
        {"kind": "create", "job": "job2", "refused": True},
        {"kind": "callback", "job": "job1", "stage": "complete", "status": 200},
        {"kind": "callback", "job": "job1", "stage": "complete", "status": 200},
        {"kind": "callback", "job": "job3", "stage": "complete", "status": 503},
        message(1, "card", 1),
        carded(1, ""),
        message(2, "result", 1),
        pictured(2, 1),
        carded(1, "done"),
        message(3, "card", 2),
        message(4, "notice", 2),
        message(5, "notice", 3),
        message(6, "notice", 4),
        message(7, "result", 4),
        message(8, "card", 5, to="m1", by="m1"),
        message(8, "result", 5, to="m1", by="m1"),
        message(9, "copy", 1, to="m1", by="m1"),
        {"kind": "stopped", "identified": 2, "reconnects": 1},
    ]
    tables = {
        "jobs": [job(1, "done"), job(2, "failed"), job(3, "unknown"), job(4, "done"), job(5, "done", private=1)],
        "posts": [post(1, "picture"), {**post(1, "card"), "message_id": "1"}],
        "ledger": [
            *(entry(n, "reserve") for n in range(1, 6)),
            *(entry(n, "settle" if n in (1, 5) else "release") for n in range(1, 6)),
        ],
        "balance": [{"account": "member:g:m1", "window_start": 0, "held": 0, "used": 2}],
        "inbox": [{"job": "job1", "stage": "complete"}],
    }
    return events, tables


def broken_invariants(story: Story, **rows: Any) -> set[str]:
    events, tables = story
    wrong: dict[str, Any] = {**tables, **rows}
    return {violation.invariant for violation in check(events, Rows(**wrong))}


def test_a_good_history_is_taken() -> None:
    assert broken_invariants(good()) == set()


def stuck(events: list[Any], tables: Any) -> None:
    tables["jobs"][0]["state"] = "submitted"


def silent(events: list[Any], tables: Any) -> None:
    events.remove(message(4, "notice", 2))


def both(events: list[Any], tables: Any) -> None:
    events.append(message(10, "notice", 1))


def overwritten(events: list[Any], tables: Any) -> None:
    events.append({"kind": "overwritten", "message": 8, "job": "job5"})


def wrong_end(events: list[Any], tables: Any) -> None:
    tables["jobs"][1]["state"] = "done"
    tables["ledger"] = [e for e in tables["ledger"] if e["job"] != "job2"] + [
        entry(2, "reserve"),
        entry(2, "settle"),
    ]
    tables["balance"][0]["used"] = 3


def submitted_twice(events: list[Any], tables: Any) -> None:
    events.append({"kind": "create", "job": "job1", "refused": False})


def tried_again(events: list[Any], tables: Any) -> None:
    events.append({"kind": "create", "job": "job1", "refused": True})


def posted_twice(events: list[Any], tables: Any) -> None:
    events.append(message(10, "result", 1))


def two_cards(events: list[Any], tables: Any) -> None:
    events.append(message(10, "card", 1))


def drawn_twice(events: list[Any], tables: Any) -> None:
    events.append(pictured(2, 1, pictures=4))


def half_its_sound_lost(events: list[Any], tables: Any) -> None:
    events.append(pictured(2, 1, sounds=1))


def never_shown(events: list[Any], tables: Any) -> None:
    events.remove(pictured(2, 1))


def over_the_limit(events: list[Any], tables: Any) -> None:
    for row in tables["ledger"]:
        row["limit_then"] = 4


def never_closed(events: list[Any], tables: Any) -> None:
    tables["ledger"].pop()
    tables["balance"][0] |= {"held": 1, "used": 1}


def other_counters(events: list[Any], tables: Any) -> None:
    tables["balance"][0]["used"] = 3


def charged_for_nothing(events: list[Any], tables: Any) -> None:
    tables["ledger"][6]["kind"] = "settle"
    tables["balance"][0]["used"] = 3


def elsewhere(events: list[Any], tables: Any) -> None:
    events[events.index(message(2, "result", 1))] = message(2, "result", 1, channel="c2")


def in_the_open(events: list[Any], tables: Any) -> None:
    events[events.index(message(8, "result", 5, to="m1", by="m1"))] = message(8, "result", 5)


def not_its_own(events: list[Any], tables: Any) -> None:
    events[events.index(message(2, "result", 1))] = message(2, "result", 1, tag="k2")


def leaked(events: list[Any], tables: Any) -> None:
    events.append({"kind": "leak", "secret": "the bot's token", "where": "the log"})


def often_invalid(events: list[Any], tables: Any) -> None:
    events.extend({"kind": "invalid", "status": 403} for _ in range(INVALID_BUDGET + 1))


def often_identified(events: list[Any], tables: Any) -> None:
    events[-1] = {"kind": "stopped", "identified": 20, "reconnects": 1}


def promise_lost(events: list[Any], tables: Any) -> None:
    events.append({"kind": "accepted", "interaction": "i9", "job": "job9"})


def callback_lost(events: list[Any], tables: Any) -> None:
    events.append({"kind": "callback", "job": "job1", "stage": "first", "status": 200})


def announced(events: list[Any], tables: Any, *, copies: int = 1) -> None:
    """A contest opened, and with the units that it gave to the first job something was made for it."""
    tables["posts"].append({"id": "p1", "subject": "contest:c", "purpose": "contest-opened", "state": "sent"})
    events += [{"kind": "marked", "message": 20 + copy, "mark": "p1"} for copy in range(copies)]
    units = {"account": "contest:c:m1", "job": "job1", "amount": 1, "window_start": 0, "limit_then": 5}
    tables["ledger"] += [{**units, "kind": kind} for kind in ("reserve", "settle")]
    tables["entries"] = [{"contest": "c", "job": "job1", "track": 1, "state": "entered"}]


def announced_twice(events: list[Any], tables: Any) -> None:
    announced(events, tables, copies=2)


def never_announced(events: list[Any], tables: Any) -> None:
    announced(events, tables, copies=0)


def units_for_nothing(events: list[Any], tables: Any) -> None:
    announced(events, tables)
    tables["entries"] = []


def entered_twice(events: list[Any], tables: Any) -> None:
    announced(events, tables)
    tables["entries"] *= 2


def waited_for_in_vain(events: list[Any], tables: Any) -> None:
    announced(events, tables)
    tables["entries"][0]["state"] = "making"


def entered_too_early(events: list[Any], tables: Any) -> None:
    announced(events, tables)
    tables["entries"].append({"contest": "c", "job": "job2", "track": 1, "state": "entered"})


def left_half_drawn(events: list[Any], tables: Any) -> None:
    events.remove(carded(1, "done"))


def drawn_wrong(events: list[Any], tables: Any) -> None:
    events.append(carded(1, "failed"))


def test_a_contest_that_was_announced_once_is_taken() -> None:
    story = good()
    announced(*story)
    assert broken_invariants(story) == set()


@pytest.mark.parametrize(
    ("breaks", "invariant"),
    [
        (stuck, "I1"),
        (silent, "I1"),
        (both, "I1"),
        (overwritten, "I1"),
        (wrong_end, "I1"),
        (submitted_twice, "I2"),
        (tried_again, "I2"),
        (posted_twice, "I3"),
        (two_cards, "I3"),
        (drawn_twice, "I3"),
        (half_its_sound_lost, "I3"),
        (never_shown, "I3"),
        (over_the_limit, "I4"),
        (never_closed, "I5"),
        (other_counters, "I5"),
        (charged_for_nothing, "I5"),
        (elsewhere, "I6"),
        (in_the_open, "I6"),
        (not_its_own, "I7"),
        (leaked, "I8"),
        (often_invalid, "I9"),
        (often_identified, "I9"),
        (promise_lost, "I10"),
        (callback_lost, "I10"),
        (announced_twice, "I3"),
        (never_announced, "I3"),
        (units_for_nothing, "I11"),
        (entered_twice, "I11"),
        (waited_for_in_vain, "I11"),
        (entered_too_early, "I11"),
        (left_half_drawn, "I12"),
        (drawn_wrong, "I12"),
    ],
)
def test_a_broken_history_is_rejected(breaks: Callable[..., None], invariant: str) -> None:
    story = good()
    breaks(*story)
    assert invariant in broken_invariants(story)


def test_a_damaged_database_is_rejected() -> None:
    assert broken_invariants(good(), integrity="row 3 missing from index") == {"I10"}


def test_a_member_who_stopped_a_job_needs_no_second_word() -> None:
    events, tables = good()
    events.remove(message(4, "notice", 2))
    tables["jobs"][1] |= {"state": "cancelled", "cancelled_by": "m1"}
    assert broken_invariants((events, tables)) == set()
    tables["jobs"][1]["cancelled_by"] = "a moderator"
    assert broken_invariants((events, tables)) == {"I1"}


def test_a_result_that_no_channel_takes_is_kept() -> None:
    events, tables = good()
    events.remove(message(2, "result", 1))
    tables["jobs"][0]["how"] = "kept"
    assert broken_invariants((events, tables)) == {"I1"}, "only a channel that refused it is an excuse"
    tables["posts"] += [post(1, "result", "dead")]
    assert broken_invariants((events, tables)) == set()


def test_a_private_result_is_shown_to_others_where_its_member_said_so_and_once() -> None:
    events, tables = good()
    events.append(message(10, "shared", 5))
    assert broken_invariants((events, tables)) == {"I6"}, "nobody asked for that"
    tables["posts"] += [{**post(5, "shared"), "target": "c1"}]
    assert broken_invariants((events, tables)) == set()
    tables["posts"][-1]["target"] = "c2"
    assert broken_invariants((events, tables)) == {"I6"}
    tables["posts"][-1]["target"] = "c1"
    events.append(message(11, "shared", 5))
    assert broken_invariants((events, tables)) == {"I3"}
