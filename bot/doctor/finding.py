"""What one look came to: a level, what was seen, and how to mend it (pure values)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

_LEAST_SECRET = 6
"""A shorter one is nobody's secret, and taking it out would spoil every word that it is part of."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # the bot works, and something should be done
    ERROR = "error"  # something does not work until it is mended


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` is one sentence, empty when there is nothing to mend."""

    check: str
    level: Level
    seen: str
    fix: str = ""


def ok(check: str, seen: str) -> Finding:
    return Finding(check, Level.OK, seen)


def warning(check: str, seen: str, fix: str) -> Finding:
    return Finding(check, Level.WARNING, seen, fix)


def error(check: str, seen: str, fix: str) -> Finding:
    return Finding(check, Level.ERROR, seen, fix)


def not_looked_at(check: str, because: str) -> Finding:
    """For what cannot be seen while something else is broken."""
    return warning(check, f"Not looked at, because {because}.", "Mend the other line first, then ask again.")


def clean(finding: Finding, secrets: Iterable[str]) -> Finding:
    """Without control characters, and without any of `secrets`, whoever put them there."""
    seen, fix = finding.seen, finding.fix
    for secret in secrets:
        if len(secret) >= _LEAST_SECRET:
            seen, fix = seen.replace(secret, "[secret]"), fix.replace(secret, "[secret]")
    return Finding(finding.check, finding.level, _printable(seen), _printable(fix))


def count(findings: Sequence[Finding]) -> dict[str, int]:
    """How many there are of each level."""
    return {level.value: sum(one.level is level for one in findings) for level in Level}


def passes(findings: Iterable[Finding], *, strict: bool) -> bool:
    """Whether nothing has to be mended; with `strict` nothing should be, either."""
    bad = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    return not any(one.level in bad for one in findings)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
