"""Contests as values: arrows, dates, the tally against a slow reference, the file that is exported."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.contests import sheet
from bot.contests.contest import ARROWS, EDITABLE, Contest, Phase, Rules, Schedule, check_arrow
from bot.contests.schedule import GRACE_MS, NEVER, PATIENCE_MS, Due, Entered, after_pause, begun, due, next_look
from bot.contests.sheet import Sheet, SheetError, Shown
from bot.contests.tally import Rank, digest, shuffled, standings, tied_with
from bot.errors import Refused

DAY = 24 * 3600_000
CONTEST = Contest(
    id="c1",
    guild="7",
    channel="71",
    gallery="72",
    organiser="1",
    locale="en",
    max_bytes=1,
    title="Night Drive",
    theme="",
    prize="",
    rules=Rules(),
    schedule=Schedule(10 * DAY, 20 * DAY, 30 * DAY),
    phase=Phase.DRAFT,
    rev=0,
    wake_at=0,
    salt="salt",
)
KEEP = 30 * DAY

LEGAL = {
    ("draft", "open"),
    ("draft", "cancelled"),
    ("open", "voting"),
    ("open", "cancelled"),
    ("voting", "closed"),
    ("voting", "cancelled"),
    ("closed", "archived"),
    ("cancelled", "archived"),
}


@pytest.mark.parametrize("origin", Phase)
@pytest.mark.parametrize("target", Phase)
def test_these_arrows_and_no_others(origin: Phase, target: Phase) -> None:
    if (origin.value, target.value) in LEGAL:
        check_arrow(origin, target)
    else:
        with pytest.raises(Refused):
            check_arrow(origin, target)


def test_every_phase_has_its_rules() -> None:
    assert set(ARROWS) == set(EDITABLE) == set(Phase)


@pytest.mark.parametrize(
    ("phase", "changes", "entered", "now", "wanted"),
    [
        (Phase.DRAFT, {}, Entered(), 10 * DAY - 1, None),
        (Phase.DRAFT, {}, Entered(), 10 * DAY, Due.OPEN),
        (Phase.DRAFT, {"schedule": Schedule(None, 20 * DAY, 30 * DAY)}, Entered(), 20 * DAY, Due.CANCEL),
        (Phase.OPEN, {}, Entered(2), 20 * DAY - 1, None),
        (Phase.OPEN, {}, Entered(2), 20 * DAY, Due.VOTE),
        (Phase.OPEN, {}, Entered(2, bare=1), 20 * DAY, None),
        (Phase.OPEN, {}, Entered(2, making=1), 20 * DAY + GRACE_MS - 1, None),
        (Phase.OPEN, {}, Entered(2, making=1), 20 * DAY + GRACE_MS, Due.VOTE),
        (Phase.OPEN, {}, Entered(1), 20 * DAY, Due.ASK),
        (Phase.OPEN, {"warned_at": 20 * DAY}, Entered(1), 20 * DAY + PATIENCE_MS - 1, None),
        (Phase.OPEN, {"warned_at": 20 * DAY}, Entered(1), 20 * DAY + PATIENCE_MS, Due.CANCEL),
        (Phase.VOTING, {}, Entered(), 30 * DAY - 1, None),
        (Phase.VOTING, {}, Entered(), 30 * DAY, Due.CLOSE),
        (Phase.VOTING, {"paused_at": 29 * DAY}, Entered(), 99 * DAY, None),
        (Phase.CLOSED, {"ended_at": 30 * DAY}, Entered(), 60 * DAY, Due.ARCHIVE),
        (Phase.CANCELLED, {"ended_at": 30 * DAY}, Entered(), 60 * DAY - 1, None),
        (Phase.ARCHIVED, {"ended_at": 30 * DAY}, Entered(), 600 * DAY, None),
    ],
)
def test_what_is_due(
    phase: Phase, changes: dict[str, object], entered: Entered, now: int, wanted: Due | None
) -> None:
    contest = replace(CONTEST, phase=phase, **changes)
    assert due(contest, entered, KEEP, now) is wanted
    if wanted is None and not entered.bare:
        assert now < next_look(contest, entered, KEEP) <= NEVER


def test_a_phase_that_began_much_too_late_lasts_as_long_as_it_was_to() -> None:
    opened = replace(CONTEST, phase=Phase.OPEN)
    assert begun(CONTEST, Phase.OPEN, 11 * DAY) == Schedule(11 * DAY, 20 * DAY, 30 * DAY)
    assert begun(CONTEST, Phase.OPEN, 18 * DAY) == Schedule(18 * DAY, 28 * DAY, 38 * DAY)
    assert begun(opened, Phase.VOTING, 24 * DAY) == Schedule(10 * DAY, 20 * DAY, 30 * DAY)
    assert begun(opened, Phase.VOTING, 44 * DAY) == Schedule(10 * DAY, 20 * DAY, 54 * DAY)


def test_a_pause_moves_only_what_had_not_passed() -> None:
    paused = replace(CONTEST, phase=Phase.OPEN, paused_at=12 * DAY)
    assert after_pause(paused, 15 * DAY) == Schedule(10 * DAY, 23 * DAY, 33 * DAY)


# ---- the tally


def reference(
    entries: Sequence[str], ballots: Sequence[Sequence[str]], winners: int, breaks: Mapping[str, int]
) -> dict[str, tuple[int, int, bool]]:
    """The slow way: an entry's rank is one more than how many are better."""
    points = {entry: sum(1 for ballot in ballots if entry in ballot) for entry in entries}

    def better(one: str, other: str) -> bool:
        if points[one] != points[other]:
            return points[one] > points[other]
        if (one in breaks) != (other in breaks):
            return one in breaks
        return one in breaks and breaks[one] < breaks[other]

    ranks = {entry: 1 + sum(better(other, entry) for other in entries) for entry in entries}
    return {
        entry: (points[entry], ranks[entry], ranks[entry] <= winners and points[entry] > 0) for entry in entries
    }


