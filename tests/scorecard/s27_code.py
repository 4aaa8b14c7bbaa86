"""S27: the code is checked.

Lint is ruff with its security rules (S), basedpyright and the import rules. Branches are those of bot/ and
cogs/ that the whole of `make test` takes, child processes included (`tests/checks/branches.py`). Mutants are
small changes of the ledger, the job table and the verification of callbacks, each of which some test has to
notice (`tests/checks/mutants.py`); those that nobody could notice are named in `tests/checks/accepted.toml`.
Broken: no lint finding is missed in a file that has one of each kind, a tenth of the tests leaves branches out,
weak tests let changes through.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.checks import branches, mutants
from tests.scorecard.commands import ROOT, tests_pass
from tests.scorecard.row import Measured, Row

BAD = '''"""Everything that may not be."""

import pickle
import subprocess


def bad(text: str, data: bytes) -> int:
    eval(text)
    subprocess.run(text, shell=True)
    return pickle.loads(data) + len(f"SELECT {text} FROM t")
'''
RULES = ("S301", "S307", "S602", "S608")


def measure() -> Measured:
    lint = subprocess.run(("make", "--silent", "lint"), cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode
    code, reached = branches.measure()
    scores = mutants.measure()
    words = [
        f"lint: {'0 findings' if lint == 0 else 'findings'}",
        f"branches: {reached.share:.1%} of {reached.branches}{'' if code == 0 else ', and tests failed'}",
        *(f"{s.module}: {s.noticed} of {s.noticed + len(s.survived)} changes noticed" for s in scores),
    ]
    good = reached.share >= branches.LEAST and all(score.share >= mutants.LEAST for score in scores)
    return Measured("; ".join(words), lint == 0 and code == 0 and good)


def missed() -> list[str]:
    """Security rules that find nothing in a file that breaks each of them."""
    with tempfile.TemporaryDirectory(prefix="twodeck-bad-") as folder:
        file = Path(folder) / "bad.py"
        file.write_text(BAD, "utf-8")
        options = ("check", "--config", str(ROOT / "pyproject.toml"), "--output-format", "concise", str(file))
        command = (str(Path(sys.executable).with_name("ruff")), *options)
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    return [rule for rule in RULES if rule not in said]


def broken() -> Measured:
    weak = tests_pass("tests/checks/test_checks.py")
    _, few = branches.measure(("tests/unit/test_job.py",))
    unseen = missed()
    found = weak.kept and few.share < branches.LEAST and not unseen
    text = f"security rules {', '.join(RULES)}; {few.share:.0%} of branches with one file of tests; {weak.text}"
    return Measured(text, not found)


ROW = Row(
    27,
    "the code is checked",
    "0 findings of lint and types; 90 % of branches; 90 % of changes to ledger, job table and callbacks noticed",
    "tests/checks/test_checks.py",
    measure,
    broken,
)
