"""S27: the code is checked.

Lint is ruff with its security rules (S), basedpyright in its strict mode and the import rules. Branches are
those of bot/ and cogs/ that the whole of `make test` takes, child processes included
(`tests/checks/branches.py`). Mutants are small changes of the ledger, the job table and the verification of
callbacks, each of which some test has to notice (`tests/checks/mutants.py`); those that nobody could notice are
named in `tests/checks/accepted.toml`.
Broken: a file with one of each kind of finding and a function without types, in which nothing is missed; a tenth
of the tests, which leaves branches out; weak tests, which let changes through.
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
UNTYPED = '"""A function without types."""\n\n\ndef first(found):\n    return found[0]\n'
STRICT = ("reportMissingParameterType", "reportUnknownParameterType", "reportUnknownVariableType")


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
    options = ("check", "--config", str(ROOT / "pyproject.toml"), "--output-format", "concise")
    return _silent(RULES, BAD, "ruff", *options)


def unasked() -> list[str]:
    """Rules of the strict mode that ask for no types where there are none."""
    return _silent(STRICT, UNTYPED, "basedpyright", "--level", "error")


def _silent(rules: tuple[str, ...], source: str, program: str, *options: str) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="twodeck-bad-") as folder:
        file = Path(folder) / "bad.py"
        file.write_text(source, "utf-8")
        command = (str(Path(sys.executable).with_name(program)), *options, str(file))
        said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout
    return [rule for rule in rules if rule not in said]


def broken() -> Measured:
    weak = tests_pass("tests/checks/test_checks.py")
    _, few = branches.measure(("tests/unit/test_job.py",))
    unseen = [*missed(), *unasked()]
    found = weak.kept and few.share < branches.LEAST and not unseen
    text = f"found {', '.join((*RULES, *STRICT))}; {few.share:.0%} of branches with one file of tests; {weak.text}"
    return Measured(text, not found)


ROW = Row(
    27,
    "the code is checked",
    "0 findings of lint and types; 90 % of branches; 90 % of changes to ledger, job table and callbacks noticed",
    "tests/checks/test_checks.py",
    measure,
    broken,
)
