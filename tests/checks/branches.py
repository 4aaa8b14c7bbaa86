"""`python -m tests.checks.branches [TESTS ...]`: the share of branches in bot/ and cogs/ that the tests take.

Processes that tests start are measured too: the bot itself, the command line, the workers of pytest; a bot that
its playground kills saves its count first (`saving.py`). Not measured are the audio children, whose environment is
empty, and whatever else is killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.scorecard.commands import ROOT

LEAST = 0.9
OPTIONS = ("--branch", "--parallel-mode", "--source=bot,cogs")


@dataclass(frozen=True)
class Totals:
    """Branches that there are, and that were taken."""

    branches: int
    covered: int

    @property
    def share(self) -> float:
        return self.covered / self.branches if self.branches else 0.0


def totals(report: Path) -> Totals:
    """Of coverage's report as JSON."""
    found = json.loads(report.read_text("utf-8"))["totals"]
    return Totals(found["num_branches"], found["covered_branches"])


def measure(tests: Sequence[str] = ("tests",), *, show: bool = False) -> tuple[int, Totals]:
    """Run tests; their exit code and what they reached. With `show` a table of files goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="twodeck-coverage-") as name:
        folder = Path(name)
        settings = folder / "coverage.ini"
        settings.write_text(
            f"[run]\npatch = subprocess\nconcurrency = thread\ndata_file = {folder / 'data'}\n", "utf-8"
        )
        coverage = (sys.executable, "-m", "coverage")
        rc = f"--rcfile={settings}"
        run = [*coverage, "run", rc, *OPTIONS, "-m", "pytest", "-n", "2", "--dist", "loadfile", *tests]
        code = subprocess.run(run, cwd=ROOT, stdout=sys.stderr, env=os.environ, check=False).returncode
        subprocess.run([*coverage, "combine", rc, "--quiet", name], cwd=ROOT, check=True)
        report = folder / "report.json"
        subprocess.run([*coverage, "json", rc, "--quiet", "-o", str(report)], cwd=ROOT, check=True)
        if show:
            subprocess.run([*coverage, "report", rc, "--skip-covered"], cwd=ROOT, stdout=sys.stderr, check=False)
        return code, totals(report)


def main(tests: Sequence[str]) -> int:
    code, found = measure(tests or ("tests",), show=True)
    sys.stdout.write(f"{found.covered} of {found.branches} branches, {found.share:.1%}; tests ended with {code}\n")
    return int(code != 0 or found.share < LEAST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
