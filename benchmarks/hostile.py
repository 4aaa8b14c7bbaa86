"""Every builder of messages with all 5,000 hostile texts; the tests give each of them a share."""

from __future__ import annotations

from benchmarks.report import Figure, at_most, print_table
from tests.unit.test_hostile_words import BUILDERS, TEXTS, Build, faults, texts


def main() -> bool:
    bad = {name: found for name, build in BUILDERS.items() if (found := faults_of(name, build))}
    for name, found in bad.items():
        print(f"{name}: {found[0]}")
    return print_table(
        [
            Figure("builders, texts for each", f"{len(BUILDERS)}, {TEXTS:,}"),
            at_most("pings, live links or invites, broken layouts", sum(map(len, bad.values())), 0, ""),
        ]
    )


def faults_of(name: str, build: Build) -> list[str]:
    """What is wrong with its messages, until all of the words have been said."""
    words, found = list(texts()), list[str]()
    while words:
        found += faults(name, build, lambda: words.pop() if words else "word")
    return found
