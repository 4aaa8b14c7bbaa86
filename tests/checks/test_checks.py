"""The measures of the tests themselves: weak tests let changes through, leave branches out, and are found."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.checks.branches import LEAST, OPTIONS, totals
from tests.checks.mutants import MODULES, path_of
from tests.checks.mutations import mutations
from tests.scorecard.commands import ROOT
from tests.scorecard.s27_code import missed, unasked

SOURCE = '''"""Room."""
LIMIT = 3
def room(held: int, wanted: int) -> bool:
    """Whether it fits."""
    return held + wanted <= LIMIT
'''
STRONG = "assert room(1, 2) is True and room(2, 2) is False"
WEAK = "assert room(0, 0) in (True, False)"
TRIAL = """
import sys
from pathlib import Path
from tests.checks import mutants
score = mutants.try_all("room", ["test_room.py"], Path(sys.argv[1]))
print(score.noticed, len(score.survived))
"""


def trial(folder: Path, check: str, source: str = SOURCE) -> tuple[int, int]:
    """How many changes these tests notice, and how many survive; the forks start from a process of its own."""
    (folder / "room.py").write_text(source, "utf-8")
    (folder / "test_room.py").write_text(f"from room import room\ndef test_room():\n    {check}\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TRIAL, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=100,
        check=True,
    )
    noticed, survived = map(int, done.stdout.split())
    return noticed, survived


def test_strong_tests_notice_every_change(tmp_path: Path) -> None:
    assert trial(tmp_path, STRONG) == (4, 0)


def test_weak_tests_are_found_out(tmp_path: Path) -> None:
    noticed, survived = trial(tmp_path, WEAK)
    assert survived >= 3
    assert noticed + survived == 4


def test_tests_that_fail_anyway_prove_nothing(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        trial(tmp_path, "assert False")


def test_rules_in_sql_are_changed_too() -> None:
    made = {
        mutation.after
        for mutation in mutations('tx.run("UPDATE t SET n = n + ? WHERE id = ? AND n + ? <= most AND end IS NULL")')
    }
    assert any("n - ? WHERE" in text for text in made)
    assert any("< most" in text for text in made)
    assert any("id != ?" in text for text in made)
    assert any("OR n + ?" in text for text in made)
    assert any("IS NOT NULL" in text for text in made)
    assert not any("SET n != " in text for text in made)


def test_every_module_and_its_tests_are_there_and_accepted_changes_are_real() -> None:
    known = tomllib.loads((ROOT / "tests/checks/accepted.toml").read_text("utf-8"))
    assert set(known) <= set(MODULES)
    for module, tests in MODULES.items():
        assert path_of(module, ROOT).is_file()
        assert all((ROOT / name).is_file() for name in tests)
    for module, entries in known.items():
        real = {f"{m.before} -> {m.after}" for m in mutations(path_of(module, ROOT).read_text("utf-8"))}
        assert set(entries) - real == set(), module
        assert all(entries.values())


def test_the_share_of_branches_is_read_from_coverages_own_report(tmp_path: Path) -> None:
    report = tmp_path / "coverage.json"
    report.write_text(
        '{"totals": {"num_branches": 200, "covered_branches": 179, "percent_covered": 99.0}}', "utf-8"
    )
    found = totals(report)
    assert (found.branches, found.covered) == (200, 179)
    assert found.share < LEAST
    assert "--branch" in OPTIONS


def test_the_security_rules_find_what_may_not_be() -> None:
    assert missed() == []


def test_types_are_asked_for_where_there_are_none() -> None:
    assert unasked() == []
