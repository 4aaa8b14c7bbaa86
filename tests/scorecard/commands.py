"""Rows that another program of this project measures: run it, and read what it printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.scorecard.row import Measured

ROOT = Path(__file__).parents[2]
_PASSED = re.compile(r"(\d+) passed")
_CELL = re.compile(r"^\| ([^|]+) \| ([^|]*) \|", re.MULTILINE)


def run(*arguments: str) -> tuple[int, str]:
    """`python -m ...` from the project's folder: its exit code and what it printed; its errors go to our stderr."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stdout


def tests_pass(*arguments: str) -> Measured:
    """Run these tests; kept when all of them passed, and there were some."""
    code, out = run("pytest", "--no-header", "-p", "no:cacheprovider", *arguments)
    passed = sum(int(number) for number in _PASSED.findall(out))
    tail = out.strip().splitlines()[-1] if out.strip() else "nothing"
    return Measured(f"{passed} tests passed" if code == 0 else tail, code == 0 and passed > 0)


def table_of(*arguments: str) -> Measured:
    """Run a benchmark or a row of the chaos runs, kept when it ends well; the values of its table."""
    code, out = run(*arguments)
    cells = [f"{name.strip()}: {value.strip()}" for name, value in _CELL.findall(out) if value.strip(" -")]
    return Measured("; ".join(cells[1:]) or f"exit code {code}", code == 0)
