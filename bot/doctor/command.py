"""`twodeck doctor` in the terminal: what it takes, how it prints, and its exit code."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from bot.clock import Clock
from bot.doctor import finding as findings
from bot.doctor.examination import Wish, examine
from bot.doctor.finding import Finding

OK, FAULT = 0, 1
FORMAT = 1
"""Of the JSON object; raised when a field changes its meaning or goes."""


def run(options: argparse.Namespace, env_file: Path | None) -> int:
    """Look at everything and print it; returns the exit code."""
    # What libraries and workers log of a fault would be said twice, and not always without an address.
    logging.getLogger().addHandler(logging.NullHandler())
    found = asyncio.run(examine(env_file, Wish(options.guild, options.channel), Clock()))
    passed = findings.passes(found, strict=options.strict)
    print(as_json(found, passed=passed) if options.json else as_lines(found))
    return OK if passed else FAULT


def as_json(found: Sequence[Finding], *, passed: bool) -> str:
    """The object that docs/operating.md describes."""
    lines = [dataclasses.asdict(finding) for finding in found]
    body = {"format": FORMAT, "passed": passed, "counts": findings.count(found), "findings": lines}
    return json.dumps(body, ensure_ascii=False, indent=2)


def as_lines(found: Sequence[Finding]) -> str:
    """A line for each finding, with its fix below it, and the sums."""
    widths = max(len(finding.level) for finding in found), max(len(finding.check) for finding in found)
    lines: list[str] = []
    for finding in found:
        lines.append(f"{finding.level.ljust(widths[0])}  {finding.check.ljust(widths[1])}  {finding.seen}")
        if finding.fix:
            lines.append(f"{' ' * (sum(widths) + 4)}-> {finding.fix}")
    counts = findings.count(found)
    return "\n".join([*lines, f"ok: {counts['ok']}, warnings: {counts['warning']}, errors: {counts['error']}"])
