"""Asks pip-audit whether anything in the lock files is known to be vulnerable, and whether its answer can be
believed.

pip-audit may skip packages, or reach no advisories at all, and still end with 0. So it first has to find the
holes of a version that is known to have many; then every pinned package has to be in its answer, none of them
skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.scorecard.commands import ROOT
from tests.supply import parts

CANARY = "aiohttp==3.13.2"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-audit.lock")
PROGRAM = ROOT / ".venv" / "audit" / "bin" / "pip-audit"
SECONDS = 600


@dataclass(frozen=True)
class Answer:
    """What pip-audit said about one file: `known` and `skipped` by package, its exit code and complaint."""

    code: int
    known: dict[str, list[str]]
    skipped: dict[str, str]
    seen: frozenset[str]
    complaint: str


def ask(file: Path, program: Sequence[str] = (str(PROGRAM),)) -> Answer:
    options = ("--strict", "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off")
    command = [*program, *options, "--requirement", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=_quiet())
    try:
        entries: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        entries = []
    return Answer(
        done.returncode,
        {e["name"]: [hole["id"] for hole in e["vulns"]] for e in entries if e.get("vulns")},
        {e["name"]: e["skip_reason"] for e in entries if "skip_reason" in e},
        frozenset(parts.plain(e["name"]) for e in entries if "skip_reason" not in e),
        done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "",
    )


def _quiet() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1"}


def canary_faults(answer: Answer) -> list[str]:
    """Why an auditor that was given the known-bad package cannot be believed."""
    if answer.known:
        return []
    why = answer.complaint or f"it ended with {answer.code} and named none"
    return [f"the audit proves nothing: it does not find the holes of {CANARY} ({why})"]


def faults(name: str, lock: str, answer: Answer) -> list[str]:
    """What stands against one lock file; nothing only when all of it was looked up and nothing was found."""
    found = [f"{name}: {package} has {', '.join(holes)}" for package, holes in answer.known.items()]
    found += [f"{name}: {package} was skipped: {why}" for package, why in answer.skipped.items()]
    unseen = set(parts.locked(lock)) - answer.seen - set(map(parts.plain, answer.skipped))
    if unseen:
        found.append(f"{name}: {len(unseen)} packages were not looked up ({answer.complaint or 'no reason given'})")
    if answer.code and not found:
        found.append(f"{name}: pip-audit ended with {answer.code}: {answer.complaint}")
    return found


def audit(program: Sequence[str] = (str(PROGRAM),), names: Sequence[str] = LOCKS) -> list[str]:
    """Everything that keeps the lock files from being called good; empty when they are."""
    with tempfile.TemporaryDirectory(prefix="twodeck-audit-") as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(f"{CANARY}\n", "utf-8")
        wrong = canary_faults(ask(canary, program))
    if wrong:
        return wrong
    return [
        fault
        for name in names
        for fault in faults(name, (ROOT / name).read_text("utf-8"), ask(ROOT / name, program))
    ]
