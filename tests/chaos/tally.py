"""What a run counted and what the checker found; runs side by side add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.checker import ENDED, Violation

Say = Callable[[str], None]


@dataclass
class Tally:
    """`interrupted` counts jobs by the state in which a kill met them; `violations` are written out."""

    counts: Counter[str] = field(default_factory=Counter[str])
    interrupted: Counter[str] = field(default_factory=Counter[str])
    violations: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def judge(self, found: Sequence[Violation], states: Mapping[str, int]) -> None:
        """Take the verdict over one stage, and how its jobs ended."""
        self.violations += map(str, found)
        self.counts["jobs"] += sum(states.values())
        self.counts["jobs that ended"] += sum(count for state, count in states.items() if state in ENDED)
        for state, count in states.items():
            self.counts[f"jobs {state}"] += count

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.interrupted += other.interrupted
        self.violations += other.violations
        self.notes += other.notes

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": dict(self.counts),
            "interrupted": dict(self.interrupted),
            "violations": self.violations,
            "notes": self.notes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        return cls(Counter(data["counts"]), Counter(data["interrupted"]), data["violations"], data["notes"])
