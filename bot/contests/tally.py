"""Who wins: points, ranks and ties from ballots, and the hash by which ballots can be checked (pure)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rank:
    """What became of one entry; entries with the same points share a rank unless the organiser broke the tie."""

    entry: str
    points: int
    rank: int
    winner: bool
    tie_broken: bool


def standings(
    entries: Sequence[str], ballots: Iterable[Iterable[str]], winners: int, breaks: Mapping[str, int]
) -> tuple[Rank, ...]:
    """Every entry, best first: one point for each ballot that names it.

    `entries` in the order in which equals are listed, `breaks` the places that were given within ties. Whoever has
    one of the first `winners` ranks and any point wins, so a tie that nobody broke may make more winners than that.
    """
    points = Counter(entry for ballot in ballots for entry in set(ballot))
    order = {entry: place for place, entry in enumerate(entries)}
    keys = {entry: (-points[entry], breaks.get(entry, len(entries))) for entry in entries}
    ranked = sorted(entries, key=lambda entry: (*keys[entry], order[entry]))
    ranks: list[Rank] = []
    for place, entry in enumerate(ranked, start=1):
        same = place > 1 and keys[ranked[place - 2]] == keys[entry]
        rank = ranks[-1].rank if same else place
        won = rank <= winners and points[entry] > 0
        ranks.append(Rank(entry, points[entry], rank, won, entry in breaks))
    return tuple(ranks)


def tied_with(ranks: Sequence[Rank], entries: Sequence[str]) -> bool:
    """Whether these are all the entries that share one rank, and more than one."""
    found = {rank.rank for rank in ranks if rank.entry in entries}
    tied = {rank.entry for rank in ranks if rank.rank in found}
    return len(found) == 1 and len(set(entries)) == len(entries) > 1 and tied == set(entries)


def digest(contest: str, salt: str, ballots: Mapping[int, Iterable[int]]) -> str:
    """sha256 over the ballots by their numbers, each with the numbers of the entries that it names."""
    lines = [[number, sorted(set(ballots[number]))] for number in sorted(ballots)]
    text = json.dumps([contest, salt, lines], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def shuffled(salt: str, names: Iterable[str], *about: str) -> list[str]:
    """An order that nobody can foresee who does not know the salt, and that is always the same."""
    return sorted(names, key=lambda name: hashlib.sha256("\0".join((salt, *about, name)).encode()).digest())
