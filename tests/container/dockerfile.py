"""Reads a Dockerfile: its stages, and what each of them does, in order."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field

_FROM = re.compile(r"(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """One instruction; `value` is the rest of its line, continued lines joined."""

    instruction: str
    value: str

    @property
    def words(self) -> list[str]:
        """A list in JSON as such, else the words of a shell."""
        return json.loads(self.value) if self.value.startswith("[") else shlex.split(self.value)


@dataclass
class Stage:
    """What is built upon one base."""

    base: str
    name: str = ""
    steps: list[Step] = field(default_factory=list[Step])

    def all(self, instruction: str) -> list[Step]:
        return [step for step in self.steps if step.instruction == instruction]


def read(text: str) -> list[Stage]:
    """Every stage of a Dockerfile. Raises `ValueError` where it does not begin with a FROM."""
    stages: list[Stage] = []
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        if not line.strip():
            continue
        instruction, _, value = line.strip().partition(" ")
        if instruction == "FROM":
            found = _FROM.match(value)
            if found is None:
                raise ValueError(line)
            stages.append(Stage(found["base"], found["name"] or ""))
        elif stages:
            stages[-1].steps.append(Step(instruction, value.strip()))
        else:
            raise ValueError(f"{line}: before any FROM")
    return stages
