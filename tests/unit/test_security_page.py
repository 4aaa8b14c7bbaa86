"""SECURITY.md has every threat, each with tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
THREATS = [f"T{number}" for number in range(1, 36)]


def faults(page: str) -> list[str]:
    """Threats that are missing or come twice, stand alone, or name tests that do not exist."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines()]
    rows = [row for row in rows if re.fullmatch(r"T\d+", row[0])]
    found = [f"{name}: {n} rows" for name in THREATS if (n := sum(row[0] == name for row in rows)) != 1]
    for row in rows:
        files = re.findall(r"`([^`]+\.py)`", row[-1])
        found += [f"{row[0]}: {cell!r} is empty" for cell in row[1:] if not cell]
        found += [f"{row[0]}: no test"] * (not files)
        found += [f"{row[0]}: {file} is not there" for file in files if not (ROOT / file).is_file()]
    return found


def test_every_threat_has_its_tests() -> None:
    assert faults(PAGE) == []


def test_a_threat_without_a_test_is_found() -> None:
    assert faults(PAGE.replace("`tests/unit/test_reach.py`, ", "`tests/unit/test_gone.py`, ")) == [
        "T25: tests/unit/test_gone.py is not there"
    ]
    assert faults(re.sub(r"\n\| T13 .*", "", PAGE)) == ["T13: 0 rows"]
    assert faults(PAGE.replace("| `tests/unit/test_contest_votes.py` |", "| none |")) == ["T22: no test"]


def test_it_says_how_to_report_and_when_an_answer_comes() -> None:
    assert "*Report a vulnerability*" in PAGE
    assert "within 7 days" in PAGE
    assert "(SECURITY.md)" in (ROOT / "README.md").read_text("utf-8")