def some_contest(chance: random.Random) -> tuple[list[str], list[list[str]], int, dict[str, int]]:
    entries = [f"e{number}" for number in range(chance.randint(0, 8))]
    ballots = [chance.sample(entries, chance.randint(0, len(entries))) for _ in range(chance.randint(0, 12))]
    broken = chance.sample(entries, chance.randint(0, len(entries)))
    return entries, ballots, chance.randint(1, 4), {entry: place for place, entry in enumerate(broken)}


def wrong(tally: Callable[..., tuple[Rank, ...]] = standings) -> int:
    """In how many of many random contests the tally is not what the reference says."""
    chance, count = random.Random(7), 0
    for _ in range(1000):
        case = some_contest(chance)
        ranks = tally(*case)
        found = {rank.entry: (rank.points, rank.rank, rank.winner) for rank in ranks}
        count += found != reference(*case) or [r.rank for r in ranks] != sorted(r.rank for r in ranks)
    return count


def test_the_tally_is_what_a_slow_reference_says() -> None:
    assert wrong() == 0


def test_a_tally_that_counts_places_instead_of_ranks_is_found() -> None:
    """Broken on purpose: whoever is listed first among equals wins alone."""

    def places(*case: Any) -> tuple[Rank, ...]:
        ranks = standings(*case)
        return tuple(replace(rank, rank=place) for place, rank in enumerate(ranks, start=1))

    assert wrong(places) > 100


def test_naming_an_entry_twice_counts_once_and_strangers_count_nothing() -> None:
    (only,) = standings(["a"], [["a", "a"], ["b"]], 1, {})
    assert (only.points, only.rank, only.winner) == (1, 1, True)


def test_a_tie_is_named_whole_or_not_at_all() -> None:
    ranks = standings(["a", "b", "c"], [["a"], ["b"]], 1, {})
    assert [rank.rank for rank in ranks] == [1, 1, 3]
    assert tied_with(ranks, ["b", "a"])
    for wrong_tie in ([], ["a"], ["a", "b", "c"], ["c"], ["a", "a"], ["a", "x"]):
        assert not tied_with(ranks, wrong_tie), wrong_tie
    broken = standings(["a", "b", "c"], [["a"], ["b"]], 1, {"b": 0, "a": 1})
    assert [(rank.entry, rank.rank, rank.winner) for rank in broken] == [
        ("b", 1, True),
        ("a", 2, False),
        ("c", 3, False),
    ]


def test_the_order_of_entries_depends_on_the_salt_and_the_voter_only() -> None:
    names = [f"e{number}" for number in range(10)]
    assert shuffled("s", names, "v") == shuffled("s", reversed(names), "v")
    orders = {tuple(shuffled(salt, names, voter)) for salt in "ab" for voter in "xyz"}
    assert len(orders) == 6
    assert all(sorted(order) == sorted(names) for order in orders)


# ---- the file


SHEET = Sheet(
    contest="c1",
    title='=Night, Drive\n"2"',
    winners=1,
    salt="-salt",
    digest="",
    entries=(Shown(1, "entered", "101", "+dub"), Shown(2, "entered", "102"), Shown(3, "disqualified", "103")),
    ballots={500123: (1, 3), 400999: (2,), 700100: (2, 1)},
    breaks={2: 0, 1: 1},
)
SEALED = replace(SHEET, digest=digest(SHEET.contest, SHEET.salt, SHEET.ballots))


@pytest.mark.parametrize("write", [sheet.to_json, sheet.to_csv])
def test_a_file_gives_the_same_winners_and_shows_that_it_is_genuine(write: Callable[[Sheet], bytes]) -> None:
    found = sheet.read(write(SEALED))
    assert sheet.is_genuine(found)
    assert sheet.ranks_in(found) == sheet.ranks_in(SEALED)
    assert [(rank.entry, rank.points, rank.winner) for rank in sheet.ranks_in(found)] == [
        ("2", 2, True),
        ("1", 2, False),
    ]
    assert (found.ballots, found.salt, found.winners) == (SEALED.ballots, SEALED.salt, 1)


@pytest.mark.parametrize(
    "ballots", [{}, {**SHEET.ballots, 500123: (1,)}, {**SHEET.ballots, 111111: (1,)}, {1: (1, 3), 400999: (2,)}]
)
def test_a_ballot_that_was_changed_added_or_dropped_is_found(ballots: dict[int, tuple[int, ...]]) -> None:
    assert not sheet.is_genuine(replace(SEALED, ballots=ballots))


@pytest.mark.parametrize("data", [b"", b"{}", b"a,b\n1,2\n", b"\xff\xfe", b'{"kind": "other"}', b"[1]"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(SheetError):
        sheet.read(data)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (sheet.to_csv(SEALED), 0, "1. entry-2: 2 (winner, tie broken)"),
        (sheet.to_json(SEALED), 0, "as published"),
        (sheet.to_json(SHEET), 0, "no hash"),
        (sheet.to_json(replace(SEALED, ballots={1: (1,)})), 1, "WRONG"),
        (b"something else", 1, "not the export of a contest"),
    ],
    ids=["csv", "json", "too early", "changed", "another file"],
)
def test_the_terminal_recomputes_a_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, code: int, words: str
) -> None:
    (tmp_path / "contest").write_bytes(data)
    assert main(["tally", str(tmp_path / "contest")]) == code
    said = capsys.readouterr()
    assert words in said.out + said.err
